"""Where in its training each trial was best: too short, too long, or about right."""

import numpy as np

from mnist_seq.report import wording
from mnist_seq.report.drawing import ACCENT, Panel, canvas, set_ticks, svg
from mnist_seq.report.scales import round_ticks
from mnist_seq.report.tables import StudyTables

MOST_BARS = 30


def draw(tables: StudyTables) -> list[Panel]:
    title = "Best epochs"
    complete = tables.scored[tables.scored["state"] == "complete"]
    epochs = complete["best_epoch"].dropna().to_numpy(float)
    if not len(epochs):
        return [Panel(title, None, "No trial ran to its end, so no best epoch is known.")]
    last = float(complete["epochs"].max())
    width = max(1, int(np.ceil(last / MOST_BARS)))
    edges = np.arange(0.5, last + width, width)
    counts, _ = np.histogram(epochs, edges)
    with canvas(210) as (figure, axes):
        axes.bar(edges[:-1], counts, width=0.86 * width, align="edge", color=ACCENT)
        axes.set_xlim(0.4, edges[-1] + 0.1)
        axes.set_ylim(0, 1.1 * counts.max())
        set_ticks(axes.xaxis, round_ticks(1, max(last, 2.0), whole=True))
        set_ticks(axes.yaxis, round_ticks(0, float(counts.max()), whole=True, gap=0.2))
        axes.set_xlabel("best epoch")
        axes.set_ylabel("complete trials")
        picture = svg(figure, "best-epochs")
    at_end = complete["best_epoch"] == complete["epochs"]
    return [
        Panel(
            title,
            picture,
            f"{wording.many(int(at_end.sum()), 'trial')} of {len(complete):,} were best in their "
            "very last epoch. Trials may be of different lengths.",
        )
    ]
