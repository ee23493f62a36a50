"""How long does an epoch take, against the plain Keras script?

    python benchmarks/one_training.py

The original network (50 units, batches of 28, 54,000 images to train on and 6,000 to validate) is
trained in turn by this project, in one worker pinned to one core, and by ``model.fit`` with its
defaults on all cores. Each runs in a process of its own; the first epoch of each, which compiles,
is not counted. Printed are medians and their ratio, measured side by side in one run.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

OURS = """
import os
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
os.environ.update(OMP_NUM_THREADS="1", TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
import json, sys, time
from experiments._command import compose
from mnist_seq.config import Config, TrainConfig
from mnist_seq.data.load import load
from mnist_seq.space import with_values
from mnist_seq.training import advance, begin
from mnist_seq.validation import validate
units, batch_size, epochs = map(int, sys.argv[1:])
config = with_values(
    validate(TrainConfig, compose("train", TrainConfig, [])),
    {"model.units": units, "training.batch_size": batch_size, "training.epochs": epochs},
)
data = load(config.data)
state = begin(config, data)
seconds = []
for _ in range(epochs):
    start = time.perf_counter()
    record, state = advance(config, data, state)
    seconds.append(time.perf_counter() - start)
print(json.dumps(seconds[1:]))
"""

PLAIN = """
import json, sys, time
import keras
from keras import layers
from mnist_seq.data.load import load
from experiments._command import compose
from mnist_seq.config import TrainConfig
from mnist_seq.validation import validate
units, batch_size, epochs = map(int, sys.argv[1:])
data = load(validate(TrainConfig, compose("train", TrainConfig, [])).data)
model = keras.Sequential(
    [keras.Input((28, 28)), layers.LSTM(units), layers.Dense(10, activation="softmax")]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

class Clock(keras.callbacks.Callback):
    seconds = []
    def on_epoch_begin(self, *_):
        self.start = time.perf_counter()
    def on_epoch_end(self, *_):
        self.seconds.append(time.perf_counter() - self.start)

clock = Clock()
model.fit(
    data.train.images_NSF / 255.0, data.train.labels_N, batch_size=batch_size, epochs=epochs,
    validation_data=(data.validation.images_NSF / 255.0, data.validation.labels_N),
    callbacks=[clock], verbose=0,
)
print(json.dumps(clock.seconds[1:]))
"""


def measure(script: str, units: int, batch_size: int, epochs: int) -> list[float]:
    """Seconds of each epoch but the first, of a script in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", script, str(units), str(batch_size), str(epochs)],
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds: list[float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def main() -> None:
    """Print a table of medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=4, help="a process; the first is left out")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each kind, in turn")
    arguments = parser.parse_args()
    print(f"{'units':>6} {'batch':>6} {'ours, 1 core':>14} {'plain, all':>12} {'ratio':>7}")
    for units, batch_size in ((50, 28), (128, 64)):
        ours, plain = [], []
        for _ in range(arguments.rounds):
            ours += measure(OURS, units, batch_size, arguments.epochs)
            plain += measure(PLAIN, units, batch_size, arguments.epochs)
        a, b = statistics.median(ours), statistics.median(plain)
        print(f"{units:6} {batch_size:6} {a:12.2f} s {b:10.2f} s {b / a:6.2f}x", flush=True)


if __name__ == "__main__":
    main()
