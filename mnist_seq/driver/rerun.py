"""Train an earlier run's config again, compare the curves, and score the test images."""

from collections.abc import Mapping, Sequence

from mnist_seq.config import Config, RerunConfig, Values
from mnist_seq.driver.fixed_trials import FixedTrials, trained
from mnist_seq.driver.run_data import config_with_data
from mnist_seq.driver.scores import (
    RESULTS_FILE,
    Scores,
    difference_line,
    luck_line,
    score_networks,
)
from mnist_seq.driver.session import data_of, open_session
from mnist_seq.driver.workspace import Workspace
from mnist_seq.records import EpochRecord, TrialOutcome
from mnist_seq.terminal.display import console, plain
from mnist_seq.terminal.progress import Progress
from mnist_seq.terminal.summary import best_table, print_data, print_files
from mnist_seq.tracking.provenance import changes, provenance
from mnist_seq.tracking.results import Experiment, Results, RunInfo
from mnist_seq.validation import validate, with_values


def rerun(config: RerunConfig, command: str) -> None:
    """Train the config of an earlier run again and print the results, with one seed or several.

    Raises
    ------
    TrackingError
        If there is no such run.
    DataError
        If its images have changed, or their files are not there.
    TrainingError
        If a training failed.
    StoppedError
        If the user stopped it; the same command goes on.
    """
    workspace = Workspace(config.tracking)
    results = workspace.results
    experiment, source = workspace.find_run(config)
    first = config_with_data(results, source, config.data)
    curve = results.curve(source.id)
    ours = [with_values(first, {"seed": first.seed + n}) for n in range(config.seeds)]
    theirs = _of_baseline(workspace, experiment, source, ours) if config.baseline else []
    values: list[Values] = [{"seed": each.seed} for each in ours]
    values += [{"seed": each.seed, "baseline": True} for each in theirs]
    trials = FixedTrials([*ours, *theirs], values)
    progress = Progress(len(ours) + len(theirs), first.training.monitor, has_baseline=False)
    console.print(
        f"[bold]{plain(experiment.name)}[/]: {plain(source.name)} again, "
        f"with {config.seeds} seed(s)" + (", and the baseline" if theirs else "")
    )
    data = data_of(first)
    print_data(data)
    tags = {**provenance(command, data.digests, first.seed).tags, "rerun_of": source.id}
    with (
        open_session(workspace, config.workers) as session,
        trained(workspace, session, experiment.study, "rerun", trials, progress, tags) as recorder,
    ):
        verdict = compare_curves(curve, trials.outcomes[0].records, changes(source.tags, tags))
        recorder.run(0).tags({"reproduced": verdict})
        scores = score_networks(session, recorder, trials.first(len(ours)), first)
        lines = [plain(verdict), scores.line("test accuracy")]
        if theirs:
            others = trials.last(len(theirs))
            baseline = score_networks(session, recorder, others, theirs[0])
            lines += [baseline.line("the baseline's"), difference_line(scores, baseline)]
        lines += _what_seeds_show(source, scores, trials.first(len(ours)))
        if not theirs:
            lines += _baseline_line(results, experiment, source)
        _print_results(progress, *lines)
    answers = results.files(recorder.run(0).created.result()) / RESULTS_FILE
    print_files({"each answer": answers})


def _of_baseline(
    workspace: Workspace, experiment: Experiment, source: RunInfo, ours: Sequence[Config]
) -> list[Config]:
    """The configs of the study's baseline with the same seeds; none for a single one."""
    run = workspace.baseline_run(experiment)
    if run is None or run.id == source.id or len(ours) < 2:
        return []
    config = validate(Config, workspace.results.config(run.id))
    data = ours[0].data
    moved = {"data.train_file": data.train_file, "data.test_file": data.test_file}
    return [with_values(config, {**moved, "seed": our.seed}) for our in ours]


def _what_seeds_show(
    source: RunInfo, scores: Scores, outcomes: Mapping[int, TrialOutcome]
) -> list[str]:
    """Sentences on the networks of several seeds together; none for a single one."""
    if len(scores.accuracies) < 2:
        return []
    together = 100 * scores.ensemble
    lines = [
        f"all {len(scores.accuracies)} networks, mean of their probabilities: {together:.2f} %"
    ]
    fresh = [o.best.validation_accuracy for n, o in sorted(outcomes.items()) if n and o.best]
    chosen = source.metrics.get("best_validation_accuracy")
    if source.role == "trial" and chosen is not None:
        lines.append(luck_line(chosen, fresh))
    return lines


def _print_results(progress: Progress, *lines: str) -> None:
    console.print(best_table(progress))
    console.print()
    for line in lines:
        console.print(line, soft_wrap=True)


def compare_curves(
    old: Sequence[EpochRecord], new: Sequence[EpochRecord], changed: Sequence[str]
) -> str:
    """Describe whether a learning curve reproduces an earlier one; `changed` may be why not."""
    if not old:
        return "nothing to compare: the earlier run has no curve"
    if len(new) < len(old):
        return f"not reproduced: {len(new)} epochs instead of {len(old)}"
    pairs = list(zip(old, new, strict=False))
    if all(a.same_curve(b) for a, b in pairs):
        return f"reproduced exactly: all {len(old)} epochs, to the last bit"
    first = next(a.epoch for a, b in pairs if not a.same_curve(b))
    widest = max(abs(a.validation_accuracy - b.validation_accuracy) for a, b in pairs)
    return (
        f"not reproduced exactly: differs from epoch {first} on, by at most "
        f"{100 * widest:.2f} points of validation accuracy; "
        f"since then {'; '.join(changed) or 'neither code, libraries nor machine have changed'}"
    )


def _baseline_line(results: Results, experiment: Experiment, source: RunInfo) -> list[str]:
    metric = "best_validation_accuracy"
    for number, trial in results.trials(experiment):
        if number == 0 and metric in trial.metrics.keys() & source.metrics.keys():
            base, best = 100 * trial.metrics[metric], 100 * source.metrics[metric]
            return [
                f"validation accuracy {best:.2f} %, {best - base:+.2f} points against "
                f"the baseline's {base:.2f} %"
            ]
    return []
