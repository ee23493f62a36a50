"""Train an earlier run's config again, compare the curves, and score the test images."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

from mnist_seq import metrics
from mnist_seq.config import Config, RerunConfig
from mnist_seq.data.load import test_split
from mnist_seq.driver.fixed_trials import FixedTrials, trained
from mnist_seq.driver.run_data import config_with_data
from mnist_seq.driver.session import Session, data_of, open_session
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import TrainingError, in_one_line
from mnist_seq.network.network_file import check_network_file
from mnist_seq.network.training import predict
from mnist_seq.records import EpochRecord, TrialOutcome
from mnist_seq.report.figures.drawing import standalone
from mnist_seq.report.inside.answers import draw_confusion, results_csv
from mnist_seq.terminal.display import console, plain
from mnist_seq.terminal.progress import Progress
from mnist_seq.terminal.summary import best_table, print_data, print_files
from mnist_seq.tracking.provenance import changes, provenance
from mnist_seq.tracking.results import Experiment, Results, RunInfo
from mnist_seq.tracking.runs import Run
from mnist_seq.tracking.trial_recorder import TrialRecorder
from mnist_seq.validation import with_values

RESULTS_FILE, CONFUSION_FILE = "test_results.csv", "test_confusion.svg"


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
    seeds = [with_values(first, {"seed": first.seed + n}) for n in range(config.seeds)]
    trials = FixedTrials(seeds)
    progress = Progress(config.seeds, first.training.monitor, has_baseline=False)
    console.print(
        f"[bold]{plain(experiment.name)}[/]: {plain(source.name)} again, "
        f"with {config.seeds} seed(s)"
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
        scores = _score(session, recorder, trials.outcomes, first)
        _print_results(
            progress,
            plain(verdict),
            _score_line(scores, len(test_split(first.data))),
            *_baseline_line(results, experiment, source),
        )
    answers = results.files(recorder.run(0).created.result()) / RESULTS_FILE
    print_files({"each answer": answers})


def _print_results(progress: Progress, *lines: str) -> None:
    console.print(best_table(progress))
    console.print()
    for line in lines:
        console.print(line, soft_wrap=True)


def _score(
    session: Session, recorder: TrialRecorder, outcomes: Mapping[int, TrialOutcome], config: Config
) -> list[float]:
    """Return the test accuracy of each network and log it to the network's MLflow run."""
    test, data = test_split(config.data), data_of(config)
    pixels_NSF = data.pixel_format.pixels(test.images_NSF)
    names = tuple(map(in_one_line, data.class_names))
    scores = []
    for number, outcome in sorted(outcomes.items()):
        if outcome.result is None:
            raise TrainingError(outcome.reason or "no epoch was finished")
        rows, pixels = test.images_NSF.shape[1:]
        check_network_file(outcome.result.model, config.model, (rows, pixels), len(names))
        probabilities_NK = session.workers.call(predict, outcome.result.model, pixels_NSF)
        predicted_N = probabilities_NK.argmax(axis=1)
        scores.append(metrics.accuracy(predicted_N, test.labels_N))
        recorder.run(number).metrics({"test_accuracy": scores[-1]})
        _keep_answers(recorder.run(number), predicted_N, test.labels_N, data.class_names)
    return scores


def _keep_answers(
    run: Run, predicted_N: metrics.Labels, labels_N: metrics.Labels, names: tuple[str, ...]
) -> None:
    """Log the prediction for each test image and the confusion matrix to a run."""
    counts_KK = metrics.confusion_matrix(predicted_N, labels_N, len(names))
    run.artifact(RESULTS_FILE, results_csv(predicted_N, labels_N, names))
    run.artifact(CONFUSION_FILE, standalone(draw_confusion(counts_KK, names).picture or ""))


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


def _score_line(scores: Sequence[float], images: int) -> str:
    error = 100 * metrics.accuracy_standard_error(scores[0], images)
    if len(scores) == 1:
        return (
            f"test accuracy [bold green]{100 * scores[0]:.2f} %[/] "
            f"(± {error:.2f}: the standard error of {images} images)"
        )
    each = ", ".join(f"{100 * score:.2f}" for score in scores)
    return (
        f"test accuracy [bold green]{100 * mean(scores):.2f} ± {100 * stdev(scores):.2f} %[/], "
        f"mean and standard deviation of {len(scores)} seeds ({each}); "
        f"{images} images alone leave ± {error:.2f}"
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
