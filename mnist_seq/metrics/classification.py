"""Classification metrics on NumPy arrays: accuracy, loss, confusion matrix, F1, calibration.

Shapes: N images, K classes, B confidence bins. Labels are whole numbers in [0, K).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05  # a difference that luck makes less often than this is more than luck
Labels = NDArray[np.integer]
Probabilities = NDArray[np.floating]


@dataclass(frozen=True)
class ClassScores:
    """Precision, recall and F1 (in [0, 1]) and number of images of each class, shape (K,).

    A score without anything to divide by, as the precision of a class never answered, is 0.
    """

    precision_K: NDArray[np.float64]
    recall_K: NDArray[np.float64]
    f1_K: NDArray[np.float64]
    images_K: NDArray[np.int64]


@dataclass(frozen=True)
class Reliability:
    """Mean confidence and accuracy in each of B equal-width bins of confidence.

    Attributes
    ----------
    edges : float64, shape (B + 1,)
        Bin b holds confidences above ``edges[b]``, up to and with ``edges[b + 1]``.
    images_B : int64, shape (B,)
        How many answers fall into each.
    confidence_B, accuracy_B : float64, shape (B,)
        Means over these answers; NaN in an empty bin.
    """

    edges: NDArray[np.float64]
    images_B: NDArray[np.int64]
    confidence_B: NDArray[np.float64]
    accuracy_B: NDArray[np.float64]


def accuracy(predicted_N: Labels, labels_N: Labels) -> float:
    """Fraction of correct predictions, in [0, 1].

    Raises
    ------
    ValueError
        If there are no answers, or not one for each label.
    """
    _require_pairs(len(predicted_N), len(labels_N))
    return float(np.mean(predicted_N == labels_N))


def cross_entropy(logits: NDArray[np.floating], labels: Labels) -> float:
    """Mean cross-entropy between logits and true classes, in nats; may be NaN or infinite.

    Parameters
    ----------
    logits : float, shape (..., K)
        Logarithms of unnormalised probabilities.
    labels : int, shape (...)
        True classes, in [0, K).

    References
    ----------
    Goodfellow, Bengio & Courville, "Deep Learning", 2016, section 6.2.2.3: the negative logarithm
    of the softmax.
    """
    with np.errstate(invalid="ignore"):  # infinity less infinity is NaN, which is the answer
        shifted = np.asarray(logits, np.float64) - logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(shifted, labels[..., None], axis=-1)[..., 0]
    return float(np.mean(np.log(np.exp(shifted).sum(axis=-1)) - chosen))


def accuracy_standard_error(accuracy: float, images: int) -> float:
    """Standard error of an accuracy that was measured on some number of images; never zero.

    A flawless or a hopeless accuracy is taken half an image short of it, as an error of zero would
    claim to know too much.

    Parameters
    ----------
    accuracy : float
        In [0, 1].
    images : int
        How many it was measured on, each drawn independently; at least 1.

    Raises
    ------
    ValueError
        If either is out of range.

    References
    ----------
    Mitchell, "Machine Learning", 1997, section 5.3.4: the binomial distribution's standard
    deviation, with the measured share put in for the true one.
    """
    if not 0 <= accuracy <= 1 or images < 1:
        raise ValueError(f"accuracy {accuracy} on {images} images")
    margin = 0.5 / images
    share = min(max(accuracy, margin), 1 - margin)
    return math.sqrt(share * (1 - share) / images)


def mcnemar(only_a: int, only_b: int) -> float:
    """How likely luck alone makes the accuracies of two networks, A and B, differ as much or more.

    If both were equally good, each would be the right one for half of the images that only one of
    them has right.

    Parameters
    ----------
    only_a, only_b : int
        How many images only one of them has right.

    Returns
    -------
    float
        In [0, 1]; 1 where they are right about the same images.

    References
    ----------
    McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12, 1947; in its exact form, the two-sided sign test of the
    discordant pairs (Agresti, "Categorical Data Analysis", 2002, section 10.1.4).
    """
    from scipy.stats import binomtest

    discordant = only_a + only_b
    return float(binomtest(only_a, discordant, 0.5).pvalue) if discordant else 1.0


def confusion_matrix(predicted_N: Labels, labels_N: Labels, classes: int) -> NDArray[np.int64]:
    """Confusion matrix: true classes in rows, predicted ones in columns; int64, shape (K, K)."""
    from sklearn import metrics

    _require_pairs(len(predicted_N), len(labels_N))
    counts_KK = metrics.confusion_matrix(labels_N, predicted_N, labels=np.arange(classes))
    return np.asarray(counts_KK, np.int64)


def class_scores(predicted_N: Labels, labels_N: Labels, classes: int) -> ClassScores:
    """Precision, recall and F1 of each class against all others.

    Raises
    ------
    ValueError
        If there are no answers, or not one for each label.
    """
    from sklearn import metrics

    _require_pairs(len(predicted_N), len(labels_N))
    precision_K, recall_K, f1_K, images_K = metrics.precision_recall_fscore_support(
        labels_N, predicted_N, labels=np.arange(classes), zero_division=0
    )
    return ClassScores(precision_K, recall_K, f1_K, images_K.astype(np.int64))


def reliability(
    probabilities_NK: Probabilities, labels_N: Labels, *, bins: int = 15
) -> Reliability:
    """Mean confidence and accuracy per confidence bin: the data of a reliability diagram.

    Parameters
    ----------
    probabilities_NK : float, shape (N, K)
        Each row sums to 1.
    labels_N : int, shape (N,)
        True classes.
    bins : int
        At least 1.

    Raises
    ------
    ValueError
        If there are no answers, or not one for each label, or no bins.

    References
    ----------
    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2.
    """
    _require_pairs(len(probabilities_NK), len(labels_N))
    if bins < 1:
        raise ValueError(f"{bins} bins")
    confidence_N = probabilities_NK.max(axis=1).astype(np.float64)
    correct_N = probabilities_NK.argmax(axis=1) == labels_N
    edges = np.linspace(0, 1, bins + 1)
    # Softmax in float32 may give a hair more than 1, which is still the last bin.
    bin_N = np.clip(np.searchsorted(edges, confidence_N, side="left") - 1, 0, bins - 1)
    images_B = np.bincount(bin_N, minlength=bins)
    divisor_B = np.where(images_B == 0, np.nan, images_B)
    return Reliability(
        edges=edges,
        images_B=images_B,
        confidence_B=np.bincount(bin_N, weights=confidence_N, minlength=bins) / divisor_B,
        accuracy_B=np.bincount(bin_N, weights=correct_N, minlength=bins) / divisor_B,
    )


def expected_calibration_error(
    probabilities_NK: Probabilities, labels_N: Labels, *, bins: int = 15
) -> float:
    """Expected calibration error: mean gap between confidence and accuracy, in [0, 1].

    Takes and raises what `reliability` does.

    References
    ----------
    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, eq. 3.
    """
    found = reliability(probabilities_NK, labels_N, bins=bins)
    gap_B = np.abs(found.accuracy_B - found.confidence_B)
    return float(np.nansum(found.images_B * gap_B) / len(labels_N))


def _require_pairs(answers: int, labels: int) -> None:
    if answers != labels or answers == 0:
        raise ValueError(f"{answers} answers for {labels} labels")
