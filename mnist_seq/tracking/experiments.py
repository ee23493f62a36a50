"""MLflow experiments of studies: found even if renamed, reported if deleted."""

import re
import shlex
from collections.abc import Callable
from typing import Literal, TypeAlias

from mlflow import MlflowClient
from mlflow.entities import Experiment, ViewType
from mlflow.entities.lifecycle_stage import LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

from mnist_seq.tracking.store import Store

STUDY = "study"  # a tag of experiments and runs: whose they are, whatever MLflow calls them now
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # of a study
MLFLOWS_OWN = "0"  # the experiment Default, which every store has

Deleted: TypeAlias = Literal["run", "experiment"]


def find_experiment(client: MlflowClient, study: str) -> Experiment | None:
    """Return a study's experiment, also one that was renamed or deleted; None if there is none."""
    tagged = f"tags.{STUDY} = '{study}'"
    found = (
        list(client.search_experiments(ViewType.ALL, filter_string=tagged))
        if NAME.fullmatch(study)
        else []
    )
    if not found:  # made by an earlier version
        untagged = [e for e in client.search_experiments(ViewType.ALL) if STUDY not in e.tags]
        found = [e for e in untagged if e.name == study] or [
            e for e in untagged if study_of(client, e) == study
        ]
    return min(found, key=is_deleted, default=None)


def study_of(client: MlflowClient, experiment: Experiment) -> str:
    """Return the name that a study had when its experiment was made."""
    study = experiment.tags.get(STUDY)
    if study is None:  # made by an earlier version: its runs know
        where = [experiment.experiment_id]
        runs = client.search_runs(where, f"tags.{STUDY} LIKE '%'", ViewType.ALL, max_results=1)
        study = runs[0].data.tags[STUDY] if runs else experiment.name
    # Files are named by it, and anybody can edit a tag.
    return study if NAME.fullmatch(study) else f"experiment-{experiment.experiment_id}"


def is_deleted(experiment: Experiment) -> bool:
    """Whether an experiment was deleted in MLflow, which keeps it until ``mlflow gc``."""
    return bool(experiment.lifecycle_stage == LifecycleStage.DELETED)


def restoring(store: Store, experiment: Experiment, run_id: str | None = None) -> str:
    """Return the command that brings a deleted experiment back with all its runs, or one run."""
    what = f"experiments restore --experiment-id {experiment.experiment_id}"
    if run_id is not None and not is_deleted(experiment):
        what = f"runs restore --run-id {run_id}"
    return f"MLFLOW_TRACKING_URI={shlex.quote(store.address)} mlflow {what}"


class DeletionCheck:
    """Finds experiments and runs that were deleted in MLflow meanwhile; warns once of each.

    Parameters
    ----------
    warn : callable
        Told in one line.
    """

    def __init__(self, store: Store, warn: Callable[[str], None]) -> None:
        self._store, self._client, self._warn = store, store.client, warn
        self._told: set[str] = set()
        self._deleted: set[str] = set()  # experiments, by id

    def run(self, run_id: str, name: str) -> Deleted | None:
        """Return what was deleted, the run or its experiment, if the run cannot be written."""
        try:
            info = self._client.get_run(run_id).info
        except MlflowException as error:
            if not _is_gone(error):
                raise
        else:
            if info.lifecycle_stage != LifecycleStage.DELETED:
                return None
            if self.experiment(info.experiment_id):
                return "experiment"
        self._tell(f"{name}: was deleted; the rest of it is not stored")
        return "run"

    def experiment(self, experiment_id: str) -> bool:
        """Whether an experiment that could not be written was deleted."""
        name = f"experiment {experiment_id}"
        try:
            found = self._client.get_experiment(experiment_id)
        except MlflowException as error:
            if not _is_gone(error):
                raise
        else:
            if not is_deleted(found):
                return False
            name = found.name
        self._deleted.add(experiment_id)
        self._tell(f"{name}: was deleted in MLflow, where nothing more is stored; all else goes on")
        return True

    def tell_where(self, study: str, experiment_id: str) -> None:
        """Tell where a study's results are, unless they are in the experiment of its name."""
        try:
            found = self._client.get_experiment(experiment_id)
        except MlflowException as error:
            if not _is_gone(error):
                raise
            self._tell(f"{study}: its experiment {experiment_id} is no longer in MLflow")
            return
        if is_deleted(found):
            self._tell(
                f"{study}: to bring its experiment back: {restoring(self._store, found)}; "
                "then the same command stores what is missing"
            )
            return
        if experiment_id in self._deleted:
            self._tell(f"{study}: is back in MLflow; the same command stores what is missing")
        if found.name != study:
            self._tell(f"{study}: its results are in MLflow's experiment {found.name}")

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._warn(text)


def _is_gone(error: MlflowException) -> bool:
    return bool(error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST))
