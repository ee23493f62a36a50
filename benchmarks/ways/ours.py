"""The functions that a worker of this project calls, one after the other."""

from collections.abc import Iterator

from benchmarks.ways.serving import serve
from benchmarks.ways.shape import Shape
from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import TrainConfig
from mnist_seq.config.validation import validate, with_values
from mnist_seq.data.dataset import Dataset
from mnist_seq.network.training import advance, begin


def train(shape: Shape, data: Dataset) -> Iterator[None]:
    """Epoch after epoch."""
    config = with_values(
        validate(TrainConfig, compose("train", TrainConfig, [])),
        {
            "model.units": shape.units,
            "model.layers": shape.layers,
            "model.bidirectional": shape.bidirectional,
            "model.return_sequences": shape.readout != "last",
            "model.readout": shape.readout,
            "model.dropout": shape.dropout,
            "training.batch_size": shape.batch_size,
        },
    )
    state = begin(config, data)
    while True:
        _, state = advance(config, data, state)
        yield


if __name__ == "__main__":
    serve(train)
