"""What is trained, and the matrix products that it takes.

Shape letters: B images a batch, S steps (rows), F features (pixels a row), U units, K classes.
"""

from dataclasses import dataclass
from typing import TypeAlias

FUNCTIONS, FEATURES, CLASSES = 28, 28, 10


@dataclass(frozen=True)
class Shape:
    """One network and how it is fed; names and meanings are those of the config."""

    units: int = 64
    batch_size: int = 64
    layers: int = 1
    bidirectional: bool = False
    readout: str = "last"
    dropout: float = 0.0

    def __str__(self) -> str:
        words = [f"{self.units} units", f"batch {self.batch_size}"]
        words += [f"{self.layers} layers"] if self.layers > 1 else []
        words += ["bidirectional"] if self.bidirectional else []
        words += [f"readout {self.readout}"] if self.readout != "last" else []
        words += [f"dropout {self.dropout}"] if self.dropout else []
        return ", ".join(words)


SHAPES = (
    Shape(50, 28),
    Shape(128, 64),
    Shape(128, 64, layers=2),
    Shape(64, 64, bidirectional=True),
    Shape(64, 64, readout="each_step"),
    Shape(64, 64, readout="mean"),
    Shape(64, 64, readout="max"),
    Shape(64, 64, readout="flatten"),
    Shape(64, 64, readout="attention"),
    Shape(64, 64, readout="flatten", dropout=0.2),
    Shape(128, 64, dropout=0.2),
)


# How often in a batch, and the sizes (m, k, n).
Product: TypeAlias = tuple[int, tuple[int, int, int]]


def products(shape: Shape) -> tuple[list[Product], list[Product]]:
    """Matrix products of one batch: forward, and backward.

    An LSTM step multiplies its input [B, F] with [F, 4U] and its state [B, U] with [U, 4U]. The
    gradient takes each product twice more: for the weights, and for what came in. Only that for the
    state is needed row by row; the others are one product over all rows. The first layer's input is
    pixels and needs no gradient. The readout is left out: it is small.
    """
    batch, gates = shape.batch_size, 4 * shape.units
    rows = FUNCTIONS * batch
    forward: list[Product] = []
    backward: list[Product] = []
    for layer in range(shape.layers):
        width = FEATURES if layer == 0 else shape.units * (1 + shape.bidirectional)
        for _ in range(1 + shape.bidirectional):
            forward += [
                (FUNCTIONS, (batch, width, gates)),
                (FUNCTIONS, (batch, shape.units, gates)),
            ]
            backward += [(FUNCTIONS, (batch, gates, shape.units))]
            backward += [(1, (width, rows, gates)), (1, (shape.units, rows, gates))]
            backward += [(1, (rows, gates, width))] if layer > 0 else []
    return forward, backward
