"""Tries ended trials of a study again, under their own numbers and with their own values.

Optuna has no way back from a trial that has ended, so the study is copied, with these trials
running. The copy counts once its settings are noted: a crash before that leaves the old one in
force.
"""

from collections.abc import Collection, Sequence

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_seq.errors import is_environmental
from mnist_seq.search.aims import COSTS
from mnist_seq.search.finished_trial import INFEASIBLE
from mnist_seq.search.storage import StudyStorage

BRACKETS = "brackets"  # with the study: whose name its Hyperband brackets follow


def failed_trials(storage: StudyStorage, *, every: bool) -> list[int]:
    """Numbers of the failed trials that are to be tried again.

    Parameters
    ----------
    every : bool
        Also those that failed for a reason of their own.
    """
    return [
        trial.number
        for trial in storage.trials()
        if trial.state == TrialState.FAIL and (every or _failed_for_a_fault(trial))
    ]


def retry(
    storage: StudyStorage, name: str, again: Collection[int], directions: Sequence[StudyDirection]
) -> None:
    """Set ended trials of the open study, whose name is `name`, running again."""
    if again:
        trials = storage.trials()
        attributes = {BRACKETS: storage.open(name), **storage.attributes()}
        settings = attributes.pop("settings")
        storage.create_copy(name, directions)
        for trial in trials:
            storage.add(_running(trial) if trial.number in again else trial)
        for attribute, value in attributes.items():
            storage.set_attribute(attribute, value)
        storage.set_attribute("settings", settings)


def _failed_for_a_fault(trial: FrozenTrial) -> bool:
    kind, _, detail = str(trial.user_attrs.get("reason", "")).partition(": ")
    return is_environmental(kind, detail)


def _running(trial: FrozenTrial) -> FrozenTrial:
    ending = {"records", "reason", INFEASIBLE, COSTS}
    kept = {key: value for key, value in trial.user_attrs.items() if key not in ending}
    return create_trial(
        state=TrialState.RUNNING,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs={**kept, "earlier_reason": trial.user_attrs.get("reason")},
        system_attrs=trial.system_attrs,
    )
