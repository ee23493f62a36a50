"""Scores networks on the test images; says what the scores of several seeds show."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

import numpy as np

from mnist_seq.config.settings import Config
from mnist_seq.data.listed import many
from mnist_seq.data.load import test_split
from mnist_seq.driver.session import Session, data_of
from mnist_seq.errors import StoppedError, TrainingError, in_one_line
from mnist_seq.metrics import classification
from mnist_seq.network.network_file import check_network_file
from mnist_seq.network.training import predict
from mnist_seq.records import TrialOutcome
from mnist_seq.report.figures.style import standalone
from mnist_seq.report.inside.answers import draw_confusion, results_csv
from mnist_seq.tracking.runs import Run
from mnist_seq.tracking.trial_recorder import TrialRecorder

RESULTS_FILE, CONFUSION_FILE = "test_results.csv", "test_confusion.svg"


@dataclass(frozen=True)
class Scores:
    """Test accuracies of networks that differ in their seeds.

    Attributes
    ----------
    accuracies : list of float
        Of each network.
    ensemble : float
        Of all together: the mean of their probabilities answers.
    images : int
        How many there are.
    """

    accuracies: list[float]
    ensemble: float
    images: int

    @property
    def mean(self) -> float:
        """Mean of the accuracies."""
        return mean(self.accuracies)

    @property
    def short(self) -> str:
        """The mean in percent, with the standard deviation where there are several."""
        spread = f" ± {100 * stdev(self.accuracies):.2f}" if len(self.accuracies) > 1 else ""
        return f"{100 * self.mean:.2f}{spread} %"

    def line(self, what: str) -> str:
        """Return the scores as a sentence in rich's markup."""
        error = 100 * classification.accuracy_standard_error(self.mean, self.images)
        images = many(self.images, "image")
        if len(self.accuracies) == 1:
            return (
                f"{what} [bold green]{self.short}[/] "
                f"(± {error:.2f}: the standard error of {images})"
            )
        each = ", ".join(f"{100 * score:.2f}" for score in self.accuracies)
        return (
            f"{what} [bold green]{self.short}[/], mean and standard deviation of "
            f"{len(self.accuracies)} seeds ({each}); {images} alone leave ± {error:.2f}"
        )


def score_networks(
    session: Session, recorder: TrialRecorder, outcomes: Mapping[int, TrialOutcome], config: Config
) -> Scores:
    """Score each network on the test images once; log accuracy and answers to its MLflow run.

    Raises
    ------
    StoppedError
        If the user stopped it meanwhile.
    TrainingError
        If a training has no network.
    """
    test, data = test_split(config.data), data_of(config)
    pixels_NSF = data.pixel_format.pixels(test.images_NSF)
    names = tuple(map(in_one_line, data.class_names))
    accuracies, total_NK = [], np.zeros((len(test), len(names)))
    for number, outcome in sorted(outcomes.items()):
        if session.is_stopped():
            raise StoppedError
        if outcome.result is None:
            raise TrainingError(outcome.reason or "no epoch was finished")
        rows, pixels = test.images_NSF.shape[1:]
        check_network_file(outcome.result.model, config.model, (rows, pixels), len(names))
        probabilities_NK = session.workers.call(
            predict, outcome.result.model, pixels_NSF, is_stopped=session.is_stopped
        )
        predicted_N = probabilities_NK.argmax(axis=1)
        accuracies.append(classification.accuracy(predicted_N, test.labels_N))
        recorder.name_test_images(number, config)
        recorder.run(number).metrics({"test_accuracy": accuracies[-1]})
        _keep_answers(recorder.run(number), predicted_N, test.labels_N, data.class_names)
        total_NK += probabilities_NK
    ensemble = classification.accuracy(total_NK.argmax(axis=1), test.labels_N)
    return Scores(accuracies, ensemble, len(test))


def _keep_answers(
    run: Run,
    predicted_N: classification.Labels,
    labels_N: classification.Labels,
    names: tuple[str, ...],
) -> None:
    """Log the prediction for each test image and the confusion matrix to a run."""
    counts_KK = classification.confusion_matrix(predicted_N, labels_N, len(names))
    run.artifact(RESULTS_FILE, results_csv(predicted_N, labels_N, names))
    run.artifact(CONFUSION_FILE, standalone(draw_confusion(counts_KK, names).picture or ""))


def paired_difference(
    ours: Sequence[float], theirs: Sequence[float], images: int, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Mean difference of two scores by the same seeds, with its confidence interval.

    Parameters
    ----------
    ours, theirs : sequence of float
        At least two each, of the same seeds in the same order.
    images : int
        How many the scores are accuracies on.
    confidence : float
        Of the interval.

    Returns
    -------
    tuple of float
        The interval's lower end, the mean, the upper end: Student's t of the differences, whose
        standard deviation is at least 1 / (images sqrt(12)), that of rounding to one image.
    """
    from scipy.stats import t

    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    spread = max(stdev(differences), 1 / (images * math.sqrt(12)))
    quantile = t.ppf((1 + confidence) / 2, len(differences) - 1)
    middle, half = mean(differences), float(quantile) * spread / math.sqrt(len(differences))
    return middle - half, middle, middle + half


def difference_line(ours: Scores, baseline: Scores) -> str:
    """Return by how much the networks are better than the baseline's, as a sentence."""
    low, middle, high = paired_difference(ours.accuracies, baseline.accuracies, ours.images)
    return (
        f"{100 * middle:+.2f} points against the baseline on the same seeds, "
        f"95 % interval {100 * low:+.2f} to {100 * high:+.2f}"
    )


def luck_line(chosen: float, fresh: Sequence[float]) -> str:
    """Return how much of a chosen trial's validation accuracy was luck, as a sentence.

    Parameters
    ----------
    chosen : float
        Its validation accuracy in the search, by which it was chosen.
    fresh : sequence of float
        Those of the same config with other seeds.
    """
    luck = 100 * (chosen - mean(fresh))
    seeds = "a fresh seed" if len(fresh) == 1 else f"{len(fresh)} fresh seeds"
    verdict = f"{luck:.2f} points of it were luck" if luck >= 0.005 else "no luck in it"
    return (
        f"validation accuracy {100 * chosen:.2f} % in the search, {100 * mean(fresh):.2f} % with "
        f"{seeds}: {verdict}"
    )
