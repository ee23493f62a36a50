"""Read access to a store: experiments, runs, curves, configs and model files."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

import yaml
from mlflow import entities
from mlflow.entities.lifecycle_stage import LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

from mnist_seq.config import Scalar
from mnist_seq.errors import TrackingError
from mnist_seq.records import EpochRecord
from mnist_seq.tracking.locations import local_path
from mnist_seq.tracking.model_folder import MODEL_FILE
from mnist_seq.tracking.runs import CONFIG_FILE, EPOCH_METRICS
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.tracker import Role
from mnist_seq.validation import nearest

_LARGEST = 1.797e308  # MLflow keeps an infinite value as the largest float


@dataclass(frozen=True)
class Experiment:
    """An MLflow experiment: all runs of one search, or all trainings of one name."""

    id: str
    name: str


@dataclass(frozen=True)
class RunInfo:
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


class Results:
    """Reads experiments and runs from a store, with their curves, configs and files.

    Raises
    ------
    TrackingError
        From every method, in one line: what is not there, or cannot be read.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._client = store, store.client

    def experiments(self) -> list[Experiment]:
        """All experiments that have not been deleted, the newest first."""
        with self._store.tracking_errors():
            found = self._client.search_experiments(order_by=["creation_time DESC"])
        return [Experiment(e.experiment_id, e.name) for e in found if e.experiment_id != "0"]

    def latest_experiment(self) -> Experiment:
        """The experiment whose sweep was started or resumed most recently."""
        known = {experiment.id: experiment for experiment in self.experiments()}
        with self._store.tracking_errors():
            sweeps = self._client.search_runs(
                list(known), "tags.role = 'sweep'", max_results=1, order_by=["start_time DESC"]
            )
        if not sweeps:
            raise TrackingError(
                f"no study yet in {self._store.folder}: start with python -m experiments.sweep"
            )
        return known[sweeps[0].info.experiment_id]

    def experiment(self, name: str) -> Experiment:
        """Look up an experiment by its name."""
        known = {experiment.name: experiment for experiment in self.experiments()}
        if name not in known:
            there = f" (there are {', '.join(list(known)[:5])})" if known else ""
            raise TrackingError(
                f"no study {name} in {self._store.folder}{there}{nearest(name, known)}"
            )
        return known[name]

    def runs(self, experiment: Experiment, role: Role | None = None) -> list[RunInfo]:
        """Runs of an experiment, optionally of one role only, ordered by start time."""
        chosen = f"tags.role = '{role}'" if role else ""
        search = partial(
            self._client.search_runs, [experiment.id], chosen, order_by=["start_time ASC"]
        )
        with self._store.tracking_errors():
            pages = [search()]
            while pages[-1].token:
                pages.append(search(page_token=pages[-1].token))
        found = [run for page in pages for run in page]
        return [_run_info(run) for run in found if run.data.tags.get("role") in get_args(Role)]

    def run(self, run_id: str) -> RunInfo:
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
        file = self.files(run_id) / CONFIG_FILE
        try:
            values = yaml.safe_load(file.read_text())
        except (OSError, yaml.YAMLError) as error:
            raise TrackingError(f"run {run_id}: {file} cannot be read") from error
        if not isinstance(values, dict):
            raise TrackingError(f"run {run_id}: {file} is not a config")
        return values

    def files(self, run_id: str) -> Path:
        """The folder with the run's files."""
        return local_path(self._run(run_id).info.artifact_uri)

    def model_file(self, run_id: str) -> Path:
        """The run's network, as the file that ``keras.saving.load_model`` takes."""
        model_id = self.run(run_id).model_id
        if model_id is None:
            raise TrackingError(f"run {run_id}: has no model")
        with self._store.tracking_errors():
            model = self._client.get_logged_model(model_id)
        file = local_path(model.artifact_location) / MODEL_FILE
        if not file.exists():
            raise TrackingError(f"run {run_id}: {file} is not there")
        return file

    def _run(self, run_id: str) -> entities.Run:
        missing = TrackingError(f"no run {run_id} in {self._store.folder}")
        with self._store.tracking_errors():
            try:
                run = self._client.get_run(run_id)
            except MlflowException as error:
                if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                    raise missing from error
                raise
        if run.info.lifecycle_stage == LifecycleStage.DELETED:
            raise missing
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


def _run_info(run: entities.Run) -> RunInfo:
    models = run.outputs.model_outputs if run.outputs else []
    return RunInfo(
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
