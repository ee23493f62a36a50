"""The answers of two networks, A and B, to the same images.

Shapes: N images.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnist_seq.metrics.classification import LEVEL, mcnemar
from mnist_seq.report.inside.reading import Reading

# Who is right about an image, in the order of `Pair.outcomes`.
BOTH_RIGHT, ONLY_A, ONLY_B, BOTH_WRONG = "both right", "only A right", "only B right", "both wrong"
OUTCOMES = (BOTH_RIGHT, ONLY_A, ONLY_B, BOTH_WRONG)


@dataclass(frozen=True)
class Pair:
    """What two networks make of the same images.

    Attributes
    ----------
    a, b : Reading
        Of the same images in the same order, with the same class names.

    Raises
    ------
    ValueError
        If the images, their labels or the names differ.
    """

    a: Reading
    b: Reading

    def __post_init__(self) -> None:
        same = (
            np.array_equal(self.a.labels_N, self.b.labels_N)
            and np.array_equal(self.a.images_NSF, self.b.images_NSF)
            and self.a.class_names == self.b.class_names
        )
        if not same:
            raise ValueError("the two networks have read different images")

    @property
    def images(self) -> int:
        return len(self.a.labels_N)

    @property
    def difference(self) -> float:
        """Accuracy of B less that of A."""
        return float(self.b.accuracies[-1] - self.a.accuracies[-1])

    @cached_property
    def outcomes(self) -> NDArray[np.intp]:
        """Who is right about each image, as a place in `OUTCOMES`; int, shape (N,)."""
        a_wrong_N = self.a.predicted != self.a.labels_N
        b_wrong_N = self.b.predicted != self.b.labels_N
        return np.asarray(2 * a_wrong_N + b_wrong_N, np.intp)

    def count(self, outcome: str) -> int:
        """How many images have one of the `OUTCOMES`."""
        return int(np.sum(self.outcomes == OUTCOMES.index(outcome)))

    @cached_property
    def is_disputed(self) -> NDArray[np.bool_]:
        """Which images are answered differently; bool, shape (N,)."""
        return np.asarray(self.a.predicted != self.b.predicted)

    @cached_property
    def p_value(self) -> float:
        """How likely luck alone makes the two accuracies differ as much, or more; in [0, 1]."""
        return mcnemar(self.count(ONLY_A), self.count(ONLY_B))

    @property
    def is_significant(self) -> bool:
        """Whether the difference of the accuracies is more than luck."""
        return self.p_value < LEVEL

    def disputed(self, count: int) -> NDArray[np.intp]:
        """Indices of images answered differently, alternating between who is right.

        Those come first on which the two contradict each other most surely: the less sure of them
        is surer than elsewhere.
        """
        found = np.flatnonzero(self.is_disputed)
        sure = np.minimum(
            self.a.probabilities[found].max(axis=1), self.b.probabilities[found].max(axis=1)
        )
        surest = found[np.argsort(-sure, kind="stable")]
        outcomes = self.outcomes[surest]
        turn = pd.Series(outcomes).groupby(outcomes).cumcount()
        return surest[np.lexsort((outcomes, turn))][:count]

    def examples(self, count: int) -> NDArray[np.intp]:
        """Indices of images to look at: those answered differently first, then other examples."""
        others = self.a.examples(self.images)
        alike = others[~self.is_disputed[others]]
        return np.concatenate([self.disputed(count), alike])[:count]
