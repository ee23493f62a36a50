"""Put studies beside each other: print what they say, and write it as a page."""

import string
from hashlib import blake2b

from mnist_seq.config.commands import CompareConfig, SweepConfig
from mnist_seq.config.search import SearchConfig
from mnist_seq.config.settings import Scalar, flatten, scalar_text
from mnist_seq.config.validation import validate
from mnist_seq.data.digests import from_tags
from mnist_seq.driver.live_page import read_study
from mnist_seq.driver.report import sweep_run_of, write_page
from mnist_seq.driver.workspace import Workspace, file_name
from mnist_seq.driver.written_page import WrittenPage
from mnist_seq.errors import TrackingError
from mnist_seq.report.analysis.study_comparison import ComparedStudy, findings, said
from mnist_seq.report.pages.studies import render_studies, results
from mnist_seq.terminal.display import console, say
from mnist_seq.terminal.summary import print_files, print_findings, table_of
from mnist_seq.tracking.results import Experiment

# Of the search's settings, those that say nothing of how its trials were chosen.
NOT_COMPARED = {"space", "baselines", "timeout", "retries", "max_failures"}


def compare_studies(config: CompareConfig, command: str) -> WrittenPage:
    """Print what studies say beside each other, and write it as a page.

    Raises
    ------
    TrackingError
        If there is no such study, or two names are those of one.
    StoreError
        If the page cannot be written; what the studies say has been printed.
    """
    workspace = Workspace(config.tracking)
    if config.studies is None:
        experiments = workspace.results.latest_experiments(2)
    else:
        experiments = [workspace.experiment(name) for name in config.studies]
    _refuse_the_same(experiments)
    names = "-against-".join(experiment.study for experiment in experiments)
    tag = blake2b(names.encode(), digest_size=4).hexdigest()
    page = workspace.report_file(f"{file_name(names, tag)}.html", config.file)
    studies = [
        _compared(workspace, experiment, letter)
        for experiment, letter in zip(experiments, string.ascii_uppercase, strict=False)
    ]
    for study in studies:
        say(f"{study.letter}: {study.tables.name}")
    letters = [study.letter for study in studies]
    rows = [
        {"": name, **dict(zip(letters, texts, strict=True))}
        for name, texts in results(studies).items()
    ]
    console.print(table_of(rows))
    lines = findings(studies)
    print_findings(lines)
    for path, texts in said(studies).items():
        say(f"{path}, all else as in the best trial of each:")
        print_findings([f"{letter}: {text}" for letter, text in zip(letters, texts, strict=True)])
    write_page(page, render_studies(studies, command))
    print_files({"page": page})
    return WrittenPage(page, tuple(lines))


def _refuse_the_same(experiments: list[Experiment]) -> None:
    for place, experiment in enumerate(experiments):
        if experiment.id in {other.id for other in experiments[:place]}:
            raise TrackingError(
                f"studies: {experiment.name} is named twice, by its earlier name too"
            )


def _compared(workspace: Workspace, experiment: Experiment, letter: str) -> ComparedStudy:
    tables = read_study(workspace, experiment.study).ended
    sweep = sweep_run_of(workspace.results, experiment)
    search = validate(SweepConfig, workspace.results.config(sweep.id)).search
    # Of the best trial itself: a search may go over settings of the data.
    runs = dict(workspace.results.trials(experiment))
    run = runs.get(tables.best.number, sweep) if tables.best else sweep
    return ComparedStudy(letter, tables, _search(search), from_tags(run.tags))


def _search(search: SearchConfig) -> dict[str, Scalar]:
    """How a study was searched, as plain values by path."""
    baselines = "; ".join(
        ", ".join(f"{path}={scalar_text(value, 3)}" for path, value in own.items())
        or "as configured"
        for own in search.baselines
    )
    own = flatten({"search": search.model_dump(exclude=NOT_COMPARED)})
    return {**own, "search.baselines": baselines or "none"}
