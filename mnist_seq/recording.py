"""What is written in MLflow: a run of its own for each training, flat, linked by tags."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mnist_seq.config import Choices, Config, SweepConfig
from mnist_seq.data.dataset import Dataset
from mnist_seq.display import Board, number, shown
from mnist_seq.provenance import Provenance
from mnist_seq.records import Ending, EpochRecord
from mnist_seq.report.curves import curves_picture
from mnist_seq.roles import Trial
from mnist_seq.space import value_at
from mnist_seq.tracking.run import Run
from mnist_seq.tracking.tracker import Role, Tracker

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
    """A run that an earlier session opened, and how many epochs it has in the store."""

    id: str
    epochs: int


@dataclass
class _Open:
    run: Run
    epochs: int  # in the store, or on their way to it
    is_over: bool = False


class Recorder:
    """Writes each trial to its MLflow run; goes on with the runs of an earlier session.

    Parameters
    ----------
    tracker : Tracker
        Where the runs are.
    experiment : str
        The id of the MLflow experiment.
    role : str
        What the runs are: trial, training or rerun.
    data_of : callable
        The dataset that a config names: its class names and some images go with the model.
    tags : mapping
        What all runs have in common: the study, the command.
    earlier : mapping
        Runs to go on with, by trial number.
    stored : callable
        Told the number of a trial when all of it is in the store.
    """

    def __init__(
        self,
        tracker: Tracker,
        experiment: str,
        role: Role,
        data_of: Callable[[Config], Dataset],
        tags: Mapping[str, str],
        earlier: Mapping[int, EarlierRun],
        stored: Callable[[int], None],
    ) -> None:
        self._tracker, self._experiment, self._role = tracker, experiment, role
        self._data_of, self._tags = data_of, dict(tags)
        self._earlier, self._stored = earlier, stored
        self._open: dict[int, _Open] = {}

    def run(self, number: int) -> Run:
        """The run of a trial of this session."""
        return self._open[number].run

    def started(self, trial: Trial) -> None:
        """Open the trial's run, with its values and its whole config."""
        if trial.number in self._earlier:
            known = self._earlier[trial.number]
            self._open[trial.number] = _Open(self._tracker.reopen(known.id), known.epochs)
            return
        shown = {path: value_at(trial.config, path) for path in MAIN_SETTINGS}
        run = self._tracker.start(
            self._experiment,
            f"{self._role} {trial.number}",
            self._role,
            {**shown, **trial.values},
            {**self._tags, "trial_number": str(trial.number)},
        )
        run.config(trial.config.model_dump())
        self._open[trial.number] = _Open(run, 0)

    def epoch(self, trial: Trial, record: EpochRecord) -> None:
        """Add a point to the run's curves, unless it is there."""
        entry = self._open[trial.number]
        if record.epoch > entry.epochs:
            entry.run.epoch(record)
            entry.epochs = record.epoch

    def ended(self, trial: Trial, ending: Ending) -> None:
        """Close the run: best values, picture, network, how it ended."""
        entry = self._open[trial.number]
        run = entry.run
        for record in ending.records:  # all there, unless an earlier session was killed
            self.epoch(trial, record)
        run.tags({"trial_state": ending.state})
        if ending.state != "complete":  # told apart at a glance in MLflow's lists
            run.tags({"mlflow.runName": f"{self._role} {trial.number} ({ending.state})"})
        if ending.reason:
            run.tags({"reason": ending.reason})
        if ending.best is not None:
            run.metrics(
                {
                    "best_validation_accuracy": ending.best.validation_accuracy,
                    "best_validation_loss": ending.best.validation_loss,
                    "trained_epochs_to_best": ending.best.epoch,
                    "trained_epochs": len(ending.records),
                    "trained_seconds": ending.seconds,
                }
            )
            run.artifact("curves.svg", lambda: curves_picture(ending.records))
        if ending.result is not None:
            data = self._data_of(trial.config)
            run.metrics({"trained_parameters": ending.result.parameters})
            run.artifact("model.keras", ending.result.model)
            run.model(
                ending.result.model,
                data.validation.images_NSF[:EXAMPLE_IMAGES],
                data.class_names,
                {"data_digest": data.digest},
            )
        run.finish("FAILED" if ending.state == "failed" else "FINISHED")
        run.then(lambda: self._stored(trial.number))
        entry.is_over = True

    def interrupt(self) -> None:
        """Mark the runs that are not over; the same command goes on with them."""
        for entry in self._open.values():
            if not entry.is_over:
                entry.run.finish("KILLED")

    def message(self, text: str) -> None:
        """Nothing: messages are for the display."""


class SweepRecorder:
    """Writes what belongs to the whole search: the sweep's own run, the experiment's description.

    Parameters
    ----------
    board : Board
        Knows how far the search is.
    validation_images : int
        How many images the trials are compared by.
    earlier : EarlierRun or None
        The sweep's run, where an earlier session opened it.
    """

    def __init__(
        self,
        tracker: Tracker,
        experiment: str,
        study: str,
        config: SweepConfig,
        board: Board,
        provenance: Provenance,
        validation_images: int,
        earlier: EarlierRun | None,
    ) -> None:
        self._tracker, self._experiment = tracker, experiment
        self._config, self._board = config, board
        self.run = (
            tracker.reopen(earlier.id)
            if earlier
            else tracker.start(
                experiment,
                "sweep",
                "sweep",
                {"search.sampler": config.search.sampler, "search.pruner": config.search.pruner},
                {"study": study},
            )
        )
        self.run.tags({**provenance.tags, "validation_images": str(validation_images)})
        self.run.config(config.model_dump())
        if provenance.diff:
            self.run.artifact("uncommitted.diff", provenance.diff)
        self._describe()

    def started(self, trial: Trial) -> None:
        """Nothing: a trial that starts has a run of its own."""

    def epoch(self, trial: Trial, record: EpochRecord) -> None:
        """Nothing: the curve is on the trial's run."""

    def ended(self, _trial: Trial, _ending: Ending) -> None:
        """Say how far the search is."""
        self._describe()

    def message(self, text: str) -> None:
        """Nothing: messages are for the display."""

    def finish(self, is_complete: bool) -> None:
        """Close the sweep's run with the totals."""
        board = self._board
        self._describe()
        # Tags, not metrics: the sweep is no bar among its trials' bars.
        states = ("complete", "pruned", "failed")
        totals = {f"trials_{state}": str(board.count(state)) for state in states}
        self.run.tags({**totals, "wall_seconds": f"{board.seconds:.0f}"})
        if board.best is not None:
            trial, record = board.best
            self.run.tags({"best_trial": str(trial.number), "best": board.value(record)})
        self.run.finish("FINISHED" if is_complete else "KILLED")

    def _describe(self) -> None:
        self._tracker.describe(self._experiment, description(self._config, self._board))


def description(config: SweepConfig, board: Board) -> str:
    """Markdown above the experiment's runs: what is searched, how far it is, the best so far."""
    states = ("complete", "pruned", "failed")
    counts = ", ".join(f"{n} {state}" for state in states if (n := board.count(state)))
    first = f"**{len(board.endings)} of {board.target} trials**" + (
        f" ({counts})" if counts else ""
    )
    lines = [first]
    if board.best is not None:
        trial, record = board.best
        gain = f", {gain}" if (gain := board.gain()) else ""
        # MLflow shows only the first line until it is unfolded.
        lines = [f"{first}: best **{board.value(record)}** in trial {trial.number}{gain}"]
        lines.append(f"Trial {trial.number}: {shown(trial.values)}")
    searched = ["| searched | values | |", "| --- | --- | --- |"]
    for path, dimension in config.search.space.items():
        when = ", ".join(f"{parent}={number(value)}" for parent, value in dimension.when.items())
        if isinstance(dimension, Choices):
            values = ", ".join(number(choice) for choice in dimension.choices)
        else:
            values = f"{number(dimension.low)} to {number(dimension.high)}"
            values += ", log scale" if dimension.log else ""
            values += f", step {number(dimension.step)}" if dimension.step else ""
        searched.append(f"| `{path}` | {values} | {f'where {when}' if when else ''} |")
    return "\n\n".join([*lines, "\n".join(searched)])
