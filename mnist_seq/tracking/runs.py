"""Write access to one MLflow run; writes are queued and stored in the background."""

import json
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeAlias

import yaml
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelOutput,
    Metric,
    Param,
    RunTag,
)
from mlflow.exceptions import MlflowException

from mnist_seq.config.settings import Scalar, scalar_text
from mnist_seq.data.pixel_format import Pixels
from mnist_seq.records import EpochRecord
from mnist_seq.tracking.experiments import Deleted, DeletionCheck
from mnist_seq.tracking.model_folder import write_model_folder
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.writer import MOST_PARAMS, Values, Write, Writer

Status: TypeAlias = Literal["FINISHED", "FAILED", "KILLED"]

# MLflow draws its charts in the order of the names: what people compare by comes first.
EPOCH_METRICS = {known.name: known.name for known in fields(EpochRecord)[1:]} | {
    name: f"train_{name}" for name in ("learning_rate", "seconds", "images_per_second")
}
SYSTEM = "system/"  # begins the names of metrics that MLflow shows on a page of their own
CONFIG_FILE = "config.yaml"
LAST_STARTED = "last_started"  # of a sweep's run: MLflow keeps its first start alone
MOST_LETTERS = 500  # of a dataset's name, by MLflow's rules


@dataclass(eq=False)
class Run:
    """Handle for writing to one MLflow run; methods queue their writes and return at once.

    Attributes
    ----------
    created : Future of str
        The run's id, when it exists; cancelled if the store never came back.
    """

    _store: Store
    _writer: Writer
    _deletions: DeletionCheck
    _name: str
    created: Future[str] = field(default_factory=Future)
    _deleted: Deleted | None = None

    @property
    def id(self) -> str | None:
        """The run's id; None until MLflow has created the run."""
        known = self.created.done() and not self.created.cancelled()
        return self.created.result() if known and not self.created.exception() else None

    def epoch(self, record: EpochRecord) -> None:
        """Log the metrics of one epoch."""
        values = asdict(record)
        points = {metric: values[name] for name, metric in EPOCH_METRICS.items()}
        self._put_metrics(f"epoch {record.epoch}", points, record.epoch)

    def metrics(self, values: Mapping[str, float]) -> None:
        """Log metrics that have a single value, e.g. best accuracy or number of parameters."""
        if curves := values.keys() & set(EPOCH_METRICS.values()):
            raise ValueError(f"{', '.join(sorted(curves))}: is a curve, written by epoch()")
        self._put_metrics("metrics", values, 0)

    def system_metrics(self, values: Mapping[str, float]) -> None:
        """Log the machine's load, for MLflow's page of it; a step is a second of the run."""
        now = milliseconds()

        def store(run_id: str) -> None:
            seconds = (now - self._store.client.get_run(run_id).info.start_time) // 1000
            self._store.client.log_batch(
                run_id,
                [Metric(f"{SYSTEM}{key}", value, now, seconds) for key, value in values.items()],
            )

        self._put("system metrics", store)

    def params(self, values: Mapping[str, Scalar]) -> None:
        """Set the run's parameters; each can be set once."""
        written = [Param(key, scalar_text(value)) for key, value in values.items()]
        for i in range(0, len(written), MOST_PARAMS):
            self._put_values("parameters", Values(params=written[i : i + MOST_PARAMS]))

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags: words to filter runs by."""
        self._put_values("tags", Values(tags=dict(values)))

    def artifact(self, name: str, content: str | bytes | Callable[[], str | bytes]) -> None:
        """Store a file with the run, at a relative path with forward slashes.

        A callable makes the content on the writer's thread, away from whoever waits for epochs.
        """
        path = PurePosixPath(name)

        @cache  # made once, however often storing it is tried
        def made() -> bytes:
            try:
                finished = content() if callable(content) else content
            except Exception as error:  # a mistake in the callable, even where it is an OSError
                raise RuntimeError(f"{self._name}: {name} could not be made: {error}") from error
            return finished.encode() if isinstance(finished, str) else finished

        def store(run_id: str) -> None:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / path.name
                file.write_bytes(made())
                within = None if path.parent == PurePosixPath() else str(path.parent)
                self._store.client.log_artifact(run_id, str(file), within)

        self._put(name, store)

    def config(self, values: Mapping[str, Any]) -> None:
        """Keep the whole config, as ``config.yaml``; `Results.config` reads it back."""
        self.artifact(CONFIG_FILE, lambda: yaml.safe_dump(dict(values), sort_keys=False))

    def datasets(self, name: str, source: str, digests: Mapping[str, str]) -> None:
        """Name the data that the run uses, for MLflow's column of datasets.

        Parameters
        ----------
        name : str
            What all parts are called.
        source : str
            Where they come from: a file, or the name of a source.
        digests : mapping
            The digest of each part, by the part's name.
        """
        inputs = [
            DatasetInput(
                Dataset(name[:MOST_LETTERS], digest, "local", json.dumps({"uri": source})),
                [InputTag("mlflow.data.context", part)],
            )
            for part, digest in digests.items()
        ]
        self._put("datasets", lambda run_id: self._store.client.log_inputs(run_id, inputs))

    def model(
        self,
        keras_file: bytes,
        example_NSF: Pixels,
        class_names: Sequence[str],
        metadata: Mapping[str, Any],
    ) -> None:
        """Store the network as an MLflow model, linked to the run and its metrics so far.

        The parameters are those of `write_model_folder`.
        """

        def store(run_id: str) -> None:
            model_id = self._model_id(run_id)
            names = {"run_id": run_id, "model_id": model_id}
            with tempfile.TemporaryDirectory() as folder:
                write_model_folder(
                    Path(folder), keras_file, example_NSF, class_names, metadata, **names
                )
                self._store.client.log_model_artifacts(model_id, folder)
            self._store.client.finalize_logged_model(model_id, "READY")

        self._put("model", store)

    def finish(self, status: Status) -> None:
        """Mark the run as ended, with the given status and the current time."""
        now = milliseconds()
        self._put("end", lambda run_id: self._store.client.set_terminated(run_id, status, now))

    def resume(self) -> None:
        """Mark the run as running again, after `finish` or a crash."""
        self._put("resume", lambda run_id: self._store.client.update_run(run_id, "RUNNING"))

    def when_stored(self, action: Callable[[], object]) -> None:
        """Call a function on the writer's thread once all earlier writes of the run are stored.

        It is not called where they are not, because the run's experiment was deleted meanwhile.
        """

        def follow(_: bool) -> None:
            if self.id is not None and self._deleted != "experiment":
                action()

        self._writer.put(self, Write(f"{self._name}: what follows", follow))

    def _model_id(self, run_id: str) -> str:
        """The id of the run's MLflow model; create and link it unless an earlier attempt did."""
        run = self._store.client.get_run(run_id)
        where = [run.info.experiment_id]
        known = self._store.client.search_logged_models(where, f"source_run_id = '{run_id}'")
        if known:
            model_id = known[0].model_id
        else:
            # MLflow refuses these in a name, and an empty one.
            name = re.sub(r"[/:.%\"']", "-", run.info.run_name or "model")
            model_id = self._store.client.create_logged_model(
                run.info.experiment_id, name, run_id, params=run.data.params, model_type="keras"
            ).model_id
        linked = run.outputs.model_outputs if run.outputs else []
        if model_id not in [output.model_id for output in linked]:
            self._store.client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
        values = [
            Metric(point.key, point.value, point.timestamp, 0, model_id=model_id, run_id=run_id)
            for name in run.data.metrics.keys() - set(EPOCH_METRICS.values())
            if not name.startswith(SYSTEM)
            for point in self._store.client.get_metric_history(run_id, name)[-1:]
        ]
        if values:
            self._store.client.log_batch(run_id, values)
        return model_id

    def _put_metrics(self, description: str, values: Mapping[str, float], step: int) -> None:
        now = milliseconds()
        metrics = [Metric(key, float(value), now, step) for key, value in values.items()]
        self._put_values(description, Values(metrics=metrics))

    def _put_values(self, description: str, values: Values) -> None:
        def store(run_id: str) -> None:
            tags = [RunTag(key, value) for key, value in values.tags.items()]
            self._store.client.log_batch(run_id, values.metrics, values.params, tags)

        self._put(description, store, values)

    def _put(
        self, description: str, store: Callable[[str], object], values: Values | None = None
    ) -> None:
        text = f"{self._name}: {description}"
        self._writer.put(self, Write(text, lambda _: self._with_id(store), values))

    def _with_id(self, action: Callable[[str], object]) -> None:
        """Call a function with the run's id; skip it if the run was deleted or has no id."""
        if self._deleted or self.id is None:
            return
        try:
            action(self.id)
        except MlflowException as error:
            if self._store.is_transient(error):
                raise
            self._deleted = self._deletions.run(self.id, self._name)
            if self._deleted is None:
                raise


def milliseconds() -> int:
    """Current time in milliseconds since 1970, the unit of MLflow's timestamps."""
    return time.time_ns() // 1_000_000
