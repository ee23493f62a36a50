"""Train variations of an earlier run's config, and say what each hyperparameter does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config.commands import SensitivityConfig, SweepConfig
from mnist_seq.config.settings import Config, Objective, Values, scalar_text, value_at
from mnist_seq.config.validation import validate, with_values
from mnist_seq.data.digests import TRAINED_ON
from mnist_seq.driver.checkpoints import write_atomically
from mnist_seq.driver.fixed_trials import FixedTrials, trained
from mnist_seq.driver.report import sweep_run_of
from mnist_seq.driver.run_data import config_with_data
from mnist_seq.driver.session import data_of, open_session
from mnist_seq.driver.study_tables import study_tables
from mnist_seq.driver.workspace import Workspace, file_name
from mnist_seq.driver.written_page import WrittenPage
from mnist_seq.errors import ConfigError, StoppedError, in_one_line
from mnist_seq.records import TrialOutcome, best_of
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.measured_interaction import interaction
from mnist_seq.report.analysis.predictions import Prediction, prediction
from mnist_seq.report.analysis.sensitivity import (
    Measurements,
    ResponseCurve,
    response_curve,
    values_csv,
)
from mnist_seq.report.pages.sensitivity import Analysis, render_sensitivity
from mnist_seq.search.space import Space, is_active
from mnist_seq.search.trials import finished_trials
from mnist_seq.search.variations import Variations, variations
from mnist_seq.terminal.display import console, plain, say
from mnist_seq.terminal.progress import Progress
from mnist_seq.terminal.summary import print_data, print_files, print_findings, table_of
from mnist_seq.tracking.provenance import DECIDING, changes, provenance
from mnist_seq.tracking.results import Experiment, Results, StoredRun
from mnist_seq.tracking.tracker import Tracker

PAGE_FILE, VALUES_FILE = "sensitivity.html", "sensitivity.csv"
FACTS = ("data_digest", *DECIDING)


@dataclass(frozen=True)
class SensitivityResult:
    """What was measured around the config of an earlier run.

    Attributes
    ----------
    study : str
        The run's.
    source : StoredRun
        The run.
    analysis : Analysis
        Response curves, pairs and what they say.
    page : WrittenPage
        The same as a page.
    """

    study: str
    source: StoredRun
    analysis: Analysis
    page: WrittenPage

    @property
    def findings(self) -> tuple[str, ...]:
        """A sentence for each hyperparameter and each pair."""
        return self.page.findings


def sensitivity(config: SensitivityConfig, command: str) -> SensitivityResult:
    """Train variations of an earlier run's config; print and write what each hyperparameter does.

    Raises
    ------
    ConfigError
        If there is nothing to vary, or a value is not possible.
    TrackingError
        If there is no such run.
    DataError
        If its images have changed, or their files are not there.
    TrainingError
        If all trainings of the chosen config have failed.
    StoppedError
        If the user stopped it; the same command goes on.
    """
    workspace = Workspace(config.tracking)
    experiment, source = workspace.find_run(config)
    name = file_name(f"{experiment.study}-{source.name}", source.id)
    page = workspace.report_file(f"{name}-sensitivity.html", config.file)
    search = workspace.search_of(experiment)
    chosen = config_with_data(workspace.results, source, config.data, TRAINED_ON)
    plan = _plan(workspace, experiment, search, chosen, config)
    data = data_of(chosen)
    tags = {**provenance(command, data.digests, chosen.seed).tags, "varied_from": source.id}
    if config.workers.scheduler is not None:  # what was trained there has the tags of its workers
        with open_session(workspace, config.workers) as session:
            tags |= session.worker_tags()
            if session.is_stopped():
                raise StoppedError
    trials = _trials(plan, config.seeds, _trained_before(workspace.results, experiment, tags))
    _print_greeting(experiment, source, plan, config.seeds, trials)
    print_data(data)
    objective = search.search.metric if search else chosen.training.monitor
    _train(workspace, experiment, config, trials, objective, tags)

    values_NR = _values(trials.outcomes, len(plan.configs), config.seeds, objective)
    measured = Measurements(objective, len(data.validation), values_NR)
    curves = [response_curve(measured, path, points) for path, points in plan.curves.items()]
    grids = plan.grids.items()
    analysis = Analysis(
        in_one_line(f"{experiment.name}, {source.name}"),
        {path: value_at(chosen, path) for path in plan.curves},
        measured,
        sorted(curves, key=lambda curve: -curve.effect[0]),
        _predictions(workspace, experiment, source, search, curves) if search else {},
        [interaction(measured, pair, grid.first, grid.second, grid.rows) for pair, grid in grids],
        command,
        {name: tags[name] for name in FACTS if name in tags},
    )
    console.print(table_of(analysis.rows))
    print_findings(analysis.findings)
    _write(workspace, source, page, analysis, plan)
    written = WrittenPage(page, tuple(analysis.findings))
    return SensitivityResult(experiment.study, source, analysis, written)


def _plan(
    workspace: Workspace,
    experiment: Experiment,
    search: SweepConfig | None,
    chosen: Config,
    config: SensitivityConfig,
) -> Variations:
    """Plan the configs to train; newly active settings take values from the best trials."""
    space = search.search.space if search else {}
    usual = _usual_values(workspace.complete_trials(experiment), space)
    plan = variations(chosen, space, usual, config.values, config.pairs)
    _check_images(plan)
    return plan


def _train(
    workspace: Workspace,
    experiment: Experiment,
    config: SensitivityConfig,
    trials: FixedTrials,
    objective: Objective,
    tags: Mapping[str, str],
) -> None:
    """Train what is left of the trials and wait until all of it is stored."""
    if not trials.left:
        return
    progress = Progress(len(trials.outcomes) + trials.left, objective, has_baseline=False)
    for trial in trials.done:
        progress.restore(trial, trials.outcomes[trial.number])
    study = experiment.study
    with (
        open_session(workspace, config.workers) as session,
        trained(workspace, session, study, "sensitivity", trials, progress, tags),
    ):
        pass  # what they have reached is looked at once all of it is there


def _usual_values(complete: list[StoredRun], space: Space) -> Values:
    """Of each conditional hyperparameter, the value in the best trial in which it was active."""
    usual: Values = {}
    for run in reversed(complete):
        usual |= {
            path: run.params[path]
            for path, dimension in space.items()
            if dimension.when and path in run.params and is_active(dimension, run.params)
        }
    return usual


def _check_images(plan: Variations) -> None:
    """Raise a ConfigError if a variation cannot be compared on the same validation images."""
    known = data_of(plan.configs[0]).digests["validation"]
    for config, changed in zip(plan.configs, plan.changes, strict=True):
        if config.data.train_on != "train":
            raise ConfigError(
                "data.train_on: must be train: results are compared on the validation images "
                f"(got {config.data.train_on})"
            )
        if data_of(config).digests["validation"] != known:
            path = next(path for path in changed if path.startswith("data."))
            raise ConfigError(
                f"values.{path}: with {scalar_text(changed[path])} the validation images are "
                "others, so the results cannot be compared"
            )


def _trained_before(
    results: Results, experiment: Experiment, tags: Mapping[str, str]
) -> dict[Config, TrialOutcome]:
    """Outcomes of trainings by the same code, on the same machine and data, by their config."""
    known = {}
    for _, run in results.trials(experiment, "sensitivity"):
        is_complete = run.status == "FINISHED" and run.tags.get("trial_state") == "complete"
        same_data = run.tags.get("data_digest") == tags["data_digest"]
        if is_complete and same_data and not changes(run.tags, tags):
            config = validate(Config, results.config(run.id))
            records = results.curve(run.id)
            best = best_of(records, config.training.monitor)
            known[config] = TrialOutcome("complete", records, best)
    return known


def _trials(plan: Variations, seeds: int, before: Mapping[Config, TrialOutcome]) -> FixedTrials:
    """Each config with each seed: the first seed of all, then the second, and so on."""
    first = _first_seed(plan)
    configs, values, labels = [], [], []
    for seed in range(first, first + seeds):
        for config, changed in zip(plan.configs, plan.changes, strict=True):
            configs.append(with_values(config, {"seed": seed}))
            values.append({**changed, "seed": seed})
            setting = ", ".join(map(scalar_text, changed.values()))
            label = {"hyperparameter": ", ".join(changed) or "none", "setting": setting or "chosen"}
            labels.append(label)
    done = {n: before[config] for n, config in enumerate(configs) if config in before}
    return FixedTrials(configs, values, labels, done)


def _first_seed(plan: Variations) -> int:
    """The one after the chosen config's own, with which by luck it may have been chosen."""
    return plan.configs[0].seed + 1


def _print_greeting(
    experiment: Experiment, source: StoredRun, plan: Variations, seeds: int, trials: FixedTrials
) -> None:
    curves = wording.many(len(plan.curves), "hyperparameter")
    what = [f"{curves}, one at a time"] if plan.curves else []
    what += [wording.many(len(plan.grids), "pair")] if plan.grids else []
    console.print(
        f"[bold]{plain(experiment.name)}[/]: around {plain(source.name)}, {' and '.join(what)}: "
        f"{len(plan.configs)} configs, {wording.many(seeds, 'seed')} each",
        soft_wrap=True,
    )
    if trials.outcomes:
        done = len(trials.outcomes)
        trainings = wording.many(done + trials.left, "training")
        kept = f"{done} of {trainings} {wording.agreeing(done, 'is', 'are')} done"
        console.print(kept + ("; going on" if trials.left else ""))


def _values(
    outcomes: Mapping[int, TrialOutcome], configs: int, seeds: int, objective: Objective
) -> NDArray[np.float64]:
    """What each config has reached with each seed, shape (configs, seeds); NaN where it failed."""
    values_NR = np.full((configs, seeds), np.nan)
    for number, outcome in outcomes.items():
        seed, place = divmod(number, configs)
        if outcome.state == "complete" and outcome.best is not None:
            values_NR[place, seed] = getattr(outcome.best, objective)
    return values_NR


def _predictions(
    workspace: Workspace,
    experiment: Experiment,
    source: StoredRun,
    search: SweepConfig,
    curves: Sequence[ResponseCurve],
) -> dict[str, Prediction]:
    """What the study had predicted of each curve, if it is its best trial that was varied."""
    tables = study_tables(
        experiment.study,
        search,
        finished_trials(search, workspace.finished_trials(experiment.study)),
        dict(workspace.results.trials(experiment)),
        sweep_run_of(workspace.results, experiment),
    )
    if tables.best is None or (source.role, source.number) != ("trial", tables.best.number):
        return {}
    found = {curve.path: prediction(tables, curve) for curve in curves}
    return {path: each for path, each in found.items() if each is not None}


def _write(
    workspace: Workspace, source: StoredRun, page: Path, analysis: Analysis, plan: Variations
) -> None:
    """Write the page, and attach it to the run that was varied, with the values as a table."""
    html = render_sensitivity(analysis)
    write_atomically(page, html.encode())
    with Tracker(workspace.store, warn=say) as tracker:
        tracker.attach(source.id, PAGE_FILE, html)
        table = values_csv(analysis.measured, plan.changes, _first_seed(plan))
        tracker.attach(source.id, VALUES_FILE, table)
    values = workspace.results.file(source.id, VALUES_FILE)
    print_files({"page": page.resolve(), "each value, in the MLflow run": values})
