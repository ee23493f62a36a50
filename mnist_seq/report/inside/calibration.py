"""Whether the network is right as often as it says."""

import numpy as np

from mnist_seq import metrics
from mnist_seq.report.drawing import ACCENT, INK, MUTED, Panel, canvas, svg
from mnist_seq.report.inside.reading import Reading

BINS = 15


def draw(reading: Reading) -> Panel:
    """Reliability diagram: confidence to the right, accuracy upwards."""
    found = metrics.reliability(reading.probabilities, reading.labels_N, bins=BINS)
    error = metrics.expected_calibration_error(reading.probabilities, reading.labels_N, bins=BINS)
    filled = np.flatnonzero(found.images_B)
    images_B, share_B = found.images_B[filled], found.accuracy_B[filled]
    spread_B = [
        metrics.accuracy_standard_error(float(share), int(images))
        for share, images in zip(share_B, images_B, strict=True)
    ]
    with canvas(300) as (figure, axes):
        axes.plot([0, 100], [0, 100], color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        confidence_B = 100 * found.confidence_B[filled]
        axes.errorbar(
            confidence_B, 100 * share_B, 100 * np.array(spread_B), fmt="none", ecolor=MUTED, lw=0.9
        )
        size_B = 14 + 150 * np.sqrt(images_B / images_B.max())
        axes.scatter(confidence_B, 100 * share_B, s=size_B, color=ACCENT, alpha=0.85, zorder=3)
        axes.set_xlim(0, 105)
        axes.set_ylim(-3, 107)
        axes.set_xlabel("confidence, %", color=MUTED)
        axes.set_ylabel("right answers, %")
        picture = svg(figure, "calibration")
    mean_confidence = float(np.mean(reading.probabilities.max(axis=1)))
    right = float(reading.accuracies[-1])
    lean = "more" if mean_confidence > right else "less"
    return Panel(
        "Calibration",
        picture,
        f"Expected calibration error {100 * error:.2f} points over {BINS} bins: confidence "
        f"{100 * mean_confidence:.2f} % on average, {lean} than the {100 * right:.2f} % that are "
        "right. Below the dashed line the network is too sure. A point's area grows with its "
        "images; lines are one standard error.",
    )
