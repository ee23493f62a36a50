"""Record trials in MLflow: one run per training, not nested, related by tags."""

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from mnist_seq.config.settings import Config, value_at
from mnist_seq.data.dataset import Dataset
from mnist_seq.data.digests import TRAINED_ON, as_tags
from mnist_seq.records import Callback, EpochRecord, FinalState, Trial, TrialOutcome
from mnist_seq.report.pages.curves import curves_picture
from mnist_seq.search.limits import trained_parameters
from mnist_seq.tracking.results import Results, StoredRun
from mnist_seq.tracking.runs import Run
from mnist_seq.tracking.tracker import Role, Tracker
from mnist_seq.tracking.views import VIEWS

# The project's own five, shown as columns even where they are not searched.
MAIN_SETTINGS = (
    "model.units",
    "model.return_sequences",
    "training.learning_rate",
    "training.batch_size",
    "training.epochs",
)
EXAMPLE_IMAGES = 5


@dataclass(frozen=True)
class EarlierRun:
    """A run opened by an earlier session, and the number of its epochs in the store.

    `is_again` is whether its trial had failed or was infeasible, and is tried again.
    """

    id: str
    epochs: int
    is_again: bool = False


def earlier_runs(
    results: Results, experiment: str, role: Role, tags: Mapping[str, str], keep: Set[int]
) -> dict[int, EarlierRun]:
    """Runs of earlier sessions to continue, by trial number; the latest of several.

    Parameters
    ----------
    experiment : str
        Its name in MLflow.
    tags : mapping
        Which the runs have.
    keep : set of int
        Numbers of trials to go on with even where their run looks finished.

    Raises
    ------
    TrackingError
        If there is no such experiment, or the store cannot be read.
    """
    found, where = {}, results.experiment(experiment)
    # A sweep's own run is the one that is no trial.
    sweeps = [(0, run) for run in results.runs(where, "sweep")] if role == "sweep" else []
    for number, run in sweeps or results.trials(where, role):
        is_open = run.status not in {"FINISHED", "FAILED"}
        if tags.items() <= run.tags.items() and (is_open or number in keep):
            is_again = run.status == "FAILED" or run.tags.get("trial_state") == "infeasible"
            found[number] = EarlierRun(run.id, len(results.curve(run.id)), is_again)
    return found


def label_again(
    tracker: Tracker,
    runs: Iterable[tuple[int, StoredRun]],
    finished: Iterable[tuple[Trial, TrialOutcome]],
) -> None:
    """Relabel the runs of trials that changed limits have made infeasible, or feasible again.

    Parameters
    ----------
    runs
        The runs of a study's trials, by number.
    finished
        Its trials that have ended, as they are now.
    """
    now = {trial.number: outcome for trial, outcome in finished}
    for number, run in runs:
        if number not in now or run.status != "FINISHED":
            continue
        before, state = run.tags.get("trial_state"), now[number].state
        if before != state and "infeasible" in (before, state):
            reason = now[number].reason or ""
            name = state_name("trial", number, state)
            tracker.label(run.id, {"trial_state": state, "mlflow.runName": name, "reason": reason})


def state_name(role: Role, number: int, state: FinalState) -> str:
    """Name of a trial's run, which tells apart in MLflow's lists how the trial ended."""
    return f"{role} {number}" if state == "complete" else f"{role} {number} ({state})"


@dataclass
class TrialRecorder(Callback):
    """Callback that writes each trial to its own MLflow run, or continues an earlier run.

    Attributes
    ----------
    data_of : callable
        The dataset that a config names: its class names and some images go with the model.
    tags : mapping
        What all runs have in common: the study, the command.
    earlier : mapping
        Runs to go on with, by trial number.
    stored : callable
        Told the number of a trial when all of it is in the store.
    searched : collection of str
        Settings that are params of each run, also where they are not active: MLflow leaves a run
        that lacks one out of its parallel coordinates.
    tags_of : callable
        The tags of one trial's run, by its number.
    """

    tracker: Tracker
    experiment_id: str
    role: Role
    data_of: Callable[[Config], Dataset]
    tags: Mapping[str, str]
    earlier: Mapping[int, EarlierRun]
    stored: Callable[[int], None]
    searched: Collection[str] = ()
    tags_of: Callable[[int], Mapping[str, str]] = lambda _: {}
    _runs: dict[int, Run] = field(default_factory=dict, init=False)
    # Of each trial that is not over: how many are in the store, or on their way to it.
    _epochs: dict[int, int] = field(default_factory=dict, init=False)

    def run(self, number: int) -> Run:
        """The run of a trial that this session has started."""
        return self._runs[number]

    def first_run(self) -> Run:
        """The run of the trial that this session has started first."""
        return next(iter(self._runs.values()))

    def on_trial_start(self, trial: Trial) -> None:
        """Start or reopen the trial's run; a new run gets its settings and full config."""
        if not self._runs and self.role in VIEWS:
            self.tracker.prepare_view(self.experiment_id, VIEWS[self.role])
        known = self.earlier.get(trial.number)
        digests = as_tags(self.data_of(trial.config).digests)  # a search may go over data settings
        name = f"{self.role} {trial.number}"
        if known is not None:
            run = self.tracker.reopen(known.id)
            run.tags(digests)
            if known.is_again:  # its name and its reason say how it had ended
                run.tags({"mlflow.runName": name, "reason": ""})
        else:
            paths = (*MAIN_SETTINGS, *self.searched)
            params = {path: value_at(trial.config, path) for path in paths} | trial.settings
            tags = {**self.tags, **digests, "trial_number": str(trial.number)}
            tags |= self.tags_of(trial.number)
            run = self.tracker.start(self.experiment_id, name, self.role, params, tags)
            run.config(trial.config.model_dump())
            self._name_data(run, trial.config, trial.config.data.train_file, TRAINED_ON)
        self._runs[trial.number] = run
        self._epochs[trial.number] = known.epochs if known else 0

    def name_test_images(self, number: int, config: Config) -> None:
        """Name the test images among the data of a trial's run."""
        self._name_data(self._runs[number], config, config.data.test_file, ("test",))

    def _name_data(
        self, run: Run, config: Config, file: str | None, parts: Collection[str]
    ) -> None:
        file = file or config.data.folder
        name = Path(file).absolute().name if file else config.data.source
        digests = self.data_of(config).part_digests
        run.datasets(name, file or name, {part: digests[part] for part in parts})

    def on_epoch_end(self, trial: Trial, record: EpochRecord) -> None:
        """Log the epoch's metrics unless they are already logged."""
        if record.epoch > self._epochs[trial.number]:
            self._runs[trial.number].epoch(record)
            self._epochs[trial.number] = record.epoch

    def on_trial_end(self, trial: Trial, outcome: TrialOutcome) -> None:
        """Store best values, curves, model and final state, then end the run."""
        run = self._runs[trial.number]
        for record in outcome.records:  # all there, unless an earlier session was killed
            self.on_epoch_end(trial, record)
        run.tags({"trial_state": outcome.state})
        if outcome.state != "complete":
            run.tags({"mlflow.runName": state_name(self.role, trial.number, outcome.state)})
        if outcome.reason:
            run.tags({"reason": outcome.reason})
        # Those of an infeasible trial would stand among the best in MLflow's lists.
        if outcome.best is not None and outcome.state != "infeasible":
            run.metrics(
                {
                    "best_validation_accuracy": outcome.best.validation_accuracy,
                    "best_validation_loss": outcome.best.validation_loss,
                    "trained_epochs_to_best": outcome.best.epoch,
                    "trained_epochs": len(outcome.records),
                    "trained_seconds": outcome.seconds,
                }
            )
            run.artifact("curves.svg", lambda: curves_picture(outcome.records))
        if outcome.state == "pruned":
            run.metrics({"trained_parameters": trained_parameters(trial.config)})
        if outcome.result is not None:
            data = self.data_of(trial.config)
            run.metrics({"trained_parameters": outcome.result.parameters})
            run.artifact("model.keras", outcome.result.model)
            run.model(
                outcome.result.model,
                data.pixel_format.pixels(data.validation.images_NSF[:EXAMPLE_IMAGES]),
                data.class_names,
                {"data_digest": data.digest},
            )
        run.finish("FAILED" if outcome.state == "failed" else "FINISHED")
        run.when_stored(lambda: self.stored(trial.number))
        del self._epochs[trial.number]

    def interrupt(self) -> None:
        """Mark the runs that are not over as killed; the same command goes on with them."""
        for number in self._epochs:
            self._runs[number].finish("KILLED")
