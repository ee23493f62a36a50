"""When tasks have started on the workers: they say so themselves, by an event of Dask's."""

import time
import uuid

from distributed import Client


class Starts:
    """Start times of tasks, from events that the tasks themselves send.

    Attributes
    ----------
    topic : str
        Of the events.
    """

    def __init__(self) -> None:
        self.topic = f"mnist-seq {uuid.uuid4()}"
        self._at: dict[int | str, float] = {}

    def subscribe(self, client: Client) -> None:
        """Be told from now on; a scheduler that was restarted must be asked again."""
        client.subscribe_topic(self.topic, self._note)

    def at(self, name: int | str) -> float | None:
        """Seconds of the monotonic clock at which a task started; None if it has not."""
        return self._at.get(name)

    def forget(self, name: int | str) -> None:
        """Forget a task."""
        self._at.pop(name, None)

    def leave_out(self, seconds: float) -> None:
        """Move all start times later, so that a pause does not count as running."""
        self._at = {name: at + seconds for name, at in self._at.items()}

    def _note(self, event: tuple[float, int | str]) -> None:
        self._at[event[1]] = time.monotonic()
