"""Train a fixed list of configs without a search, as the train and rerun commands do."""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from mnist_seq.config.settings import Config, Values
from mnist_seq.driver.session import Session, data_of
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import StoppedError
from mnist_seq.records import EpochRecord, Trial, TrialOutcome
from mnist_seq.terminal.progress import Progress
from mnist_seq.tracking.system_metrics import system_metrics
from mnist_seq.tracking.tracker import Role
from mnist_seq.tracking.trial_recorder import TrialRecorder, earlier_runs


class FixedTrials:
    """Trial source with a fixed list of configs, which are never pruned.

    Parameters
    ----------
    configs : sequence of Config
        What is trained.
    values : sequence of dict, optional
        What tells each of them from the others, in tables and MLflow.
    tags : sequence of dict, optional
        Of the MLflow run of each.
    done : mapping of int to TrialOutcome, optional
        What is known already, by number; it is not trained again.

    Attributes
    ----------
    done : list of Trial
        Those that are known already.
    outcomes : dict of int to TrialOutcome
        How those that have ended did, by number.
    digest : str
        12 hexadecimal digits, the same for the same configs.
    """

    def __init__(
        self,
        configs: Sequence[Config],
        values: Sequence[Values] = (),
        tags: Sequence[Mapping[str, str]] = (),
        done: Mapping[int, TrialOutcome] = MappingProxyType({}),
    ) -> None:
        trials = [
            Trial(n, config, values[n] if values else {}, prunable=False)
            for n, config in enumerate(configs)
        ]
        self.done = [trial for trial in trials if trial.number in done]
        self._waiting = [trial for trial in trials if trial.number not in done]
        self._tags = tags
        self.outcomes = dict(done)
        text = "\n".join(config.model_dump_json(exclude_defaults=True) for config in configs)
        self.digest = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    @property
    def left(self) -> int:
        """How many are still to be trained."""
        return len(self._waiting)

    def tags(self, number: int) -> Mapping[str, str]:
        """Tags of the MLflow run of a trial."""
        return self._tags[number] if self._tags else {}

    def of(self, numbers: Iterable[int]) -> dict[int, TrialOutcome]:
        """Outcomes of some of the configs, by number."""
        return {number: self.outcomes[number] for number in numbers}

    def recover(self, outcomes: Mapping[int, TrialOutcome]) -> list[Trial]:
        """Take over the outcomes of an earlier session and return their trials."""
        known = [trial for trial in self._waiting if trial.number in outcomes]
        self._waiting = [trial for trial in self._waiting if trial.number not in outcomes]
        self.outcomes |= {trial.number: outcomes[trial.number] for trial in known}
        return known

    def next(self) -> Trial | None:
        """Return the next trial to train, or None if none is left."""
        return self._waiting.pop(0) if self._waiting else None

    def report(self, trial: Trial, best: EpochRecord, epoch: int) -> None:
        """Do nothing: fixed trials are not compared with each other."""

    def pop_refused(self) -> list[tuple[Trial, TrialOutcome]]:
        """Return none: all configs are valid."""
        return []

    def broken_limit(self, _trial: Trial, _records: Sequence[EpochRecord]) -> None:
        """Return None: fixed trials have no limits."""

    def should_prune(self, _trial: Trial, _epoch: int) -> bool:
        """Return False: fixed trials are never pruned."""
        return False

    def finish(self, trial: Trial, outcome: TrialOutcome) -> None:
        """Note how a trial ended."""
        self.outcomes[trial.number] = outcome


@contextlib.contextmanager
def trained(
    workspace: Workspace,
    session: Session,
    experiment: str,
    role: Role,
    trials: FixedTrials,
    progress: Progress,
    tags: Mapping[str, str],
) -> Iterator[TrialRecorder]:
    """Context manager: train all trials, or resume an earlier session of the same command.

    Their results are used in the block: until it is left in good order, the same command trains
    nothing again but what failed.

    Raises
    ------
    DataError
        If an earlier session has trained on other images.
    StoppedError
        If the user stopped it; all states are saved.
    """
    name = f"{experiment}-{role}-{trials.digest}"
    checkpoints = workspace.checkpoints(name)
    experiment_id = session.tracker.experiment(experiment)
    mark = {"unfinished": trials.digest}
    of_this_data = {**mark, "data_digest": tags["data_digest"]}
    kept = checkpoints.outcomes().keys()
    earlier = earlier_runs(workspace.results, experiment, role, of_this_data, kept)

    def on_stored(number: int) -> None:
        if trials.outcomes[number].state == "failed":
            checkpoints.delete(number)

    with workspace.lock(name, f"this {role}"):
        recorder = TrialRecorder(
            session.tracker,
            experiment_id,
            role,
            data_of,
            {**tags, **session.worker_tags(), **mark},
            earlier,
            on_stored,
            tags_of=trials.tags,
        )
        load = system_metrics(workspace.tracking, recorder.first_run)
        if not session.run(trials, recorder, checkpoints, progress, *load):
            raise StoppedError
        session.tracker.flush()  # or a server that is away would hold up what asks for runs
        yield recorder
        session.tracker.flush()
        checkpoints.delete_from(0)
