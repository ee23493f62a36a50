"""The two kinds of write that a run queues: a deed, and a batch of values."""

from collections.abc import Callable
from dataclasses import dataclass, field

from mlflow.entities import Metric, Param, RunTag

from mnist_seq.config import Scalar
from mnist_seq.tracking.writer import Write

MOST_PARAMS = 100  # in one batch, by MLflow's rules; likewise of tags
_MOST_ENTRIES = 1000  # metrics, parameters and tags together

Send = Callable[[list[Metric], list[Param], list[RunTag]], object]


@dataclass
class Deed:
    """A write that stands alone."""

    words: str
    deed: Callable[[bool], object]

    def carry_out(self, again: bool, /) -> None:
        self.deed(again)

    def join(self, _later: Write, /) -> bool:
        return False


@dataclass
class Batch:
    """Values of one run. MLflow knows a value by name, step and time: twice stored is once."""

    words: str
    send: Send
    metrics: list[Metric] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def carry_out(self, _again: bool, /) -> None:
        tags = [RunTag(key, value) for key, value in self.tags.items()]
        self.send(self.metrics, self.params, tags)

    def join(self, later: Write, /) -> bool:
        if not isinstance(later, Batch):
            return False
        metrics = self.metrics + later.metrics
        params = self.params + later.params
        tags = self.tags | later.tags
        if max(len(params), len(tags)) > MOST_PARAMS:
            return False
        if len(metrics) + len(params) + len(tags) > _MOST_ENTRIES:
            return False
        self.metrics, self.params, self.tags = metrics, params, tags
        return True


def scalar_text(value: Scalar) -> str:
    """A setting as MLflow keeps it: written as in YAML."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
