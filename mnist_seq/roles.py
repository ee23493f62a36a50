"""What the driver's loop passes on, a trial, and what it asks of those it works with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from mnist_seq.config import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.records import Ending, EpochRecord, Outcome, State
from mnist_seq.space import Values


@dataclass(frozen=True)
class Trial:
    """One training that is to be done.

    Attributes
    ----------
    number : int
        Its number in the study, from 0.
    config : Config
        All of its settings.
    values : dict of str to scalar
        Those that are searched, by path; empty where nothing is.
    prunable : bool
        Whether it may be given up before its last epoch.
    """

    number: int
    config: Config
    values: Values
    prunable: bool = True


class Trials(Protocol):
    """Where trials come from, and who judges them."""

    def left_behind(self, endings: Mapping[int, Ending], /) -> list[Trial]:
        """Trials that ended in an earlier session, as given, but were not told everywhere."""

    def next(self) -> Trial | None:
        """The next trial to start or to take up again, or None when there is none left."""

    def is_hopeless(self, trial: Trial, best: EpochRecord, epoch: int, /) -> bool:
        """Note a trial's best so far; whether to give it up."""

    def end(self, trial: Trial, ending: Ending, /) -> None:
        """Note how a trial ended."""


class Workers(Protocol):
    """Slots, each for one training at a time, named by the number of its trial."""

    @property
    def free(self) -> int: ...

    def start(
        self, number: int, config: Config, data: Dataset, state: State | None = None
    ) -> None: ...

    def advance(self, number: int) -> None: ...

    def finish(self, number: int) -> None: ...

    def save(self, number: int) -> None: ...

    def drop(self, number: int) -> None: ...

    def next(self, timeout: float) -> tuple[int, Outcome] | None: ...


class Checkpoints(Protocol):
    """What outlives the driver."""

    def save_state(self, number: int, state: State) -> None: ...

    def state(self, number: int) -> State | None: ...

    def save_ending(self, number: int, ending: Ending) -> None: ...

    def endings(self) -> dict[int, Ending]: ...


class Watcher(Protocol):
    """Is told what happens, in order: record keeping, and the display."""

    def started(self, trial: Trial, /) -> None: ...

    def epoch(self, trial: Trial, record: EpochRecord, /) -> None: ...

    def ended(self, trial: Trial, ending: Ending, /) -> None: ...

    def message(self, text: str, /) -> None: ...
