"""One run, as whoever writes it holds it. Nothing here waits for MLflow."""

import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeAlias

import numpy as np
import yaml
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, Metric, Param, RunTag
from mlflow.entities.lifecycle_stage import LifecycleStage
from mlflow.exceptions import MlflowException
from numpy.typing import NDArray

from mnist_seq.config import Scalar
from mnist_seq.records import EpochRecord
from mnist_seq.tracking.model_folder import write_model_folder
from mnist_seq.tracking.store import passing
from mnist_seq.tracking.values import MOST_PARAMS, Batch, Deed, scalar_text
from mnist_seq.tracking.writer import Writer

Status: TypeAlias = Literal["FINISHED", "FAILED", "KILLED"]

# MLflow draws its charts in the order of the names: what people compare by comes first.
EPOCH_METRICS = {name: name for name in EpochRecord.__dataclass_fields__ if name != "epoch"} | {
    name: f"train_{name}" for name in ("learning_rate", "seconds", "images_per_second")
}
CONFIG_FILE = "config.yaml"


class Run:
    """One MLflow run, held by whoever writes it. Every method returns at once.

    Attributes
    ----------
    created : Future of str
        The run's id, when it exists; cancelled if the store never came back.
    """

    def __init__(
        self,
        client: MlflowClient,
        writer: Writer,
        warn: Callable[[str], None],
        name: str,
        created: Future[str],
    ) -> None:
        self.created = created
        self._client = client
        self._writer = writer
        self._warn = warn
        self._name = name
        self._deleted = False

    @property
    def id(self) -> str | None:
        """The run's id, or None while it has none."""
        known = self.created.done() and not self.created.cancelled()
        return self.created.result() if known and not self.created.exception() else None

    def epoch(self, record: EpochRecord) -> None:
        """Add a point to each of the run's curves."""
        values = asdict(record)
        self._metrics(
            f"{self._name}: epoch {record.epoch}",
            {metric: values[name] for name, metric in EPOCH_METRICS.items()},
            record.epoch,
        )

    def metrics(self, values: Mapping[str, float]) -> None:
        """Set single values: the best accuracy, the number of parameters, seconds in all."""
        if curves := values.keys() & set(EPOCH_METRICS.values()):
            raise ValueError(f"{', '.join(sorted(curves))}: is a curve, written by epoch()")
        self._metrics(f"{self._name}: metrics", values, 0)

    def params(self, values: Mapping[str, Scalar]) -> None:
        """Set what the run was made with; a parameter can be set once."""
        written = [Param(key, scalar_text(value)) for key, value in values.items()]
        for i in range(0, len(written), MOST_PARAMS):
            part = written[i : i + MOST_PARAMS]
            self._put(Batch(f"{self._name}: parameters", self._send, params=part))

    def tags(self, values: Mapping[str, str]) -> None:
        """Set words to filter runs by."""
        self._put(Batch(f"{self._name}: tags", self._send, tags=dict(values)))

    def artifact(self, name: str, content: str | bytes | Callable[[], str | bytes]) -> None:
        """Keep a file with the run, at a relative path with forward slashes.

        A callable makes the content on the writer's thread, away from whoever waits for epochs.
        """
        place = PurePosixPath(name)

        @cache  # made once, however often storing it is tried
        def made() -> bytes:
            try:
                finished = content() if callable(content) else content
            except Exception as error:  # a mistake in the callable, even where it is an OSError
                raise RuntimeError(f"{self._name}: {name} could not be made: {error}") from error
            return finished.encode() if isinstance(finished, str) else finished

        def store(run_id: str) -> None:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / place.name
                file.write_bytes(made())
                within = None if place.parent == PurePosixPath() else str(place.parent)
                self._client.log_artifact(run_id, str(file), within)

        self._do(name, store)

    def config(self, values: Mapping[str, Any]) -> None:
        """Keep the whole config, as ``config.yaml``; `Results.config` reads it back."""
        self.artifact(CONFIG_FILE, lambda: yaml.safe_dump(dict(values), sort_keys=False))

    def model(
        self,
        keras_file: bytes,
        example_NSF: NDArray[np.uint8],
        class_names: Sequence[str],
        metadata: Mapping[str, Any],
    ) -> None:
        """Keep the network as an MLflow model, linked to the run, with the metrics so far.

        Parameters
        ----------
        keras_file : bytes
            What ``keras.Model.save`` writes; takes uint8 (N, S, F), returns float32 (N, K).
        example_NSF : uint8, shape (N, S, F)
            A few images, 0-255.
        class_names : sequence of str
            K names, in the order of the network's outputs.
        metadata : mapping
            Plain values, kept beside the class names in the ``MLmodel`` file.
        """

        def store(run_id: str) -> None:
            model_id = self._model_id(run_id)
            with tempfile.TemporaryDirectory() as folder:
                write_model_folder(
                    Path(folder),
                    keras_file,
                    example_NSF,
                    class_names,
                    metadata,
                    run_id=run_id,
                    model_id=model_id,
                )
                self._client.log_model_artifacts(model_id, folder)
            self._client.finalize_logged_model(model_id, "READY")

        self._do("model", store)

    def finish(self, status: Status) -> None:
        """End the run, now."""
        now = milliseconds()
        self._do("end", lambda run_id: self._client.set_terminated(run_id, status, now))

    def resume(self) -> None:
        """Show the run as running, after `finish` or a crash ended it too early."""
        self._do("resume", lambda run_id: self._client.update_run(run_id, status="RUNNING"))

    def then(self, deed: Callable[[], object]) -> None:
        """Do something, on the writer's thread, when all so far is stored."""
        self._put(Deed(f"{self._name}: what follows", lambda _: deed()))

    def _model_id(self, run_id: str) -> str:
        """The run's model: made and linked, unless an earlier attempt did."""
        run = self._client.get_run(run_id)
        where = [run.info.experiment_id]
        known = self._client.search_logged_models(where, f"source_run_id = '{run_id}'")
        model_id = (
            known[0].model_id
            if known
            else self._client.create_logged_model(
                run.info.experiment_id,
                re.sub(r"[/:.%\"']", "-", run.info.run_name),  # MLflow refuses these in a name
                run_id,
                params=run.data.params,
                model_type="keras",
            ).model_id
        )
        linked = run.outputs.model_outputs if run.outputs else []
        if model_id not in [output.model_id for output in linked]:
            self._client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
        values = [
            Metric(point.key, point.value, point.timestamp, 0, model_id=model_id, run_id=run_id)
            for name in run.data.metrics.keys() - set(EPOCH_METRICS.values())
            for point in self._client.get_metric_history(run_id, name)[-1:]
        ]
        if values:
            self._client.log_batch(run_id, values)
        return model_id

    def _metrics(self, words: str, values: Mapping[str, float], step: int) -> None:
        now = milliseconds()
        metrics = [Metric(key, float(value), now, step) for key, value in values.items()]
        self._put(Batch(words, self._send, metrics=metrics))

    def _do(self, words: str, deed: Callable[[str], object]) -> None:
        words = f"{self._name}: {words}"
        self._put(Deed(words, lambda _: self._with_id(deed)))

    def _put(self, write: Deed | Batch) -> None:
        self._writer.put(self, write)

    def _send(self, metrics: list[Metric], params: list[Param], tags: list[RunTag]) -> None:
        self._with_id(lambda run_id: self._client.log_batch(run_id, metrics, params, tags))

    def _with_id(self, deed: Callable[[str], object]) -> None:
        """Do something with the run's id, on the writer's thread, unless the run was deleted."""
        if self._deleted or self.id is None:
            return
        try:
            deed(self.id)
        except MlflowException as error:
            if passing(error):
                raise
            if self._client.get_run(self.id).info.lifecycle_stage != LifecycleStage.DELETED:
                raise
            self._deleted = True
            self._warn(f"{self._name}: was deleted; the rest of it is not stored")


def milliseconds() -> int:
    """The time now, as MLflow keeps it."""
    return time.time_ns() // 1_000_000
