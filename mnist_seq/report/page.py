"""One HTML page of a study: self-contained, without scripts, the same offline as online."""

from html import escape

from mnist_seq.report import (
    best_epochs,
    comparison,
    cost,
    history,
    importance,
    isolation,
    learning_curves,
    pairs,
    parallel_coordinates,
    slices,
    trial_tables,
    wording,
)
from mnist_seq.report.diagnosis import diagnose
from mnist_seq.report.document import Part, document, panel, section, text
from mnist_seq.report.drawing import BEST, INK, TRIAL
from mnist_seq.report.finding import Finding
from mnist_seq.report.lead import lead
from mnist_seq.report.noise import standard_error
from mnist_seq.report.tables import StudyTables, missing


def render(tables: StudyTables) -> str:
    """The report as the text of one HTML file."""
    parts = "".join(section(part) for part in _figures(tables))
    body = f"""<header>
<p class="eyebrow">Hyperparameter study</p>
<h1>{escape(tables.name)}</h1>
<p class="lede">{text(searched(tables))} {text(found(tables))}</p>
</header>
<section><div><h2>Best against baseline</h2>
<p class="about">± is one standard error. Settings in bold differ.</p></div>
<div class="panels">{"".join(panel(p, "Best against baseline") for p in comparison.draw(tables))}
<div>{comparison.table(tables)}</div></div></section>
<section><div><h2>What it says</h2>
<p class="about">Each finding with the numbers behind it, and what to try next.</p></div>
<ul class="findings">{"".join(_finding(f) for f in diagnose(tables))}</ul></section>
{"" if tables.scored.empty else _LEGEND}
{parts}
<section class="wide"><h2>Failures</h2>{trial_tables.failures(tables)}</section>
<section class="wide"><h2>Trials</h2>{trial_tables.trials(tables)}</section>
<section class="wide"><h2>How to do it again</h2>{_again(tables)}</section>
"""
    return document(f"{tables.name}: report", body)


def searched(tables: StudyTables) -> str:
    """What was searched, in one sentence."""
    states = [
        f"{tables.count(state)} {state}"
        for state in ("complete", "pruned", "failed", "running")
        if tables.count(state)
    ]
    ends = tables.trials["finished"].dropna()
    time = f" in {wording.duration(float(ends.max()))}" if len(ends) else ""
    names = wording.listing(list(tables.space))
    tried = f"{wording.many(len(tables.trials), 'trial')}{time}"
    counted = f" ({', '.join(states)})" if states else ""
    return f"{tried}{counted} searched {names} for the best {tables.objective.replace('_', ' ')}."


def found(tables: StudyTables) -> str:
    """What was found, in one sentence."""
    best = tables.best
    if best is None:
        return "No trial reached a value, so nothing was found."
    reached = wording.value(tables.objective, best.value)
    if tables.maximised:
        reached += f" ± {100 * standard_error(best.value, tables.validation_images):.2f}"
    settings = ", ".join(
        f"{path}={wording.setting(best.settings[path])}"
        for path in tables.space
        if not missing(best.settings[path])
    )
    epoch = "" if best.best_epoch is None else f" in epoch {best.best_epoch}"
    kind = "pruned, as all were, " if best.state == "pruned" else ""
    sentence = f"The best, trial {best.number}, {kind}reached {reached}{epoch} with {settings}"
    over = lead(tables)
    if over is None:
        same = tables.baseline is not None and tables.baseline.number == best.number
        return sentence + ("; it is the baseline itself." if same else ".")
    verdict = (
        "more than luck explains" if over.difference > over.luck else "no more than luck may bring"
    )
    difference = wording.points(over.difference, sign=True)
    return (
        f"{sentence}: {difference} (± {100 * over.difference_error:.2f}) of accuracy against the "
        f"baseline, {verdict}."
    )


def _figures(tables: StudyTables) -> list[Part]:
    return [
        Part(
            "The search over time",
            "Upwards is better in every figure. The axis of the objective is logarithmic in what "
            "is left to gain, so that good trials are told apart.",
            history.draw(tables),
        ),
        Part(
            "Learning curves", "One line a trial, one step an epoch.", learning_curves.draw(tables)
        ),
        Part(
            "Each hyperparameter",
            "All trials as they came: a point's height is also due to its other settings.",
            slices.draw(tables),
        ),
        Part(
            "Each hyperparameter, isolated",
            "For each value, or part of a range, the best over all the others: what it can do once "
            "the rest fits it. "
            + (
                "The thin bar is one binomial standard error each way; bars that overlap are not "
                "told apart."
                if tables.maximised
                else "A loss has no binomial error, so there are no error bars."
            ),
            isolation.draw(tables),
        ),
        Part(
            "What matters",
            "How much worse trials are foretold once one hyperparameter's values are shuffled.",
            importance.draw(tables),
        ),
        Part(
            "All at once",
            "Follow a line downwards: one trial's settings, and at the bottom its value.",
            parallel_coordinates.draw(tables),
        ),
        Part(
            "Pairs that interact",
            "Where the best value of one hyperparameter depends on another. The strongest pairs "
            "first; darker is better.",
            pairs.draw(tables),
        ),
        Part("Accuracy and its cost", "Small and fast networks to the left.", cost.draw(tables)),
        Part(
            "Best epochs",
            "Best at the end asks for more epochs, best early for fewer.",
            best_epochs.draw(tables),
        ),
    ]


def _finding(finding: Finding) -> str:
    command = f" Try <code>{escape(finding.command)}</code>" if finding.command else ""
    return f"<li>{text(finding.text)}{command}</li>"


def _again(tables: StudyTables) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>'
        for name, text in tables.facts.items()
    )
    facts = f"<table><tbody>{rows}</tbody></table>" if rows else ""
    return f"<pre>{escape(tables.command)}</pre>{facts}"


def _mark(shape: str) -> str:
    return f'<svg viewBox="0 0 22 12" aria-hidden="true">{shape}</svg>'


_LEGEND = (
    '<section class="wide"><p class="legend">'
    + "".join(
        f"<span>{_mark(shape)}{name}</span>"
        for name, shape in (
            ("complete trial", f'<circle cx="11" cy="6" r="3.4" fill="{TRIAL}"/>'),
            ("pruned trial", f'<circle cx="11" cy="6" r="3" fill="#fff" stroke="{TRIAL}"/>'),
            ("best", f'<path d="M11 1 16 6 11 11 6 6z" fill="{BEST}"/>'),
            ("baseline", f'<rect x="7" y="2" width="8" height="8" fill="{INK}"/>'),
            (
                "the baseline's level",
                f'<path d="M0 6H22" stroke="{INK}" stroke-dasharray="4 3"/>',
            ),
        )
    )
    + "<span>A point leads to its row in the table of trials.</span></p></section>"
)
