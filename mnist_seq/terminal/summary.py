"""What the terminal shows after a command: the best trials, findings, and what to type next."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.data.dataset import Dataset
from mnist_seq.data.listed import many
from mnist_seq.errors import in_one_line
from mnist_seq.invocation import command_text
from mnist_seq.records import EpochRecord, Trial
from mnist_seq.terminal.display import console, plain, say
from mnist_seq.terminal.progress import Progress, duration_text, settings_text


def best_table(progress: Progress, most: int = 5) -> Table:
    """Table of the best trials, one per row."""
    rows = [(trial, outcome.best) for trial, outcome in progress.compared() if outcome.best]
    rows.sort(
        key=lambda row: getattr(row[1], progress.objective),
        reverse=progress.objective == "validation_accuracy",
    )
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("trial", "validation", "best epoch", "settings"):
        table.add_column(name)
    for trial, record in rows[:most]:
        mark = " (baseline)" if trial.number == 0 and progress.has_baseline else ""
        table.add_row(
            f"{trial.number}{mark}",
            progress.value(record),
            f"{record.epoch}/{trial.config.training.epochs}",
            plain(settings_text(trial.settings)),
        )
    return table


def table_of(rows: Sequence[Mapping[str, str]], *, wraps_last_only: bool = False) -> Table:
    """Table of rows that have a cell for each heading; on a narrow terminal cells are wrapped."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    heads = list(rows[0] if rows else ())
    for head in heads:
        is_whole = wraps_last_only and head != heads[-1]
        table.add_column(plain(head), no_wrap=is_whole, overflow="fold")
    for row in rows:
        table.add_row(*map(plain, row.values()))
    return table


def print_summary(progress: Progress) -> None:
    """Print the best trials of a sweep, its totals and its failures."""
    if progress.best is None:
        kept = " within search.limits" if progress.count("infeasible") else ""
        console.print(f"no trial reached a value{kept}")
    else:
        _print_best(progress, *progress.best)
    if progress.outcomes:
        console.print(_totals(progress))
    console.print()
    if progress.end is not None:
        say(progress.end)
    for limit, numbers in progress.kinds("infeasible").items():
        say(f"infeasible, beyond search.limits.{limit}: trial {', '.join(map(str, numbers))}")
    for kind, numbers in progress.kinds("failed").items():
        say(f"failed, {kind}: trial {', '.join(map(str, numbers))}", style="yellow")


def _print_best(progress: Progress, trial: Trial, record: EpochRecord) -> None:
    if progress.outcomes:
        console.print(best_table(progress))
    console.print(
        f"\nbest [bold green]{progress.value(record)}[/] in trial {trial.number}"
        + (f", {gain}" if (gain := progress.gain()) else "")
    )


def _totals(progress: Progress) -> str:
    """What the ended trials took, and how they ended."""
    epochs = sum(len(outcome.records) for _, outcome in progress.outcomes.values())
    training = sum(outcome.seconds for _, outcome in progress.outcomes.values())
    took = duration_text(progress.seconds)
    beyond = f", {count} infeasible" if (count := progress.count("infeasible")) else ""
    return (
        f"{many(epochs, 'epoch')}, {duration_text(training)} of training"
        + (f" ({took} since it went on): " if progress.earlier else f" in {took}: ")
        + f"{many(progress.count('complete'), 'trial')} complete, "
        f"{progress.count('pruned')} pruned, {progress.count('failed')} failed{beyond}"
    )


def print_retried(failed: Sequence[int], infeasible: Sequence[int]) -> None:
    """Print which trials of earlier sessions are tried again."""
    for numbers, why in ((failed, "had failed"), (infeasible, "had broken an earlier limit")):
        if numbers:
            console.print(f"tried again: trial {', '.join(map(str, numbers))}, which {why}")


def print_best_epoch(progress: Progress) -> None:
    """Print the best epoch of a single training and its objective value."""
    ((_, outcome),) = progress.outcomes.values()
    assert outcome.best is not None  # else it has failed
    console.print(
        f"best [bold green]{progress.value(outcome.best)}[/] on the validation images, in "
        f"epoch {outcome.best.epoch} of {len(outcome.records)}\n"
    )


def print_front(rows: Sequence[Mapping[str, str]]) -> None:
    """Print the Pareto front of a search with several aims, a trial a row."""
    if rows:
        console.print("the front: each is the best of all that cost no more")
        console.print(table_of(rows, wraps_last_only=True))
        console.print()


def print_findings(findings: Sequence[str]) -> None:
    """Print findings as a list, wrapped to the terminal."""
    for line in findings:
        # Not in the middle of a word: a suggested override is there to be copied.
        wrapped = textwrap.fill(
            in_one_line(line),
            max(console.width, 20),  # COLUMNS may be 0
            initial_indent="- ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        console.print(wrapped, soft_wrap=True, markup=False)


def print_files(files: Mapping[str, Path]) -> None:
    """Print where results were written, by what they are."""
    console.print()
    for name, file in files.items():
        say(f"{name}: {file}")
    console.print()


def print_next_commands(tracking: TrackingConfig, *commands: tuple[str, str]) -> None:
    """Print suggested next commands and what each is for."""
    where = [] if tracking.folder == "mlruns" else [f"tracking.folder={tracking.folder}"]
    where += [] if tracking.uri is None else [f"tracking.uri={tracking.uri}"]
    for command, why in commands:
        line = command_text(*command.split(), *where)
        console.print(Text.assemble(f"  {line}  ", (f"# {why}", "dim")), soft_wrap=True)


def print_greeting(
    study: str,
    source: str,
    progress: Progress,
    train: int,
    validation: int,
    kept: tuple[int, int] | None,
) -> None:
    """Print a sweep's header: study, number of trials and images, and trials already done.

    `kept` is as in `mnist_seq.search.study.Study`.
    """
    trials, all_done = "trials", "all of them are done"
    if progress.target == 1:
        trials, all_done = "trial", "it is done"
    console.print(
        f"[bold]{study}[/]: {progress.target_text} {trials} on {source}, "
        f"{many(train, 'image')} to train on, {validation:,} to choose by"
    )
    if kept is not None:
        inside = "lies" if kept[0] == 1 else "lie"
        console.print(
            f"the space has changed: {kept[0]} of {many(kept[1], 'earlier trial')} {inside} "
            "inside it"
        )
    ended = len(progress.outcomes)
    done = f"{ended} of them {'is' if ended == 1 else 'are'} done"
    if progress.end is not None:
        say(f"{done}, and {progress.end}; search.trials={ended + 20} adds more")
    elif ended >= progress.target:
        console.print(f"{all_done}; search.trials={ended + 20} adds more", soft_wrap=True)
    elif ended:
        console.print(f"{done}; going on")


def print_data(data: Dataset) -> None:
    """Print how the images were interpreted, and what the user may not have intended."""
    if data.description:
        say(data.description)
    for warning in data.warnings:
        say(warning, style="yellow")
