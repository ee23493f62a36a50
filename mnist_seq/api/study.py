"""A study with its trials, its best network and its report, from Python."""

from dataclasses import dataclass
from html import escape

import pandas as pd

from mnist_seq.api.one_call import one_call
from mnist_seq.api.trained_run import TrainedRun
from mnist_seq.config.commands import ChosenRun, ReportConfig, SweepConfig
from mnist_seq.driver.live_page import read_study
from mnist_seq.driver.report import report
from mnist_seq.driver.workspace import Workspace
from mnist_seq.driver.written_page import WrittenPage
from mnist_seq.errors import TrackingError
from mnist_seq.report.analysis import wording
from mnist_seq.report.analysis.diagnosis import diagnose
from mnist_seq.report.analysis.tables import StudyTables
from mnist_seq.report.export.frames import curves_frame, front_frame, trials_frame
from mnist_seq.terminal.progress import value_text
from mnist_seq.tracking.results import Experiment

MOST_SHOWN = 5  # trials


@dataclass(frozen=True, eq=False)
class Study:
    """A search for the best settings, with all its trials: running, stopped or ended.

    Everything is read when it is asked for, so that it is as the study is now.

    Attributes
    ----------
    name : str
        The study's.
    workspace : Workspace
        The tracking folder that it is in.
    page : WrittenPage or None
        The report that its sweep has just written.
    """

    name: str
    workspace: Workspace
    page: WrittenPage | None = None

    @property
    def trials(self) -> pd.DataFrame:
        """One row a trial: settings by their path, state, value, epochs, seconds, run id."""
        return trials_frame(self._tables)

    @property
    def curves(self) -> pd.DataFrame:
        """One row an epoch of a trial: loss and accuracy on training and validation images."""
        return curves_frame(self._tables)

    @property
    def front(self) -> pd.DataFrame:
        """Complete trials on the Pareto front, one per row, cheapest first.

        Its columns are ``trial``, the metric, ``parameters`` or ``seconds`` (of the first
        epoch), and the searched settings. With one aim it is the best trial alone.
        """
        return front_frame(self._tables)

    @property
    def config(self) -> SweepConfig:
        """The settings of its latest sweep."""
        config = self.workspace.search_of(self._experiment)
        if config is None:
            raise TrackingError(f"{self.name} is no search")
        return config

    @property
    def best(self) -> TrainedRun:
        """The best complete trial.

        Raises
        ------
        TrackingError
            If no trial is complete.
        """
        return self._run(None)

    @property
    def has_best(self) -> bool:
        """Whether a trial is complete."""
        return bool(self.workspace.complete_trials(self._experiment))

    def trial(self, number: int) -> TrainedRun:
        """One of the trials, by its number.

        Raises
        ------
        TrackingError
            If there is none.
        """
        return self._run(number)

    def _run(self, number: int | None) -> TrainedRun:
        _, run = self.workspace.find_run(ChosenRun(study=self.name, trial=number, run=None))
        return TrainedRun(self.workspace, run)

    @property
    def findings(self) -> tuple[str, ...]:
        """What the study shows, the most consequential first, each a sentence or two."""
        return tuple(finding.text for finding in diagnose(self._tables))

    def report(self, file: str | None = None) -> WrittenPage:
        """Write what was found as one HTML page; a notebook shows it.

        Parameters
        ----------
        file : str, optional
            Where; by default among the tracking folder's reports.
        """
        tracking = self.workspace.tracking
        config = ReportConfig(study=self.name, follow=False, file=file, tracking=tracking)
        with one_call(progress=False):
            return report(config)

    @property
    def _experiment(self) -> Experiment:
        return self.workspace.experiment(self.name)

    @property
    def _tables(self) -> StudyTables:
        return read_study(self.workspace, self.name).progress.tables

    def _lines(self, tables: StudyTables) -> list[str]:
        counts = tables.trials["state"].value_counts()
        states = ", ".join(f"{count} {state}" for state, count in counts.items())
        lines = [f"{self.name}: {wording.many(len(tables.trials), 'trial')} ({states})"]
        if (best := tables.best) is not None:
            lines.append(f"best {value_text(best.value, tables.objective)}, trial {best.number}")
        return lines

    def _best_trials(self, tables: StudyTables) -> pd.DataFrame:
        shown = ["number", "value", "best_epoch", *tables.space]
        return tables.contenders[shown].head(MOST_SHOWN).convert_dtypes()

    def __repr__(self) -> str:
        tables = self._tables
        return "\n".join([*self._lines(tables), self._best_trials(tables).to_string(index=False)])

    def _repr_html_(self) -> str:
        tables = self._tables
        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines(tables))
        return lines + str(self._best_trials(tables).to_html(index=False, na_rep=""))
