"""The tracking folder: MLflow's store, Optuna's database, checkpoints and reports."""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from mnist_seq.addresses.servers import database_address
from mnist_seq.config.commands import ChosenNetwork, ChosenRun, SweepConfig
from mnist_seq.config.settings import Objective, TrackingConfig, Values
from mnist_seq.config.validation import validate
from mnist_seq.data.digests import Digests, from_tags
from mnist_seq.driver.checkpoints import Checkpoints
from mnist_seq.driver.lock import driver_lock, is_running, running_since
from mnist_seq.driver.report_path import report_path
from mnist_seq.errors import ServerUnavailableError, StoreError, TrackingError
from mnist_seq.postgresql.database import StudyLock, holder
from mnist_seq.report.analysis import wording
from mnist_seq.search.finished_trial import FinishedTrial
from mnist_seq.search.storage import StudyStorage, is_made
from mnist_seq.search.study import Study
from mnist_seq.search.study_data import check_data, keep_data
from mnist_seq.search.study_settings import study_name
from mnist_seq.terminal.display import say
from mnist_seq.tracking.locations import follow, recorded_folder
from mnist_seq.tracking.registry import Registry
from mnist_seq.tracking.results import Experiment, Results, StoredRun
from mnist_seq.tracking.store import Store

RUN_ID_LENGTH = 32  # of MLflow's ids; a trial number is shorter


class Workspace:
    """Access to a tracking folder: MLflow's store, Optuna's database, checkpoints and reports.

    Parameters
    ----------
    tracking : TrackingConfig
        Names the folder, and an MLflow server instead of its store.
    create : bool
        Make folder and MLflow's database where there are none.

    Attributes
    ----------
    tracking : TrackingConfig
        As given.
    folder : Path
        Absolute.
    store : Store
        MLflow's, to write to.
    results : Results
        The same, to read from.

    Raises
    ------
    TrackingError
        If there is no store, or it cannot be used.
    """

    def __init__(self, tracking: TrackingConfig, *, create: bool = False) -> None:
        self.tracking = tracking
        self.store = Store.open(Path(tracking.folder), create=create, server=tracking.uri)
        self.folder = self.store.folder
        self.results = Results(self.store, say)
        self._study_lock: StudyLock | None = None
        self._places: dict[str, str] = {}  # databases on servers, by study
        if self.store.server is None:
            self._follow_folder()

    def _follow_folder(self) -> None:
        before = recorded_folder(self.store.database)
        if before is not None and before != self.folder:
            self._refuse_while_running(before)
            follow(self.store.database, self.store.artifacts)

    def open_study(self, config: SweepConfig, data: Digests) -> Study:
        """Create or resume the study of a search; the caller must hold its `lock`.

        Parameters
        ----------
        data : mapping
            Digests of the config's data.

        Raises
        ------
        ConfigError, DataError
            If the study has trials of other settings, or of other data.
        TrackingError
            If MLflow has trials of the study that Optuna's database lacks.
        """
        place = config.search.storage or self._file
        storage, *_ = self._stored_trials(study_name(config), place)
        storage = storage or StudyStorage(place)  # made only where nothing was lost
        if self._study_lock is not None:
            storage.ensure_lock = self._study_lock.ensure
        check_data(storage, config, data, self._digests_of_runs)
        study = Study(storage, config, say)
        keep_data(storage, data)
        return study

    def finished_trials(self, study: str) -> list[FinishedTrial]:
        """Read the finished trials of a study from Optuna's database, without changing it.

        Raises
        ------
        TrackingError
            If MLflow has trials of the study that it lacks.
        """
        return self._stored_trials(study)[1]

    def trials(self, study: str) -> tuple[list[FinishedTrial], dict[int, Values]]:
        """Read a study's finished trials, and the values of those that run, by number.

        Raises
        ------
        TrackingError
            If MLflow has trials of the study that Optuna's database lacks.
        """
        _, finished, running = self._stored_trials(study)
        return finished, running

    def checkpoints(self, name: str) -> Checkpoints:
        """Checkpoints of a study, or of a command that trains."""
        return Checkpoints(self.folder / "unfinished" / name)

    def lock(self, name: str, description: str) -> AbstractContextManager[None]:
        """Return a context manager that keeps other processes from running the study or command."""
        return driver_lock(self.folder / "unfinished" / name, description)

    @contextmanager
    def study_lock(self, config: SweepConfig) -> Iterator[None]:
        """Context manager that keeps others from running a study: here, and on other hosts.

        Raises
        ------
        InputError
            If another driver runs it.
        StoreError
            If its database cannot be used.
        """
        name, address = study_name(config), config.search.storage
        with self.lock(name, name):
            if address is None:
                yield
                return
            self._study_lock = StudyLock(address, name)
            try:
                yield
            finally:
                self._study_lock.release()

    def is_running(self, study: str) -> bool:
        """Whether a sweep runs the study."""
        if is_running(self.folder / "unfinished" / study):
            return True
        place = self._place(study)
        try:
            return isinstance(place, str) and holder(place, study) is not None
        except ServerUnavailableError:  # a sweep waits for it as well
            return True

    def running_since(self, study: str) -> datetime | None:
        """When the sweep that runs the study began or went on; None if that is not known."""
        place = self._place(study)
        if isinstance(place, str):
            found = holder(place, study)
            return found.since if found else None
        return running_since(self.folder / "unfinished" / study)

    def report_file(self, name: str, chosen: str | None) -> Path:
        """Return a report's path: `chosen` if given, else `name` in the reports folder.

        Raises
        ------
        StoreError
            If there is something else than a file, or `chosen` names a folder.
        """
        return report_path(self.folder, name, chosen)

    def experiment(self, study: str | None) -> Experiment:
        """The MLflow experiment of a study; of the latest if none is named."""
        return self.results.experiment(study) if study else self.results.latest_experiment()

    def find_run(self, choice: ChosenRun) -> tuple[Experiment, StoredRun]:
        """The chosen run and its experiment; by default the best trial of the latest study.

        Raises
        ------
        TrackingError
            If it is not there.
        """
        if choice.run is not None:
            chosen = self.results.run(choice.run)
            return self.results.experiment_of(chosen), chosen
        experiment = self.experiment(choice.study)
        if choice.trial is not None:
            return experiment, self._trial(experiment, choice.trial, "trial")
        complete = self.complete_trials(experiment)
        if not complete:
            raise TrackingError(f"{experiment.name} has no complete trial")
        return experiment, complete[0]

    def find_network(self, choice: ChosenNetwork) -> tuple[Experiment, StoredRun]:
        """The run with the chosen network and its experiment: a champion's, or as `find_run`.

        Raises
        ------
        TrackingError
            If it is not there.
        """
        if choice.champion is None:
            return self.find_run(choice)
        run = self.results.run(Registry(self.store).champion_run(choice.champion))
        return self.results.experiment_of(run), run

    def find_other_run(self, experiment: Experiment, named: str) -> tuple[Experiment, StoredRun]:
        """The run to compare a run of an experiment with, and the experiment of that other run.

        Parameters
        ----------
        named : str
            ``baseline`` or a trial number, of the same experiment; or the id of any run.

        Raises
        ------
        TrackingError
            If it is not there.
        """
        if named == "baseline":
            baseline = self.baseline_run(experiment)
            if baseline is None:
                raise TrackingError(
                    f"against=baseline: {experiment.name} has none; name a trial or a run id"
                )
            return experiment, baseline
        if len(named) < RUN_ID_LENGTH:
            return experiment, self._trial(experiment, int(named), "against")
        other = self.results.run(named)
        return self.results.experiment_of(other), other

    def complete_trials(self, experiment: Experiment) -> list[StoredRun]:
        """Runs of a study's complete trials, the best first."""
        objective = self.objective(experiment)
        key, sign = f"best_{objective}", 1 if objective == "validation_loss" else -1
        rated = [run for run in self.results.complete(experiment) if key in run.metrics]
        return sorted(rated, key=lambda run: run.metrics[key] * sign)

    def objective(self, experiment: Experiment) -> Objective:
        """What the trials of a study are compared by."""
        aims = self._search_settings(experiment).get("objective")
        first = aims[0] if isinstance(aims, list) and aims else aims
        return "validation_loss" if first == "validation_loss" else "validation_accuracy"

    def search_of(self, experiment: Experiment) -> SweepConfig | None:
        """Settings of the search that made an experiment; None if no search did."""
        sweeps = self.results.runs(experiment, "sweep", deleted_too=True)
        return validate(SweepConfig, self.results.config(sweeps[0].id)) if sweeps else None

    def baseline_run(self, experiment: Experiment) -> StoredRun | None:
        """The run of a study's first baseline; None if it has none."""
        if not self._search_settings(experiment).get("baselines"):
            return None
        return dict(self.results.trials(experiment)).get(0)

    def _trial(self, experiment: Experiment, number: int, setting: str) -> StoredRun:
        trials = dict(self.results.trials(experiment))
        if number not in trials:
            raise TrackingError(
                f"{setting}: no trial {number} in {experiment.name}: it has {len(trials)}"
            )
        return trials[number]

    def _search_settings(self, experiment: Experiment) -> Mapping[str, Any]:
        """The settings ``search`` of a study; empty for an experiment that is no search."""
        sweeps = self.results.runs(experiment, "sweep", deleted_too=True)
        found = self.results.config(sweeps[0].id).get("search") if sweeps else None
        return found if isinstance(found, dict) else {}

    def _digests_of_runs(self, study: str) -> list[Digests]:
        try:
            experiment = self.results.experiment(study)
        except TrackingError:  # its runs have been deleted
            return []
        return [from_tags(run.tags) for run in self.results.runs(experiment, "trial")]

    @property
    def _file(self) -> Path:
        return self.folder / "optuna.db"

    def _place(self, study: str) -> Path | str:
        """Where a study's trials are: the folder's file, or the database that its sweep has named.

        Raises
        ------
        TrackingError
            If what its run says is not an address.
        """
        if study in self._places:
            return self._places[study]
        try:
            experiment = self.results.experiment(study, deleted_too=True)
            address = self._search_settings(experiment).get("storage")
        except TrackingError:  # it has not begun, or not yet written its config
            return self._file
        if address is None:
            return self._file
        try:
            self._places[study] = database_address(str(address))
            return self._places[study]
        except ValueError as error:
            raise TrackingError(f"{study}: search.storage in its sweep's run: {error}") from error

    def _stored_trials(
        self, study: str, place: Path | str | None = None
    ) -> tuple[StudyStorage | None, list[FinishedTrial], dict[int, Values]]:
        """Optuna's database, if there is one, and the study's finished and running trials in it."""
        place = place or self._place(study)
        # First, for a trial that ends while a sweep goes on is in Optuna's database before.
        ended = self._ended_in_mlflow(study)
        storage = StudyStorage(place) if is_made(place) else None
        running, finished = {}, []
        if storage and storage.open(study):
            running = storage.running()
            finished = storage.finished()  # after: what ends between the two is in both
        known = {trial.number for trial in finished}
        if lost := set(ended) - known:
            what = "file" if isinstance(place, Path) else "database"
            raise TrackingError(
                f"{place}: lacks {len(lost)} of the {wording.many(len(ended), 'trial')} of {study} "
                f"that MLflow has; put back the {what} that belongs to them, or choose another "
                "study"
            )
        return storage, finished, {n: values for n, values in running.items() if n not in known}

    def _ended_in_mlflow(self, study: str) -> list[int]:
        experiments = [found for found in self.results.experiments() if found.study == study]
        runs = [each for found in experiments for each in self.results.trials(found)]
        known = {"complete", "pruned", "infeasible"}
        return [n for n, run in runs if run.tags.get("trial_state") in known]

    def _refuse_while_running(self, known_as: Path) -> None:
        for folder in (self.folder / "unfinished").glob("*"):
            if is_running(folder):
                raise StoreError(
                    f"{self.folder}: {folder.name} is running in it under the name {known_as}: "
                    "wait for it, or stop it"
                )


def file_name(text: str, tag: str, *, most: int = 150) -> str:
    """Return a text as a part of a file's name: letters, digits, ``-``, ``_`` and dots inside.

    Where more than blanks had to be replaced, the first letters of the `tag` tell it from others;
    of the text there are at most so many bytes.
    """
    wanted = text.replace(" ", "-")
    plain = re.sub(r"([^\w.]|\.{2,})+", "-", wanted).encode()[:most].decode(errors="ignore")
    return plain if plain == wanted else f"{plain.rstrip('-')}-{tag[:8]}"
