"""The plain Keras script; with the argument ``tuned``, with what Keras offers to make it faster.

The network is this project's, but for its scaling layer: pixels arrive as float32 in [0, 1].
"""

import sys
from collections.abc import Iterator

import keras
import numpy as np
from keras import layers

from benchmarks.peers.network import read_out
from benchmarks.ways.serving import serve
from benchmarks.ways.shape import CLASSES, FEATURES, FUNCTIONS, Shape
from mnist_seq.data.dataset import Dataset

STEPS_PER_EXECUTION = 50


def build(shape: Shape) -> keras.Model:
    """Network of that shape, not yet compiled."""
    pixels = keras.Input((FUNCTIONS, FEATURES))
    states = pixels
    for depth in range(shape.layers):
        keep_all = shape.readout != "last" or depth < shape.layers - 1
        lstm = layers.LSTM(shape.units, return_sequences=keep_all)
        states = (layers.Bidirectional(lstm) if shape.bidirectional else lstm)(states)
        if shape.dropout:
            states = layers.Dropout(shape.dropout)(states)
    answer = layers.Dense(CLASSES, activation="softmax")(read_out(shape.readout, states))
    return keras.Model(pixels, answer)


def train(shape: Shape, data: Dataset) -> Iterator[None]:
    """Epoch after epoch; `fit` is called once for each, which costs it some milliseconds."""
    keras.backend.clear_session()
    model = build(shape)
    parts = []
    for part in (data.train, data.validation):
        labels = part.labels_N
        if shape.readout == "each_step":
            labels = np.repeat(labels[:, None], FUNCTIONS, axis=1)
        parts.append((np.float32(part.images_NSF) / 255, labels))
    tuned = {"steps_per_execution": STEPS_PER_EXECUTION, "jit_compile": True}
    model.compile(
        "adam",
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        **(tuned if "tuned" in sys.argv else {}),
    )
    while True:
        model.fit(*parts[0], shape.batch_size, validation_data=parts[1], verbose=0)
        yield


if __name__ == "__main__":
    serve(train)
