"""What a network says of characters: the most probable classes, and whether one is said at all.

Shapes: N characters, K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NOT_SURE = "?"
MOST_CANDIDATES = 3


class Candidate(NamedTuple):
    """A class and its probability."""

    label: str
    probability: float


@dataclass(frozen=True)
class Answer:
    """What a network says of one character.

    Attributes
    ----------
    candidates : tuple of Candidate
        The most probable first.
    is_sure : bool
        Whether the first is probable enough to be said.
    """

    candidates: tuple[Candidate, ...]
    is_sure: bool

    @property
    def label(self) -> str:
        """The most probable class; `NOT_SURE` if it is not probable enough."""
        return self.candidates[0].label if self.is_sure else NOT_SURE

    @property
    def probability(self) -> float:
        """Probability of the most probable class."""
        return self.candidates[0].probability


def answers(
    probabilities_NK: NDArray[np.float32], class_names: Sequence[str], confidence: float
) -> list[Answer]:
    """Return the answer for each character; one less probable than `confidence` is not sure."""
    best_NC = np.argsort(-probabilities_NK, axis=1, kind="stable")[:, :MOST_CANDIDATES]
    return [
        Answer(
            tuple(Candidate(class_names[k], float(probabilities_K[k])) for k in best_C),
            bool(probabilities_K[best_C[0]] >= confidence),
        )
        for probabilities_K, best_C in zip(probabilities_NK, best_NC, strict=True)
    ]


def answers_frame(
    found: Sequence[Answer], **known: Sequence[str] | Sequence[int] | Sequence[bool]
) -> pd.DataFrame:
    """One row for each character: label, whether it is sure, candidates with probabilities.

    Parameters
    ----------
    **known
        More columns, before these: text, whole numbers or truth values.
    """
    columns: dict[str, pd.Series[Any]] = {
        **{name: pd.Series(values).convert_dtypes() for name, values in known.items()},
        "label": pd.Series([answer.label for answer in found], dtype="string"),
        "is_sure": pd.Series([answer.is_sure for answer in found], dtype="boolean"),
    }
    for place in range(MOST_CANDIDATES):
        those = [answer.candidates[place : place + 1] for answer in found]
        labels = [one[0].label if one else None for one in those]
        probabilities = [one[0].probability if one else None for one in those]
        columns[f"candidate_{place + 1}"] = pd.Series(labels, dtype="string")
        columns[f"probability_{place + 1}"] = pd.Series(probabilities, dtype="float64")
    return pd.DataFrame(columns)
