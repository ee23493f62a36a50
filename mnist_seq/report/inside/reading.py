"""A network's predictions and LSTM gates after each row, as NumPy arrays.

Shapes: N images, M of them shown, S steps (rows), F features (pixels a row), U units, K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnist_seq.metrics import classification


@dataclass(frozen=True)
class Gates:
    """Gates and states of one LSTM after every row of M images; float64, shape (M, S, U).

    Attributes
    ----------
    name : str
        The layer, and its direction where it has two. Row s is the image's row s in both.
    input_MSU, forget_MSU, output_MSU : float64
        In [0, 1]: what share of the candidate enters, of the memory stays, of it is told.
    candidate_MSU : float64
        In [-1, 1]: what would enter.
    memory_MSU : float64
        The cell after the row; without bounds.
    state_MSU : float64
        The hidden state after the row, in [-1, 1]: what the next layer sees.
    """

    name: str
    input_MSU: NDArray[np.float64]
    forget_MSU: NDArray[np.float64]
    candidate_MSU: NDArray[np.float64]
    output_MSU: NDArray[np.float64]
    memory_MSU: NDArray[np.float64]
    state_MSU: NDArray[np.float64]


def topmost(gates: Sequence[Gates]) -> Sequence[Gates]:
    """The last LSTM of those given; of a bidirectional one, both directions."""
    return gates[-2:] if gates[-1].name.endswith("upwards") else gates[-1:]


@dataclass(frozen=True)
class Reading:
    """Images, their labels and the network's class probabilities after each row.

    Attributes
    ----------
    images_NSF : uint8, shape (N, S, F)
        Raw pixels.
    labels_N : int, shape (N,)
        What they show.
    beliefs_NSK : float, shape (N, S, K)
        Probabilities after each row; those after the last are the network's answer.
    class_names : tuple of str
        What label k stands for, at place k.
    """

    images_NSF: NDArray[np.uint8]
    labels_N: NDArray[np.integer]
    beliefs_NSK: NDArray[np.floating]
    class_names: tuple[str, ...]

    @property
    def rows(self) -> int:
        return len(self.beliefs_NSK[0])

    @property
    def probabilities(self) -> NDArray[np.floating]:
        return self.beliefs_NSK[:, -1]

    @cached_property
    def predicted(self) -> NDArray[np.intp]:
        """The answers: the most probable class after the last row."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def accuracies(self) -> NDArray[np.float64]:
        """Accuracy after each row."""
        answers_SN = self.beliefs_NSK.argmax(axis=2).T
        return np.array(
            [classification.accuracy(answer_N, self.labels_N) for answer_N in answers_SN]
        )

    @cached_property
    def confusions(self) -> NDArray[np.int64]:
        """Confusion matrix: rows are true classes, columns predicted ones."""
        return classification.confusion_matrix(self.predicted, self.labels_N, len(self.class_names))

    def first_row_with(self, share: float) -> int:
        """First row (from 1) after which the accuracy is at least `share` of the final one."""
        return int(np.argmax(self.accuracies >= share * self.accuracies[-1])) + 1

    def examples(self, count: int) -> NDArray[np.intp]:
        """Indices of example images: correct ones first, alternating between the classes."""
        wrong = self.predicted != self.labels_N
        turn = pd.Series(self.labels_N).groupby([wrong, self.labels_N]).cumcount()
        return np.lexsort((self.labels_N, turn, wrong))[:count]

    def confidently_wrong(self, count: int) -> NDArray[np.intp]:
        """Indices of misclassified images, the most confident mistakes first."""
        wrong = np.flatnonzero(self.predicted != self.labels_N)
        confidence = self.probabilities[wrong].max(axis=1)
        return wrong[np.argsort(-confidence, kind="stable")[:count]]
