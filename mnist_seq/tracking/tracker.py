"""The only writer of a store: makes experiments, starts runs, and outlives a locked database."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Literal, Self, TypeAlias

from mlflow.entities.lifecycle_stage import LifecycleStage
from mlflow.exceptions import MlflowException

from mnist_seq.config import Scalar, TrackingConfig
from mnist_seq.errors import TrackingError
from mnist_seq.tracking.run import Run, milliseconds
from mnist_seq.tracking.store import Store, passing, unusable
from mnist_seq.tracking.values import Deed
from mnist_seq.tracking.writer import Writer

Role: TypeAlias = Literal["trial", "sweep", "training", "rerun"]

_log = logging.getLogger(__name__)


class Tracker:
    """The only writer of a store, one for each command.

    Parameters
    ----------
    config : TrackingConfig
        Says in which folder; folder and database are made if they are not there.
    warn : callable
        Told in one line what the user should know: the store is locked, a run was deleted.
    patience : float
        Seconds that `close` waits while nothing at all can be stored.

    Raises
    ------
    TrackingError
        If the folder cannot be written, or holds a database that is not MLflow's.
    """

    def __init__(
        self,
        config: TrackingConfig,
        warn: Callable[[str], None] = _log.warning,
        patience: float = 60.0,
    ) -> None:
        self._store = Store.at(config)
        self._store.create()
        self._client = self._store.open()
        self._warn = warn
        self._patience = patience
        self._starting: set[Future[str]] = set()
        self._writer = Writer(passing, warn)

    def experiment(self, name: str) -> str:
        """The id of the experiment with this name, made if it is not there.

        Raises
        ------
        TrackingError
            If the experiment was deleted, its folder was moved, or the database is locked.
        """
        place = self._store.artifacts / name
        try:
            with self._store.alone():
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    kind = {"mlflow.experimentKind": "custom_model_development"}
                    return self._client.create_experiment(name, place.as_uri(), kind)
        except MlflowException as error:
            raise unusable(self._store, error) from error
        if found.lifecycle_stage == LifecycleStage.DELETED:
            raise TrackingError(f"{name}: was deleted in the MLflow UI; choose another name")
        if found.artifact_location != place.as_uri():
            raise TrackingError(
                f"{name}: keeps its files in {found.artifact_location}, not in {place}; "
                "move the folder back, or choose another name"
            )
        return str(found.experiment_id)

    def describe(self, experiment_id: str, markdown: str) -> None:
        """Show a text above the experiment's runs."""
        self._writer.put(
            experiment_id,
            Deed(
                "the description",
                lambda _: self._client.set_experiment_tag(
                    experiment_id, "mlflow.note.content", markdown[:20_000]
                ),
            ),
        )

    def start(
        self,
        experiment_id: str,
        name: str,
        role: Role,
        params: Mapping[str, Scalar],
        tags: Mapping[str, str],
    ) -> "Run":
        """A new run, without waiting for it: its id comes later."""
        created: Future[str] = Future()
        self._starting.add(created)
        created.add_done_callback(self._starting.discard)
        run = Run(self._client, self._writer, self._warn, name, created)
        now = milliseconds()

        def create(again: bool) -> None:
            try:
                # What was reported as failed may be there: its name and millisecond tell.
                known = self._started(experiment_id, name, now) if again else None
                labels = {**tags, "role": role}
                run_id = (
                    known or self._client.create_run(experiment_id, now, labels, name).info.run_id
                )
            except Exception as error:
                if not passing(error):
                    created.set_exception(error)
                raise
            created.set_result(run_id)

        self._writer.put(run, Deed(f"{name}: start", create))
        run.params(params)
        return run

    def reopen(self, run_id: str) -> "Run":
        """A run that exists, to go on with it or to close what a dead process left open."""
        created: Future[str] = Future()
        created.set_result(run_id)
        run = Run(self._client, self._writer, self._warn, f"run {run_id[:8]}", created)
        run.resume()
        return run

    def attach(self, run_id: str, name: str, content: str | bytes) -> None:
        """Keep one more file with a run that is over."""
        created: Future[str] = Future()
        created.set_result(run_id)
        Run(self._client, self._writer, self._warn, name, created).artifact(name, content)

    def idle(self) -> AbstractContextManager[None]:
        """A block in which the driver waits for something else: a good time to write."""
        return self._writer.idle()

    def flush(self) -> None:
        """Wait until everything so far is stored.

        Raises
        ------
        TrackingError
            If nothing could be stored for `patience` seconds.
        """
        self._refuse(self._writer.drain(self._patience))

    def close(self) -> None:
        """Wait until everything is stored, and stop.

        Raises
        ------
        TrackingError
            If nothing could be stored for `patience` seconds; says what is lost.
        """
        try:
            left = self._writer.close(self._patience)
        finally:
            for created in list(self._starting):
                created.cancel()
        self._refuse(left)

    def _started(self, experiment_id: str, name: str, began: int) -> str | None:
        runs = self._client.search_runs([experiment_id], f"attributes.start_time = {began}")
        return next((run.info.run_id for run in runs if run.info.run_name == name), None)

    def _refuse(self, left: Sequence[str]) -> None:
        if left:
            more = f" and {len(left) - 3} more" if len(left) > 3 else ""
            raise TrackingError(
                f"{self._store.folder}: not stored: {', '.join(left[:3])}{more}; "
                "the database was locked or the disk full"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
            return
        try:
            self.close()
        except Exception as second:  # the first error is the one to see
            self._warn(str(second))
