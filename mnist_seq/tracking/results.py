"""Read access to a store: experiments, runs, curves, configs and model files."""

import logging
import math
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

import yaml
from mlflow import entities
from mlflow.entities import ViewType
from mlflow.entities.lifecycle_stage import LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

from mnist_seq.config.settings import Scalar
from mnist_seq.config.validation import nearest
from mnist_seq.errors import TrackingError
from mnist_seq.invocation import command_text
from mnist_seq.records import EpochRecord, FinalState
from mnist_seq.tracking.experiments import (
    MLFLOWS_OWN,
    find_experiment,
    is_deleted,
    restoring,
    study_of,
)
from mnist_seq.tracking.model_folder import DESCRIPTION_FILE, MODEL_FILE, ModelFacts, model_facts
from mnist_seq.tracking.runs import CONFIG_FILE, EPOCH_METRICS, LAST_STARTED
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.tracker import Role
from mnist_seq.tracking.views import ViewKey, views_among

_LARGEST = 1.797e308  # MLflow keeps an infinite value as the largest float

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Experiment:
    """An MLflow experiment: all runs of one search, or all trainings of one name.

    Attributes
    ----------
    name : str
        In MLflow, where anybody can change it to any text.
    study : str
        The name that it was made with: files and Optuna's study are named by it.
    views : set of str
        Which views of its runs are prepared for MLflow's UI.
    """

    id: str
    name: str
    study: str
    is_deleted: bool = False
    views: frozenset[ViewKey] = frozenset()


@dataclass(frozen=True)
class StoredRun:
    """Snapshot of one stored run: status, parameters, metrics, tags and times.

    Attributes
    ----------
    status : str
        MLflow's word: RUNNING, FINISHED, FAILED or KILLED.
    params : mapping
        Settings by their config path; numbers, booleans and null as such.
    metrics : mapping
        The latest value of each.
    start, end : datetime
        In UTC; `end` is None while the run is open.
    model_id : str or None
        MLflow loads the run's network from ``models:/<model_id>``.
    """

    id: str
    experiment_id: str
    name: str
    status: str
    role: Role
    params: Mapping[str, Scalar]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    start: datetime
    end: datetime | None
    model_id: str | None

    @property
    def number(self) -> int | None:
        """Number of the run's trial; None if its tag is not a number."""
        text = self.tags.get("trial_number", "")
        return int(text) if re.fullmatch("[0-9]{1,9}", text) else None

    def count(self, tag: str) -> int:
        """Return a whole number that a tag holds; 0 if the tag is missing."""
        text = self.tags.get(tag, "0")
        if not re.fullmatch("[0-9]{1,9}", text):
            raise TrackingError(
                f"{self.name} ({self.id}): its tag {tag} is {reprlib.repr(text)}, "
                "which is not a whole number; mend it in MLflow"
            )
        return int(text)


class Results:
    """Reads experiments and runs from a store, with their curves, configs and files.

    Parameters
    ----------
    warn : callable
        Told in one line, and once, of each run that is left out because of its tags.

    Raises
    ------
    TrackingError
        From every method, in one line: what is not there, or cannot be read.
    """

    def __init__(self, store: Store, warn: Callable[[str], None] = _log.warning) -> None:
        self._store, self._client, self._warn = store, store.client, warn
        self._told: set[str] = set()

    def experiments(self) -> list[Experiment]:
        """All experiments that have not been deleted, the newest first."""
        with self._store.tracking_errors():
            found = self._client.search_experiments(order_by=["creation_time DESC"])
            return [self._experiment(e) for e in found if e.experiment_id != MLFLOWS_OWN]

    def latest_experiment(self) -> Experiment:
        """The experiment whose sweep was started or resumed most recently."""
        return self.latest_experiments(1)[0]

    def latest_experiments(self, count: int) -> list[Experiment]:
        """The `count` experiments whose sweeps were started or resumed most recently."""
        known = {experiment.id: experiment for experiment in self.experiments()}
        sweeps = sorted(self._search(list(known), "sweep"), key=_last_started, reverse=True)
        if not sweeps:
            raise TrackingError(
                f"no study yet in {self._store.place}: start with {command_text('sweep')}"
            )
        found = list(dict.fromkeys(sweep.info.experiment_id for sweep in sweeps))[:count]
        if len(found) < count:
            raise TrackingError(
                f"{self._store.place} has only {len(found)} of {count} studies: "
                f"{', '.join(known[each].name for each in found)}"
            )
        return [known[each] for each in found]

    def experiment(self, name: str, *, deleted_too: bool = False) -> Experiment:
        """Look up a study's experiment by the name it was made with, or that it has now."""
        with self._store.tracking_errors():
            either = find_experiment(self._client, name), self._client.get_experiment_by_name(name)
            found = sorted(
                (e for e in either if e and e.experiment_id != MLFLOWS_OWN), key=is_deleted
            )
            if found and (deleted_too or not is_deleted(found[0])):
                return self._experiment(found[0])
        if found:
            raise TrackingError(
                f"study {name} was deleted in MLflow; to bring it back: "
                f"{restoring(self._store, found[0])}"
            )
        known = [experiment.name for experiment in self.experiments()]
        there = f" (there are {', '.join(known[:5])})" if known else ""
        raise TrackingError(f"no study {name} in {self._store.place}{there}{nearest(name, known)}")

    def experiment_of(self, run: StoredRun) -> Experiment:
        """Look up the experiment that a run belongs to."""
        with self._store.tracking_errors():
            return self._experiment(self._client.get_experiment(run.experiment_id))

    def trials(self, experiment: Experiment, role: Role = "trial") -> list[tuple[int, StoredRun]]:
        """Runs of an experiment with the numbers of their trials, ordered by start time.

        A run whose tags are not what they should be is left out, and that is told.
        """
        known = []
        for run in self.runs(experiment, role, deleted_too=experiment.is_deleted):
            if run.number is None:
                self._leave_out(run, "trial_number", "a whole number")
            else:
                known.append((run.number, run))
        return known

    def complete(self, experiment: Experiment) -> list[StoredRun]:
        """Runs of an experiment's complete trials."""
        states = get_args(FinalState)
        known = []
        for _, run in self.trials(experiment):
            if run.status == "FINISHED" and run.tags.get("trial_state") not in states:
                self._leave_out(run, "trial_state", f"{', '.join(states[:-1])} or {states[-1]}")
            elif run.tags.get("trial_state") == "complete":
                known.append(run)
        return known

    def runs(
        self, experiment: Experiment, role: Role | None = None, *, deleted_too: bool = False
    ) -> list[StoredRun]:
        """Runs of an experiment, optionally of one role only, ordered by start time."""
        found = self._search([experiment.id], role, deleted_too=deleted_too)
        return [_run_info(run) for run in found if run.data.tags.get("role") in get_args(Role)]

    def run(self, run_id: str) -> StoredRun:
        """Look up a run by its id."""
        run = self._run(run_id)
        if run.data.tags.get("role") not in get_args(Role):
            raise TrackingError(f"run {run_id}: was not made by this project")
        return _run_info(run)

    def curve(self, run_id: str) -> tuple[EpochRecord, ...]:
        """The run's learning curve so far; the latest values of an epoch that was repeated."""
        self._run(run_id)
        epochs: dict[int, dict[str, float]] = {}
        with self._store.tracking_errors():
            for name, metric in EPOCH_METRICS.items():
                points = self._client.get_metric_history(run_id, metric)
                for point in sorted(points, key=lambda point: point.timestamp):
                    epochs.setdefault(point.step, {})[name] = _finite_or_not(point.value)
        return tuple(
            EpochRecord(epoch=epoch, **values)
            for epoch, values in sorted(epochs.items())
            if values.keys() == EPOCH_METRICS.keys()
        )

    def config(self, run_id: str) -> dict[str, Any]:
        """The whole config of the run, as plain values."""
        file = self.file(run_id, CONFIG_FILE)
        try:
            values = yaml.safe_load(file.read_text())
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise TrackingError(f"run {run_id}: {file} cannot be read") from error
        if not isinstance(values, dict):
            raise TrackingError(f"run {run_id}: {file} is not a config")
        return values

    def file(self, run_id: str, name: str) -> Path:
        """One of the run's files, by its relative path; a server's is fetched."""
        return self._store.downloaded(self._run(run_id).info.artifact_uri, name)

    def model_file(self, run_id: str) -> Path:
        """The run's network, as the file that ``keras.saving.load_model`` takes."""
        file = self._model_part(run_id, MODEL_FILE)
        if not file.exists():
            raise TrackingError(f"run {run_id}: {file} is not there")
        return file

    def model_facts(self, run_id: str) -> ModelFacts:
        """Classes and input of the run's network."""
        folder = self._model_part(run_id, DESCRIPTION_FILE).parent
        try:
            return model_facts(folder)
        except (MlflowException, KeyError, ValueError, TypeError) as error:
            raise TrackingError(f"run {run_id}: {folder} cannot be read as a model") from error

    def _search(
        self, experiments: list[str], role: Role | None, *, deleted_too: bool = False
    ) -> list[entities.Run]:
        """Runs of some experiments, from all pages, ordered by start time."""
        chosen = f"tags.role = '{role}'" if role else ""
        view = ViewType.ALL if deleted_too else ViewType.ACTIVE_ONLY
        search = partial(
            self._client.search_runs, experiments, chosen, view, order_by=["start_time ASC"]
        )
        with self._store.tracking_errors():
            pages = [search()]
            while pages[-1].token:
                pages.append(search(page_token=pages[-1].token))
        return [run for page in pages for run in page]

    def _model_part(self, run_id: str, name: str) -> Path:
        model_id = self.run(run_id).model_id
        if model_id is None:
            raise TrackingError(f"run {run_id}: has no model")
        with self._store.tracking_errors():
            model = self._client.get_logged_model(model_id)
        return self._store.downloaded(model.artifact_location, name)

    def _experiment(self, found: entities.Experiment) -> Experiment:
        study, views = study_of(self._client, found), views_among(found.tags)
        return Experiment(found.experiment_id, found.name, study, is_deleted(found), views)

    def _leave_out(self, run: StoredRun, tag: str, wanted: str) -> None:
        found = reprlib.repr(run.tags[tag]) if tag in run.tags else "missing"
        text = f"{run.name} ({run.id}) is left out: its tag {tag} is {found}, not {wanted}"
        if text not in self._told:
            self._told.add(text)
            self._warn(text)

    def _run(self, run_id: str) -> entities.Run:
        with self._store.tracking_errors():
            try:
                run = self._client.get_run(run_id)
            except MlflowException as error:
                if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                    raise TrackingError(f"no run {run_id} in {self._store.place}") from error
                raise
            if run.info.lifecycle_stage == LifecycleStage.DELETED:
                experiment = self._client.get_experiment(run.info.experiment_id)
                raise TrackingError(
                    f"run {run_id} was deleted in MLflow; to bring it back: "
                    f"{restoring(self._store, experiment, run_id)}"
                )
        return run


def parse_scalar(text: str) -> Scalar:
    """Parse a setting from the text that MLflow stores for it."""
    if text in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[text]
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text):
        return float(text)
    return text


def _last_started(sweep: entities.Run) -> int:
    """When a sweep was begun or gone on with, in milliseconds since the epoch."""
    text = sweep.data.tags.get(LAST_STARTED, "")
    return max(int(sweep.info.start_time), int(text) if re.fullmatch("[0-9]{1,15}", text) else 0)


def _run_info(run: entities.Run) -> StoredRun:
    models = run.outputs.model_outputs if run.outputs else []
    return StoredRun(
        id=run.info.run_id,
        experiment_id=run.info.experiment_id,
        name=run.info.run_name,
        status=run.info.status,
        role=cast("Role", run.data.tags["role"]),
        params={key: parse_scalar(text) for key, text in run.data.params.items()},
        metrics={key: _finite_or_not(value) for key, value in run.data.metrics.items()},
        tags={k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")},
        start=_moment(run.info.start_time),
        end=_moment(run.info.end_time) if run.info.end_time else None,
        model_id=models[-1].model_id if models else None,
    )


def _finite_or_not(value: float) -> float:
    return math.copysign(math.inf, value) if abs(value) >= _LARGEST else value


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
