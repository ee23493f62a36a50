"""Train an earlier run's config again, compare the curves, and score the test images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mnist_seq.config.commands import RerunConfig
from mnist_seq.config.settings import Config, Objective, value_at
from mnist_seq.config.validation import settings
from mnist_seq.driver.fixed_trials import FixedTrials, trained
from mnist_seq.driver.ranking import RankedConfig, order_lines, ranking_rows
from mnist_seq.driver.register import RegisteredNetwork, register
from mnist_seq.driver.retrainings import RetrainingPlan, find_runs, retrainings
from mnist_seq.driver.scores import (
    RESULTS_FILE,
    Scores,
    difference_line,
    luck_line,
    score_networks,
)
from mnist_seq.driver.session import Session, data_of, open_session
from mnist_seq.driver.workspace import Workspace
from mnist_seq.records import EpochRecord
from mnist_seq.report.analysis import wording
from mnist_seq.terminal.display import console, plain, say
from mnist_seq.terminal.progress import Progress, settings_text, value_text
from mnist_seq.terminal.summary import (
    best_table,
    print_data,
    print_files,
    print_next_commands,
    table_of,
)
from mnist_seq.tracking.provenance import changes, provenance
from mnist_seq.tracking.registry import serve_command
from mnist_seq.tracking.results import Experiment, Results
from mnist_seq.tracking.trial_recorder import TrialRecorder


@dataclass(frozen=True)
class RetrainedConfig:
    """A config that was trained again: what was planned, and how its networks did.

    Attributes
    ----------
    plan : RetrainingPlan
        The earlier run, and the configs that were trained.
    run_ids : tuple of str
        MLflow's, one for each seed.
    verdict : str
        Whether the earlier curve was reproduced; empty where it need not be.
    scores : Scores
        On the test images.
    fresh : list of float
        Validation accuracies of all seeds but the first.
    """

    plan: RetrainingPlan
    run_ids: tuple[str, ...]
    verdict: str
    scores: Scores
    fresh: list[float]


@dataclass(frozen=True)
class RerunResult:
    """All configs that a rerun has trained.

    Attributes
    ----------
    study : str
        Of the earlier runs.
    retrained : tuple of RetrainedConfig
        Those that were asked for, the best first, and at the end the baseline's if it was not.
    registered : RegisteredNetwork or None
        The network that went into MLflow's registry, if one was to.
    """

    study: str
    retrained: tuple[RetrainedConfig, ...]
    registered: RegisteredNetwork | None


def rerun(config: RerunConfig, command: str) -> RerunResult:
    """Train configs of earlier runs again and print the results, with one seed or several.

    Where the config names a registered model, the confirmed network becomes a version of it.

    Raises
    ------
    TrackingError
        If there are no such runs.
    DataError
        If their images have changed, or their files are not there.
    TrainingError
        If a training failed.
    StoppedError
        If the user stopped it; the same command goes on.
    """
    workspace = Workspace(config.tracking)
    experiment, sources = find_runs(workspace, config)
    plans = retrainings(workspace, experiment, sources, config)
    first = plans[0].configs[0]
    trials = FixedTrials(
        [each for plan in plans for each in plan.configs],
        [each for plan in plans for each in plan.values],
        [each for plan in plans for each in plan.tags],
    )
    progress = Progress(trials.left, first.training.monitor, has_baseline=False)
    _print_greeting(experiment, plans)
    data = data_of(first)
    print_data(data)
    tags = provenance(command, data.digests, first.seed).tags
    with (
        open_session(workspace, config.workers) as session,
        trained(workspace, session, experiment.study, "rerun", trials, progress, tags) as recorder,
    ):
        ended = [_retrained(session, recorder, trials, plan, tags) for plan in plans]
        chosen = [each for each in ended if each.plan.is_chosen]
        if len(chosen) == 1:
            console.print(best_table(progress))
        for each in chosen:
            _print_result(workspace, experiment, each, ended)
        if len(chosen) > 1:
            _print_ranking(chosen, workspace.objective(experiment))
        registered = _registered(workspace, session, config, chosen[0], data.class_names)
    _print_answers(workspace.results, chosen)
    if registered is not None:
        print_next_commands(
            workspace.tracking,
            (f"predict image=a.png champion={registered.name}", "read with the champion"),
        )
        say(f"  {serve_command(workspace.store, registered.name)}  # answer over HTTP with it")
    return RerunResult(experiment.study, tuple(ended), registered)


def _registered(
    workspace: Workspace,
    session: Session,
    config: RerunConfig,
    each: RetrainedConfig,
    class_names: Sequence[str],
) -> RegisteredNetwork | None:
    """Register the confirmed network and say so, if it was asked for."""
    if config.register_as is None:
        return None
    session.tracker.flush()
    registered = register(
        workspace,
        config.register_as,
        each.run_ids,
        each.plan.configs[0].training.monitor,
        each.scores,
        class_names,
        force=config.force,
    )
    say(registered.verdict)
    return registered


def _retrained(
    session: Session,
    recorder: TrialRecorder,
    trials: FixedTrials,
    plan: RetrainingPlan,
    tags: Mapping[str, str],
) -> RetrainedConfig:
    """Compare the first curve with the earlier one and score all networks."""
    outcomes, verdict = trials.of(plan.numbers), ""
    number, *others = plan.numbers
    if plan.is_chosen and not plan.changed:
        since = changes(plan.source.tags, {**tags, **session.worker_tags()})
        verdict = compare_curves(plan.curve, outcomes[number].records, since)
        recorder.run(number).tags({"reproduced": verdict})
    scores = score_networks(session, recorder, outcomes, plan.configs[0])
    bests = [outcomes[other].best for other in others]
    run_ids = tuple(recorder.run(number).created.result() for number in plan.numbers)
    fresh = [best.validation_accuracy for best in bests if best]
    return RetrainedConfig(plan, run_ids, verdict, scores, fresh)


def _print_greeting(experiment: Experiment, plans: Sequence[RetrainingPlan]) -> None:
    chosen = [plan for plan in plans if plan.is_chosen]
    names = ", ".join(plain(plan.source.name) for plan in chosen)
    seeds = wording.many(len(plans[0].configs), "seed")
    console.print(
        f"[bold]{plain(experiment.name)}[/]: {names} again, with {seeds}"
        + (", and the baseline" if len(plans) > len(chosen) else "")
    )
    for plan in chosen:
        if plan.changed:
            whose = f"{plan.source.name}, " if len(chosen) > 1 else ""
            say(f"{whose}changed: {plan.changed}")


def _print_result(
    workspace: Workspace,
    experiment: Experiment,
    each: RetrainedConfig,
    ended: Sequence[RetrainedConfig],
) -> None:
    """Print what the networks of one config have reached, beside the baseline's."""
    chosen = [other for other in ended if other.plan.is_chosen]
    console.print(f"\n[bold]{plain(each.plan.source.name)}[/]" if len(chosen) > 1 else "")
    lines = [plain(each.verdict)] if each.verdict else []
    lines.append(each.scores.line("test accuracy"))
    has_seeds = len(each.scores.accuracies) > 1
    baseline = next((other for other in ended if other.plan.is_baseline), None)
    if baseline is None or not has_seeds:
        lines += [] if each.plan.changed else _baseline_line(workspace, experiment, each.plan)
    elif baseline is not each:
        if each is ended[0] and not baseline.plan.is_chosen:
            lines.append(baseline.scores.line("the baseline's"))
        lines.append(difference_line(each.scores, baseline.scores))
    if has_seeds:
        together = f"{100 * each.scores.ensemble:.2f} %"
        networks = f"all {len(each.scores.accuracies)} networks"
        lines.append(f"{networks}, mean of their probabilities: {together}")
        source, objective = each.plan.source, workspace.objective(experiment)
        value = source.metrics.get("best_validation_accuracy")
        was_chosen = source.role == "trial" and objective == "validation_accuracy"
        if was_chosen and not each.plan.changed and value is not None:
            lines.append(luck_line(value, each.fresh))
    for line in lines:
        console.print(line, soft_wrap=True)


def _print_ranking(chosen: Sequence[RetrainedConfig], objective: Objective) -> None:
    """Print a table of all configs, and whether the search's order held."""
    first = [each.plan.configs[0] for each in chosen]
    paths = [path for path in settings(Config) if len({value_at(c, path) for c in first}) > 1]
    ranked = [
        RankedConfig(
            each.plan.source.name,
            value_text(each.plan.source.metrics[f"best_{objective}"], objective),
            settings_text({path: value_at(each.plan.configs[0], path) for path in paths}),
            each.scores,
        )
        for each in chosen
    ]
    console.print()
    console.print(table_of(ranking_rows(ranked), wraps_last_only=True))
    console.print()
    for line in order_lines(ranked):
        say(line)


def _print_answers(results: Results, chosen: Sequence[RetrainedConfig]) -> None:
    files = {}
    for each in chosen:
        name = f"each answer of {each.plan.source.name}" if len(chosen) > 1 else "each answer"
        files[name] = results.file(each.run_ids[0], RESULTS_FILE)
    print_files(files)


def compare_curves(
    old: Sequence[EpochRecord], new: Sequence[EpochRecord], changed: Sequence[str]
) -> str:
    """Describe whether a learning curve reproduces an earlier one; `changed` may be why not."""
    if not old:
        return "nothing to compare: the earlier run has no curve"
    if len(new) < len(old):
        return f"not reproduced: {wording.many(len(new), 'epoch')} instead of {len(old)}"
    pairs = list(zip(old, new, strict=False))
    if all(a.same_curve(b) for a, b in pairs):
        return f"reproduced exactly: {wording.every(len(old), 'epoch')}, to the last bit"
    first = next(a.epoch for a, b in pairs if not a.same_curve(b))
    widest = max(abs(a.validation_accuracy - b.validation_accuracy) for a, b in pairs)
    return (
        f"not reproduced exactly: differs from epoch {first} on, by at most "
        f"{100 * widest:.2f} points of validation accuracy; "
        f"since then {'; '.join(changed) or 'neither code, libraries nor machine have changed'}"
    )


def _baseline_line(workspace: Workspace, experiment: Experiment, plan: RetrainingPlan) -> list[str]:
    """How far the trial was above the study's baseline in the search; none for the baseline."""
    baseline, metric = workspace.baseline_run(experiment), "best_validation_accuracy"
    if baseline is None or baseline.id == plan.source.id:
        return []
    if metric not in baseline.metrics.keys() & plan.source.metrics.keys():
        return []
    base, best = 100 * baseline.metrics[metric], 100 * plan.source.metrics[metric]
    return [
        f"validation accuracy {best:.2f} %, {best - base:+.2f} points against "
        f"the baseline's {base:.2f} %"
    ]
