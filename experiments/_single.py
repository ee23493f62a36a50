"""Trainings that no search asked for: one of the user's own, or a trial's once more."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from experiments._chosen import find_run
from experiments._data import data_of, test_images
from experiments._session import (
    Session,
    earlier_runs,
    next_commands,
    open_session,
)
from mnist_seq import metrics
from mnist_seq.config import Config, RerunConfig, TrainConfig
from mnist_seq.data.dataset import Part
from mnist_seq.display import Board, best_table, console
from mnist_seq.errors import TrackingError, TrainingError
from mnist_seq.lock import only_driver
from mnist_seq.provenance import changes, provenance
from mnist_seq.recording import Recorder
from mnist_seq.records import Ending, EpochRecord
from mnist_seq.report.drawing import standalone
from mnist_seq.report.inside.answers import draw_confusion, results_csv
from mnist_seq.roles import Trial
from mnist_seq.space import with_values
from mnist_seq.tracking.results import Results, RunInfo, Study
from mnist_seq.tracking.run import Run
from mnist_seq.tracking.tracker import Role
from mnist_seq.training import predict
from mnist_seq.validation import validate

RESULTS_FILE, CONFUSION_FILE = "test_results.csv", "test_confusion.svg"


class FixedTrials:
    """Configs that are known beforehand, each trained to its end."""

    def __init__(self, configs: Sequence[Config]) -> None:
        self._waiting = [Trial(n, config, {}, prunable=False) for n, config in enumerate(configs)]
        self.endings: dict[int, Ending] = {}
        text = "\n".join(config.model_dump_json() for config in configs)
        self.digest = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    def left_behind(self, endings: Mapping[int, Ending]) -> list[Trial]:
        """Trials that an earlier session finished without coming to tell it everywhere."""
        known = [trial for trial in self._waiting if trial.number in endings]
        self._waiting = [trial for trial in self._waiting if trial.number not in endings]
        self.endings |= endings
        return known

    def next(self) -> Trial | None:
        """The next config."""
        return self._waiting.pop(0) if self._waiting else None

    def is_hopeless(self, _trial: Trial, _best: EpochRecord, _epoch: int) -> bool:
        """Never: nothing competes with it."""
        return False

    def end(self, trial: Trial, ending: Ending) -> None:
        """Keep how it ended."""
        self.endings[trial.number] = ending


def train_once(config: TrainConfig, command: str) -> None:
    """Train as configured, in a run of the experiment of that name."""
    plain = with_values(config, {})
    data = data_of(plain)
    board = Board(1, config.training.monitor, has_baseline=False)
    trials = FixedTrials([plain])
    with open_session(config.workers, config.tracking) as session:
        source = provenance(command, data.digest, config.seed)
        with _trained(session, config.name, "training", trials, board, source.tags) as recorder:
            ending = trials.endings[0]
            if ending.best is None or ending.state == "failed":
                raise TrainingError(ending.reason or "no epoch was finished")
            console.print(
                f"best [bold green]{board.value(ending.best)}[/] on the validation images, in "
                f"epoch {ending.best.epoch} of {len(ending.records)}\n"
            )
    next_commands(
        config.tracking,
        (f"ui study={config.name}", "its curves"),
        (f"rerun run={recorder.run(0).id}", "train it again, and score the test images"),
    )


def train_again(config: RerunConfig, command: str) -> None:
    """Train the config of an earlier run once more, compare the curves, score the test images."""
    results = Results(config.tracking)
    study, source = find_run(results, config)
    first = validate(Config, results.config(source.id))
    data = data_of(first)
    if source.tags.get("data_digest", data.digest) != data.digest:
        raise TrackingError(f"{source.name}: its images have changed since it was trained")
    curve = results.curve(source.id)
    trials = FixedTrials(
        [with_values(first, {"seed": first.seed + n}) for n in range(config.seeds)]
    )
    board = Board(config.seeds, first.training.monitor, has_baseline=False)
    console.print(f"[bold]{study.name}[/]: {source.name} again, with {config.seeds} seed(s)")
    with open_session(config.workers, config.tracking) as session:
        tags = {**provenance(command, data.digest, first.seed).tags, "rerun_of": source.id}
        with _trained(session, study.name, "rerun", trials, board, tags) as recorder:
            verdict = compare_curves(curve, trials.endings[0].records, changes(source.tags, tags))
            recorder.run(0).tags({"reproduced": verdict})
            test = test_images(first)
            scores = _score(session, recorder, trials.endings, test, data.class_names)
            console.print(best_table(board))
            console.print(f"\n{verdict}")
            console.print(_score_line(scores, len(test)), soft_wrap=True)
            console.print(_baseline_line(results, study, source), soft_wrap=True)
            kept = results.files(recorder.run(0).created.result())
            console.print(f"each answer: {kept / RESULTS_FILE}", soft_wrap=True, markup=False)


def _score(
    session: Session,
    recorder: Recorder,
    endings: Mapping[int, Ending],
    test: Part,
    names: tuple[str, ...],
) -> list[float]:
    """Accuracy of each network on the test images, noted with its run."""
    scores = []
    for number, ending in sorted(endings.items()):
        if ending.result is None:
            raise TrainingError(ending.reason or "no epoch was finished")
        answers = session.workers.call(predict, ending.result.model, test.images_NSF)
        predicted_N = answers.argmax(axis=1)
        scores.append(metrics.accuracy(predicted_N, test.labels_N))
        recorder.run(number).metrics({"test_accuracy": scores[-1]})
        _keep_answers(recorder.run(number), predicted_N, test.labels_N, names)
    return scores


def _keep_answers(
    run: Run, predicted_N: metrics.Labels, labels_N: metrics.Labels, names: tuple[str, ...]
) -> None:
    """Keep the answer to each test image, and what is taken for what, with a run."""
    counts_KK = metrics.confusion_matrix(predicted_N, labels_N, len(names))
    run.artifact(RESULTS_FILE, results_csv(predicted_N, labels_N, names))
    run.artifact(CONFUSION_FILE, standalone(draw_confusion(counts_KK, names).picture or ""))


@contextlib.contextmanager
def _trained(
    session: Session,
    experiment: str,
    role: Role,
    trials: FixedTrials,
    board: Board,
    tags: Mapping[str, str],
) -> Iterator[Recorder]:
    """Train them all, or go on with what an earlier session of the same command left.

    What is made of them is made in the block: until it is left in good order, the same command
    trains nothing again but what failed.
    """
    name = f"{experiment}-{role}-{trials.digest}"
    checkpoints = session.checkpoints(name)
    experiment_id = session.tracker.experiment(experiment)
    mark = {"unfinished": trials.digest}
    earlier = earlier_runs(session.tracking, experiment, role, mark, checkpoints.endings().keys())

    def stored(number: int) -> None:
        if trials.endings[number].state == "failed":
            checkpoints.forget(number)

    with only_driver(session.folder / "unfinished" / name, f"this {role}"):
        recorder = Recorder(
            session.tracker, experiment_id, role, data_of, {**tags, **mark}, earlier, stored
        )
        session.run(trials, recorder, checkpoints, board)
        yield recorder
        session.tracker.flush()
        checkpoints.forget_from(0)


def compare_curves(
    old: Sequence[EpochRecord], new: Sequence[EpochRecord], changed: Sequence[str]
) -> str:
    """Whether a curve is that of an earlier training, in words.

    Parameters
    ----------
    old : sequence of EpochRecord
        As far as the earlier training got.
    new : sequence of EpochRecord
        Must be as long at least.
    changed : sequence of str
        What may be why, where they differ.
    """
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
    mean, spread = 100 * np.mean(scores), 100 * np.std(scores, ddof=1)
    each = ", ".join(f"{100 * score:.2f}" for score in scores)
    return (
        f"test accuracy [bold green]{mean:.2f} ± {spread:.2f} %[/], mean and standard deviation of "
        f"{len(scores)} seeds ({each}); {images} images alone leave ± {error:.2f}"
    )


def _baseline_line(results: Results, study: Study, source: RunInfo) -> str:
    metric = "best_validation_accuracy"
    for trial in results.runs(study, "trial"):
        if trial.tags.get("trial_number") == "0" and metric in trial.metrics:
            base, best = 100 * trial.metrics[metric], 100 * source.metrics[metric]
            return (
                f"validation accuracy {best:.2f} %, {best - base:+.2f} points against "
                f"the baseline's {base:.2f} %"
            )
    return ""
