"""The best trial beside the baseline: how far apart they are, and in which settings they differ."""

from html import escape

from mnist_seq.report import wording
from mnist_seq.report.drawing import BEST, INK, MUTED, RULE, Panel, canvas, set_ticks, svg
from mnist_seq.report.lead import lead
from mnist_seq.report.noise import standard_error
from mnist_seq.report.scales import round_ticks
from mnist_seq.report.tables import StudyTables, Trial, missing


def draw(tables: StudyTables) -> list[Panel]:
    title = "Best against baseline"
    over = lead(tables)
    if over is None:
        return [Panel(title, None, _why_not(tables))]
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
            axes.annotate(
                f"{name} {middle:.2f} %",
                (middle, height),
                (0, 8),
                "data",
                textcoords="offset points",
                ha="center",
                color=color,
            )
        axes.set_ylim(-0.5, 1.75)
        low, high = axes.get_xlim()
        # A label is about 110 of 400 wide and is centred on its point: keep both ends inside.
        middle_points = [100 * row[1] for row in rows]
        room = 0.22 * (high - low)
        low, high = min(low, min(middle_points) - room), max(high, max(middle_points) + room)
        axes.set_xlim(low, high)
        set_ticks(axes.xaxis, round_ticks(low, min(high, 100.0)))
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("validation accuracy, %", color=MUTED)
        picture = svg(figure, "comparison")
    return [
        Panel(
            title,
            picture,
            "Lines: 95 % intervals from the binomial error of "
            f"{tables.validation_images:,} validation images. Grey: where the best of "
            f"{wording.many(len(tables.scored) - 1, 'trial')} no better than the baseline would "
            "still land, 19 times in 20.",
        )
    ]


def table(tables: StudyTables) -> str:
    """HTML: one row a figure or setting, a column each for best and baseline; differences bold."""
    trials = [
        (name, trial)
        for name, trial in (("best", tables.best), ("baseline", tables.baseline))
        if trial is not None
    ]
    if not trials:
        return ""
    if len(trials) == 2 and trials[0][1].number == trials[1][1].number:
        trials = [("best = baseline", trials[0][1])]
    rows = [
        ("trial", [f'<a href="#trial-{t.number}">{t.number}</a>' for _, t in trials]),
        (tables.objective.replace("_", " "), [escape(_value(tables, t)) for _, t in trials]),
        ("best epoch", [_epoch(t) for _, t in trials]),
        ("parameters", [_thousands(t.parameters) for _, t in trials]),
        (
            "training time",
            [
                wording.duration(t.seconds) if t.seconds is not None else wording.NONE
                for _, t in trials
            ],
        ),
    ]
    body = "".join(_row(name, cells) for name, cells in rows)
    for path in tables.space:
        cells = [escape(_setting(t, path)) for _, t in trials]
        body += _row(path, cells, len(set(cells)) > 1)
    for path in tables.unsearched:
        cells = [escape(wording.setting(t.settings[path])) for _, t in trials]
        if len(set(cells)) > 1:
            body += _row(f"{path} (not searched)", cells, differs=True)
    heads = "".join(f'<th scope="col">{name}</th>' for name, _ in trials)
    head = f"<thead><tr><th></th>{heads}</tr></thead>"
    return f"<table class=comparison>{head}<tbody>{body}</tbody></table>"


def _row(name: str, cells: list[str], differs: bool = False) -> str:
    cell = "<td class=differs>" if differs else "<td>"
    data = "".join(f"{cell}{text}</td>" for text in cells)
    return f'<tr><th scope="row">{breakable(name)}</th>{data}</tr>'


def breakable(name: str) -> str:
    """A name as HTML that may go on in a new line after a dot or an underscore."""
    return escape(name).replace(".", ".<wbr>").replace("_", "_<wbr>")


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


def _value(tables: StudyTables, trial: Trial) -> str:
    text = wording.value(tables.objective, trial.value)
    if not tables.maximised:
        return text
    error = standard_error(trial.value, tables.validation_images)
    return f"{text} ±\N{NO-BREAK SPACE}{100 * error:.2f}"


def _epoch(trial: Trial) -> str:
    known = [str(n) for n in (trial.best_epoch, trial.epochs) if n is not None]
    return " of ".join(known) or wording.NONE


def _thousands(number: int | None) -> str:
    return wording.NONE if number is None else f"{number:,}"


def _setting(trial: Trial, path: str) -> str:
    cell = trial.settings[path]
    return wording.NONE if missing(cell) else wording.setting(cell)
