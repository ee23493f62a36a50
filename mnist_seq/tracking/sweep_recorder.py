"""Record a sweep in MLflow: its own run, and the experiment's description."""

import time
from typing import get_args

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.search import Dimension
from mnist_seq.records import Callback, FinalState, Trial, TrialOutcome
from mnist_seq.report.analysis import wording
from mnist_seq.terminal.progress import Progress, settings_text
from mnist_seq.tracking.provenance import Provenance
from mnist_seq.tracking.runs import LAST_STARTED
from mnist_seq.tracking.tracker import Tracker
from mnist_seq.tracking.trial_recorder import EarlierRun
from mnist_seq.tracking.views import trials_view


class SweepRecorder(Callback):
    """Callback that writes the sweep's own run and updates the experiment's description.

    Parameters
    ----------
    progress : Progress
        How far the search is; told of each trial before this callback.
    validation_images : int
        How many images the trials are compared by.
    earlier : EarlierRun or None
        The sweep's run, where an earlier session opened it.
    """

    def __init__(
        self,
        tracker: Tracker,
        experiment_id: str,
        study: str,
        config: SweepConfig,
        progress: Progress,
        provenance: Provenance,
        validation_images: int,
        earlier: EarlierRun | None,
    ) -> None:
        self._tracker, self._experiment_id = tracker, experiment_id
        self._config, self._progress = config, progress
        if earlier:
            self.run = tracker.reopen(earlier.id)
        else:
            search = config.search
            params = {"search.sampler": search.sampler, "search.pruner": search.pruner}
            self.run = tracker.start(experiment_id, "sweep", "sweep", params, {"study": study})
        self.run.tags({LAST_STARTED: str(round(1000 * time.time()))})
        self._facts = {**provenance.tags, "validation_images": str(validation_images)}
        self.run.tags(self._facts)
        self.run.config(config.model_dump())
        if provenance.diff:
            self.run.artifact("uncommitted.diff", provenance.diff)
        tracker.prepare_view(
            experiment_id, trials_view(config.search.metric, list(config.search.space))
        )
        self._describe()

    def on_trial_end(self, _trial: Trial, _outcome: TrialOutcome) -> None:
        """Update the experiment's description with the search's progress."""
        self._describe()

    def on_trial_refused(self, _trial: Trial, _outcome: TrialOutcome) -> None:
        """Update the experiment's description: the trial counts, but has no run."""
        self._describe()

    def finish(self, is_complete: bool) -> None:
        """Close the sweep's run with the totals."""
        progress = self._progress
        self._describe()
        # Tags, not metrics: the sweep is no bar among its trials' bars.
        totals = {f"trials_{state}": str(progress.count(state)) for state in get_args(FinalState)}
        # The facts once more: somebody may have edited them in MLflow, and the report reads them.
        self.run.tags({**self._facts, **totals, "wall_seconds": f"{progress.seconds:.0f}"})
        if progress.best is not None:
            trial, record = progress.best
            self.run.tags({"best_trial": str(trial.number), "best": progress.value(record)})
        self.run.finish("FINISHED" if is_complete else "KILLED")

    def _describe(self) -> None:
        text = experiment_description(self._config, self._progress)
        self._tracker.describe(self._experiment_id, text)


def experiment_description(config: SweepConfig, progress: Progress) -> str:
    """Experiment description in Markdown: progress, best trial and search space."""
    counts = [f"{n} {state}" for state in get_args(FinalState) if (n := progress.count(state))]
    trials = wording.agreeing(progress.target, "trial", "trials")
    first = f"**{len(progress.outcomes)} of {progress.target_text} {trials}**"
    first += f" ({', '.join(counts)})" if counts else ""
    lines = [first]
    if progress.best is not None:
        trial, record = progress.best
        gain = f", {gain}" if (gain := progress.gain()) else ""
        # MLflow shows only the first line until it is unfolded.
        lines = [f"{first}: best **{progress.value(record)}** in trial {trial.number}{gain}"]
        lines.append(f"Trial {trial.number}: {settings_text(trial.settings)}")
    rows = [_row(path, dimension) for path, dimension in config.search.space.items()]
    table = ["| searched | values | |", "| --- | --- | --- |", *rows]
    return "\n\n".join([*lines, "\n".join(table)])


def _row(path: str, dimension: Dimension) -> str:
    """Markdown table row for one search dimension: path, values, condition."""
    return f"| `{path}` | {wording.dimension(dimension)} | {wording.condition(dimension)} |"
