"""Write access to a store: create experiments and runs; retry while it is locked or away."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Literal, Self, TypeAlias

from mlflow import entities
from mlflow.exceptions import MlflowException

from mnist_seq.config.settings import Scalar
from mnist_seq.errors import TrackingError
from mnist_seq.sqlite.database import exclusive
from mnist_seq.tracking.experiments import (
    MLFLOWS_OWN,
    STUDY,
    DeletionCheck,
    find_experiment,
    is_deleted,
    restoring,
)
from mnist_seq.tracking.runs import Run, milliseconds
from mnist_seq.tracking.server import PROXIED
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.views import View
from mnist_seq.tracking.writer import Write, Writer

Role: TypeAlias = Literal["trial", "sweep", "training", "rerun", "sensitivity"]

_log = logging.getLogger(__name__)


class Tracker:
    """Creates experiments and runs in a store and writes to them in the background.

    Parameters
    ----------
    warn : callable
        Told in one line what the user should know: the store is locked, a run was deleted.
    timeout : float
        Seconds that `flush` and `close` wait while nothing at all can be stored.

    Raises
    ------
    TrackingError
        From `flush` and `close`, where that was in vain: says what is not stored.
    """

    def __init__(
        self, store: Store, warn: Callable[[str], None] = _log.warning, timeout: float = 60.0
    ) -> None:
        self._store = store
        self._client = store.client
        self._warn = warn
        self._timeout = timeout
        self._created: list[Future[str]] = []
        self._deletions = DeletionCheck(store, warn)
        self._experiments: dict[str, str] = {}  # names by id
        self._writer = Writer(store.is_transient, warn, store.reason)

    def experiment(self, name: str) -> str:
        """Return the id of the experiment of this name; create it if it is missing.

        It is found by its tag, also where it was renamed in MLflow.

        Raises
        ------
        TrackingError
            If the experiment was deleted, its folder was moved, its name is taken, or the database
            is locked.
        """
        place = self._store.artifact_root(name)
        with self._store.tracking_errors(), exclusive(self._store.database):
            found = find_experiment(self._client, name)
            if found is None:
                found = self._create_experiment(name, place)
            if found.experiment_id == MLFLOWS_OWN:
                raise TrackingError(f"{name}: is MLflow's own experiment; choose another name")
            if is_deleted(found):
                raise TrackingError(
                    f"{name}: was deleted in MLflow; choose another name, or bring it back: "
                    f"{restoring(self._store, found)}"
                )
            if STUDY not in found.tags:
                self._client.set_experiment_tag(found.experiment_id, STUDY, name)
        if place is None and not found.artifact_location.startswith(PROXIED):
            raise TrackingError(
                f"{name}: the server has its files sent to {found.artifact_location}, past itself; "
                "start it with --serve-artifacts and --artifacts-destination, and choose another "
                "name"
            )
        if place not in {None, found.artifact_location}:
            raise TrackingError(
                f"{name}: keeps its files in {found.artifact_location}, not in {place}; "
                "move the folder back, or choose another name"
            )
        self._experiments[found.experiment_id] = name
        return str(found.experiment_id)

    def _create_experiment(self, name: str, place: str | None) -> entities.Experiment:
        if self._client.get_experiment_by_name(name) is not None:
            raise TrackingError(
                f"{name}: another study's experiment has this name in MLflow; rename it there, or "
                "choose another name"
            )
        tags = {"mlflow.experimentKind": "custom_model_development", STUDY: name}
        return self._client.get_experiment(self._client.create_experiment(name, place, tags))

    def describe(self, experiment_id: str, markdown: str) -> None:
        """Set the experiment's description, shown above its runs in MLflow."""
        self._tag_experiment(experiment_id, "mlflow.note.content", markdown[:20_000])

    def prepare_view(self, experiment_id: str, view: View) -> None:
        """Prepare a view of the experiment's runs, which MLflow lists and `ui` opens."""
        self._tag_experiment(experiment_id, view.tag, view.text(milliseconds()))

    def _tag_experiment(self, experiment_id: str, name: str, value: str) -> None:

        def store(_: bool) -> None:
            try:
                self._client.set_experiment_tag(experiment_id, name, value)
            except MlflowException as error:
                if self._store.is_transient(error) or not self._deletions.experiment(experiment_id):
                    raise

        self._writer.put(experiment_id, Write(f"the experiment's {name}", store))

    def start(
        self,
        experiment_id: str,
        name: str,
        role: Role,
        params: Mapping[str, Scalar],
        tags: Mapping[str, str],
    ) -> Run:
        """Start a new run and return its handle at once; its id is known later."""
        run = self._run(name)
        self._created.append(run.created)
        now, labels = milliseconds(), {**tags, "role": role}

        def create(is_retry: bool) -> None:
            try:
                # What was reported as failed may be there: its name and millisecond tell.
                known = self._started(experiment_id, name, now) if is_retry else None
                made = known or self._client.create_run(experiment_id, now, labels, name)
            except Exception as error:
                if self._store.is_transient(error):
                    raise
                if self._deletions.experiment(experiment_id):
                    deleted = TrackingError(f"{name}: its experiment was deleted in MLflow")
                    run.created.set_exception(deleted)
                    return
                run.created.set_exception(error)
                raise
            run.created.set_result(made.info.run_id)

        self._writer.put(run, Write(f"{name}: start", create))
        run.params(params)
        return run

    def reopen(self, run_id: str) -> Run:
        """Reopen an existing run, to continue it or to end it after a crash."""
        run = self._run(f"run {run_id[:8]}", run_id)
        run.resume()
        return run

    def attach(self, run_id: str, name: str, content: str | bytes) -> None:
        """Add a file to a run that has already ended."""
        self._run(name, run_id).artifact(name, content)

    def label(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a run that has already ended."""
        self._run(f"run {run_id[:8]}", run_id).tags(tags)

    def idle(self) -> AbstractContextManager[None]:
        """Context manager: mark the caller as idle, so that queued writes run meanwhile."""
        return self._writer.idle()

    def flush(self) -> None:
        """Wait until everything so far is stored."""
        left = self._writer.drain(self._timeout)
        if left:
            self._timeout = 0.0  # to wait once is enough
        self._refuse(left)

    def close(self) -> None:
        """Wait until all writes are stored, then stop the background thread."""
        try:
            left = self._writer.close(self._timeout)
        finally:
            for created in self._created:
                created.cancel()  # changes nothing where the id is known
        self._refuse(left)
        with self._store.tracking_errors():
            for experiment_id, name in self._experiments.items():
                self._deletions.tell_where(name, experiment_id)

    def _run(self, name: str, run_id: str | None = None) -> Run:
        run = Run(self._store, self._writer, self._deletions, name)
        if run_id is not None:
            run.created.set_result(run_id)
        return run

    def _started(self, experiment_id: str, name: str, began: int) -> entities.Run | None:
        runs = self._client.search_runs([experiment_id], f"attributes.start_time = {began}")
        return next((run for run in runs if run.info.run_name == name), None)

    def _refuse(self, left: Sequence[str]) -> None:
        if left:
            more = f" and {len(left) - 3} more" if len(left) > 3 else ""
            raise TrackingError(
                f"{self._store.place}: not stored: {', '.join(left[:3])}{more}; {self._why()}"
            )

    def _why(self) -> str:
        if self._store.server is None:
            return "the database was locked or the disk full"
        return "the server was away; when it is back, the same command stores what is missing"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: object, _traceback: object) -> None:
        try:
            self.close()
        except Exception as second:
            if error is None:
                raise
            if self._timeout > 0:  # else `flush` has said it
                self._warn(str(second))  # the first error is the one to see
