import numpy as np
import pytest

from mnist_seq.metrics.classification import (
    accuracy,
    accuracy_standard_error,
    class_scores,
    confusion_matrix,
    cross_entropy,
    expected_calibration_error,
    reliability,
)

# Of class 0, two of three are recognised; of class 1, one of two; class 2 is never answered.
LABELS_N = np.array([0, 0, 0, 1, 1, 2])
PREDICTED_N = np.array([0, 0, 1, 1, 0, 0])


def test_accuracy_is_the_share_of_right_answers() -> None:
    assert accuracy(PREDICTED_N, LABELS_N) == pytest.approx(3 / 6)
    assert accuracy(LABELS_N, LABELS_N) == 1


def test_cross_entropy_is_the_surprise_at_the_true_class() -> None:
    odds_NK = np.log([[1, 3], [1, 3], [1, 1]])  # three to one for class 1, twice; even
    surprise = -np.log([3 / 4, 1 / 4, 1 / 2])
    assert cross_entropy(odds_NK, np.array([1, 0, 0])) == pytest.approx(surprise.mean())
    assert cross_entropy(odds_NK + 1000, np.array([1, 0, 0])) == pytest.approx(surprise.mean())


def test_cross_entropy_over_rows_is_the_mean_of_them_all() -> None:
    logits_NSK, labels_NS = np.zeros((4, 3, 10), np.float32), np.zeros((4, 3), int)
    assert cross_entropy(logits_NSK, labels_NS) == pytest.approx(np.log(10))


def test_cross_entropy_of_what_is_not_finite_is_not_finite() -> None:
    logits_NK = np.array([[np.inf, 0.0], [0.0, 0.0]])
    assert np.isnan(cross_entropy(logits_NK, np.array([0, 0])))


def test_standard_error_is_that_of_two_exercises_in_mitchell() -> None:
    # Section 5.3.4: 12 errors in 40; exercise 5.1: 300 errors in 1000.
    assert accuracy_standard_error(0.7, 40) == pytest.approx(0.07, abs=0.005)
    assert accuracy_standard_error(0.7, 1000) == pytest.approx(0.01449, abs=0.00001)


def test_standard_error_is_how_far_simulated_accuracies_stray() -> None:
    simulated = np.random.default_rng(0).binomial(10_000, 0.9889, size=20_000) / 10_000
    assert accuracy_standard_error(0.9889, 10_000) == pytest.approx(simulated.std(), rel=0.02)


def test_a_flawless_accuracy_is_not_free_of_error() -> None:
    # Half an image short of 100: sqrt(0.005 * 0.995 / 100).
    assert accuracy_standard_error(1.0, 100) == pytest.approx(0.007053, abs=1e-6)
    assert accuracy_standard_error(0.0, 100) == pytest.approx(accuracy_standard_error(1.0, 100))


@pytest.mark.parametrize(("share", "images"), [(1.1, 10), (-0.1, 10), (float("nan"), 10), (0.5, 0)])
def test_standard_error_of_what_cannot_be_is_refused(share: float, images: int) -> None:
    with pytest.raises(ValueError, match="accuracy"):
        accuracy_standard_error(share, images)


def test_confusion_has_true_classes_in_rows_and_answers_in_columns() -> None:
    counts_KK = confusion_matrix(PREDICTED_N, LABELS_N, classes=4)
    assert counts_KK.tolist() == [[2, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert counts_KK.dtype == np.int64


def test_class_scores_by_hand() -> None:
    scores = class_scores(PREDICTED_N, LABELS_N, classes=3)
    np.testing.assert_allclose(scores.precision_K, [2 / 4, 1 / 2, 0])
    np.testing.assert_allclose(scores.recall_K, [2 / 3, 1 / 2, 0])
    np.testing.assert_allclose(scores.f1_K, [2 * 2 / (4 + 3), 2 * 1 / (2 + 2), 0])
    assert scores.images_K.tolist() == [3, 2, 1]


def test_calibration_error_is_zero_for_a_network_as_sure_as_it_is_right() -> None:
    probabilities_NK = np.array([[0.75, 0.25]] * 4)
    labels_N = np.array([0, 0, 0, 1])
    assert expected_calibration_error(probabilities_NK, labels_N) == pytest.approx(0)


def test_calibration_error_by_hand() -> None:
    # Ten bins. (0.9, 1]: confidence 0.95 twice, one right: gap 0.45. (0.5, 0.6]: 0.6 once, right:
    # gap 0.4. (0.6, 0.7]: 0.7 once, wrong: gap 0.7.
    probabilities_NK = np.array([[0.95, 0.05], [0.95, 0.05], [0.4, 0.6], [0.7, 0.3]])
    labels_N = np.array([0, 1, 1, 1])
    expected = (2 * 0.45 + 1 * 0.4 + 1 * 0.7) / 4
    found = expected_calibration_error(probabilities_NK, labels_N, bins=10)
    assert found == pytest.approx(expected)


def test_under_and_overconfidence_in_one_bin_cancel_but_not_across_bins() -> None:
    probabilities_NK = np.array([[0.6, 0.4], [0.9, 0.1]])
    labels_N = np.array([0, 1])  # gaps +0.4 and -0.9
    one = expected_calibration_error(probabilities_NK, labels_N, bins=1)
    many = expected_calibration_error(probabilities_NK, labels_N, bins=10)
    assert one == pytest.approx(abs(0.5 - 0.75))
    assert many == pytest.approx((0.4 + 0.9) / 2)


def test_a_bin_has_its_upper_edge_and_not_its_lower() -> None:
    probabilities_NK = np.array([[0.5, 0.5], [0.51, 0.49], [1.0, 0.0], [0.75, 0.25]])
    found = reliability(probabilities_NK, np.array([0, 0, 0, 1]), bins=4)
    assert found.edges.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert found.images_B.tolist() == [0, 1, 2, 1]
    np.testing.assert_allclose(found.confidence_B, [np.nan, 0.5, 0.63, 1])
    np.testing.assert_allclose(found.accuracy_B, [np.nan, 1, 0.5, 1])


def test_a_confidence_rounded_to_above_one_is_in_the_last_bin() -> None:
    probabilities_NK = np.array([[np.nextafter(np.float32(1), np.float32(2)), 0]], np.float32)
    assert reliability(probabilities_NK, np.array([0]), bins=3).images_B.tolist() == [0, 0, 1]


@pytest.mark.parametrize("answers", [0, 5])
def test_answers_and_labels_must_be_pairs(answers: int) -> None:
    labels_N = np.zeros(0 if answers == 0 else 6, int)
    predicted_N, probabilities_NK = np.zeros(answers, int), np.ones((answers, 1))
    with pytest.raises(ValueError, match="answers for"):
        accuracy(predicted_N, labels_N)
    with pytest.raises(ValueError, match="answers for"):
        confusion_matrix(predicted_N, labels_N, classes=2)
    with pytest.raises(ValueError, match="answers for"):
        class_scores(predicted_N, labels_N, classes=2)
    with pytest.raises(ValueError, match="answers for"):
        expected_calibration_error(probabilities_NK, labels_N)


def test_there_is_at_least_one_bin() -> None:
    with pytest.raises(ValueError, match="0 bins"):
        reliability(np.ones((1, 1)), np.zeros(1, int), bins=0)
