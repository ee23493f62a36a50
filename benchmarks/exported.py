"""How far do ONNX and LiteRT files agree with Keras on MNIST's 10,000 test images?

    taskset -c 0 python -m benchmarks.exported

A network of each kind, trained for one epoch, is written in both formats. A line each: images with
another label, the largest difference of a probability, bytes of the file.
"""

import tempfile
from pathlib import Path

import numpy as np

from mnist_seq.composition.compose import load_config
from mnist_seq.config.commands import TrainConfig
from mnist_seq.config.settings import NetworkFormat
from mnist_seq.data.load import load
from mnist_seq.network.exported import export
from mnist_seq.network.inspection import load_model
from mnist_seq.network.training import finish, train
from mnist_seq.terminal.display import say

FORMATS: tuple[NetworkFormat, ...] = ("onnx", "litert")
SMALL = ("model.units=32", "training.epochs=1", "training.batch_size=64")
READOUTS = ("each_step", "mean", "max", "flatten", "attention")
KINDS = {
    "last": (),
    "two layers": ("model.layers=2",),
    "bidirectional": ("model.bidirectional=true",),
    **{name: ("model.return_sequences=true", f"model.readout={name}") for name in READOUTS},
}


def main() -> None:
    """Print all."""
    say(f"{'network':14} {'format':7} {'other labels':>12} {'difference':>11} {'bytes':>8}")
    for kind, settings in KINDS.items():
        rate = "training.learning_rate=0.005"
        config = load_config("train", TrainConfig, ["data=mnist", *SMALL, rate, *settings])
        data = load(config.data)
        assert data.test is not None
        *_, (_, state) = train(config, data)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.keras"
            file.write_bytes(finish(config, data, state).model)
            model = load_model(file)
        expected_NK = model.predict(data.test.images_NSF, verbose=0)
        for name in FORMATS:
            content, answers_NK = export(model, name, data.test.images_NSF)
            others = int((answers_NK.argmax(axis=1) != expected_NK.argmax(axis=1)).sum())
            furthest = float(np.abs(answers_NK - expected_NK).max())
            say(f"{kind:14} {name:7} {others:12} {furthest:11.1e} {len(content):8,}")


if __name__ == "__main__":
    main()
