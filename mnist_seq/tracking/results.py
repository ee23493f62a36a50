"""What earlier commands have written, read back as plain data."""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast, get_args

import yaml
from mlflow import entities
from mlflow.entities.lifecycle_stage import LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

from mnist_seq.config import Scalar, TrackingConfig
from mnist_seq.errors import TrackingError
from mnist_seq.records import EpochRecord
from mnist_seq.tracking.model_folder import MODEL_FILE
from mnist_seq.tracking.run import CONFIG_FILE, EPOCH_METRICS
from mnist_seq.tracking.store import Store, local_path, unusable
from mnist_seq.tracking.tracker import Role
from mnist_seq.validation import nearest

_LARGEST = 1.797e308  # MLflow keeps an infinite value as the largest float


@dataclass(frozen=True)
class Study:
    """An MLflow experiment: the runs of one search, or of trainings with one name."""

    id: str
    name: str


@dataclass(frozen=True)
class RunInfo:
    """One run, as it is stored now.

    Attributes
    ----------
    status : str
        MLflow's word: RUNNING, FINISHED, FAILED or KILLED.
    params : dict of str to scalar
        Settings by their config path; numbers, booleans and null as such.
    metrics : dict of str to float
        The latest value of each.
    start, end : datetime
        In UTC; `end` is None while the run is open.
    model_id : str or None
        MLflow loads the run's network from ``models:/<model_id>``.
    """

    id: str
    study_id: str
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
    """The reading side of a store.

    Raises
    ------
    TrackingError
        Here and from every method, in one line: what is not there, or cannot be read.
    """

    def __init__(self, config: TrackingConfig) -> None:
        self._store = Store.at(config)
        self._client = self._store.open()

    def studies(self) -> list[Study]:
        """All experiments that have not been deleted, the newest first."""
        with self._reading():
            found = self._client.search_experiments(order_by=["creation_time DESC"])
        return [Study(e.experiment_id, e.name) for e in found if e.experiment_id != "0"]

    def latest_study(self) -> Study:
        """The study whose search was started last, or taken up last."""
        known = {study.id: study for study in self.studies()}
        with self._reading():
            sweeps = (
                self._client.search_runs(
                    list(known), "tags.role = 'sweep'", max_results=1, order_by=["start_time DESC"]
                )
                if known
                else []
            )
        if not sweeps:
            raise TrackingError(
                f"no study yet in {self._store.folder}: start with python -m experiments.sweep"
            )
        return known[sweeps[0].info.experiment_id]

    def study(self, name: str) -> Study:
        """The study with this name."""
        known = {study.name: study for study in self.studies()}
        if name not in known:
            there = f" (there are {', '.join(list(known)[:5])})" if known else ""
            raise TrackingError(
                f"no study {name} in {self._store.folder}{there}{nearest(name, known)}"
            )
        return known[name]

    def runs(self, study: Study, role: Role | None = None) -> list[RunInfo]:
        """The study's runs, or those with one role, in the order in which they were started."""
        chosen = f"tags.role = '{role}'" if role else ""
        found: list[entities.Run] = []
        token: str | None = None
        with self._reading():
            while True:
                page = self._client.search_runs(
                    [study.id],
                    chosen,
                    max_results=1000,
                    order_by=["start_time ASC"],
                    page_token=token,
                )
                found.extend(page)
                token = page.token
                if not token:
                    break
        return [_plain(run) for run in found if run.data.tags.get("role") in get_args(Role)]

    def run(self, run_id: str) -> RunInfo:
        """One run."""
        run = self._run(run_id)
        if run.data.tags.get("role") not in get_args(Role):
            raise TrackingError(f"run {run_id}: was not made by this project")
        return _plain(run)

    def curve(self, run_id: str) -> tuple[EpochRecord, ...]:
        """The run's epochs so far; of an epoch that was done twice, the later one."""
        self._run(run_id)
        epochs: dict[int, dict[str, float]] = {}
        with self._reading():
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
        with self._reading():
            folder = local_path(self._client.get_logged_model(model_id).artifact_location)
        if not (folder / MODEL_FILE).exists():
            raise TrackingError(f"run {run_id}: {folder / MODEL_FILE} is not there")
        return folder / MODEL_FILE

    def _run(self, run_id: str) -> entities.Run:
        with self._reading():
            try:
                run = self._client.get_run(run_id)
            except MlflowException as error:
                if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                    raise
                run = None
        if run is None or run.info.lifecycle_stage == LifecycleStage.DELETED:
            raise TrackingError(f"no run {run_id} in {self._store.folder}")
        return run

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except MlflowException as error:
            raise unusable(self._store, error) from error


def _plain(run: entities.Run) -> RunInfo:
    models = run.outputs.model_outputs if run.outputs else []
    return RunInfo(
        id=run.info.run_id,
        study_id=run.info.experiment_id,
        name=run.info.run_name,
        status=run.info.status,
        role=cast("Role", run.data.tags["role"]),
        params={key: scalar(text) for key, text in run.data.params.items()},
        metrics={key: _finite_or_not(value) for key, value in run.data.metrics.items()},
        tags={k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")},
        start=_moment(run.info.start_time),
        end=_moment(run.info.end_time) if run.info.end_time else None,
        model_id=models[-1].model_id if models else None,
    )


def scalar(text: str) -> Scalar:
    """A setting from the text that MLflow keeps of it."""
    if text in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[text]
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text):
        return float(text)
    return text


def _finite_or_not(value: float) -> float:
    return math.copysign(math.inf, value) if abs(value) >= _LARGEST else value


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
