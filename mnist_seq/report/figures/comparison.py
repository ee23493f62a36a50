"""Figure that compares the best trial's accuracy with the baseline's."""

from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.chance import lead
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.figures.axes import hide_y, set_ticks
from mnist_seq.report.figures.scales import round_ticks
from mnist_seq.report.figures.style import BEST, INK, RULE, Panel, canvas, svg


def draw_comparison(tables: StudyTables) -> Panel:
    """Draw both accuracies with 95 % intervals, and the lead that chance alone explains."""
    title = "Best against baseline"
    over = lead(tables)
    if over is None:
        return Panel(title, None, _why_not(tables))
    rows = [
        ("baseline", over.baseline_accuracy, over.baseline_error, INK, "s"),
        ("best", over.accuracy, over.error, BEST, "D"),
    ]
    with canvas(150) as (figure, axes):
        reach = 100 * (over.baseline_accuracy + over.luck)
        axes.axvspan(100 * over.baseline_accuracy, reach, color=RULE, alpha=0.6, linewidth=0)
        for height, (name, accuracy, error, color, marker) in enumerate(rows):
            spread = 100 * 1.96 * error
            middle = 100 * accuracy
            axes.plot([middle - spread, middle + spread], [height, height], color=color, lw=1.6)
            axes.scatter([middle], [height], s=50, color=color, marker=marker, zorder=4)
            label = f"{name} {middle:.2f} %"
            axes.annotate(
                label, (middle, height), (0, 8), "data", "offset points", ha="center", color=color
            )
        # A label is about 110 of 400 wide and is centred on its point: keep both ends inside.
        low, high = axes.get_xlim()
        room = 0.22 * (high - low)
        middles = 100 * over.baseline_accuracy, 100 * over.accuracy
        low, high = min(low, *(m - room for m in middles)), max(high, *(m + room for m in middles))
        axes.set(xlim=(low, high), xlabel="validation accuracy, %", ylim=(-0.5, 1.75))
        set_ticks(axes.xaxis, round_ticks(low, min(high, 100.0)))
        hide_y(axes)
        picture = svg(figure, "comparison")
    return Panel(
        title,
        picture,
        "Lines: 95 % intervals from the binomial error of "
        f"{wording.many(tables.validation_images, 'validation image')}. Grey: where the best of "
        f"{wording.many(len(tables.scored) - 1, 'trial')} no better than the baseline would "
        "still land, 19 times in 20.",
    )


def _why_not(tables: StudyTables) -> str:
    if tables.best is None:
        return "No trial reached a value, so there is no best one to compare."
    if tables.baseline is None:
        return "No baseline with a value is among the trials, so there is nothing to compare with."
    if tables.best.number == tables.baseline.number:
        return "No trial beat the baseline."
    if tables.baseline.state == "pruned":
        return "The baseline was pruned: after fewer epochs than its own it is no yardstick."
    return "The accuracy of one of the two is not known, so their difference has no error."
