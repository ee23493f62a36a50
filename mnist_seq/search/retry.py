"""Tries failed trials of a study again, under their own numbers and with their own values.

Optuna has no way back from a failed trial, so the study is copied, with these trials running. The
copy counts once its settings are noted: a crash before that leaves the old one in force.
"""

from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_seq.errors import is_environmental
from mnist_seq.search.storage import StudyStorage

BRACKETS = "brackets"  # with the study: whose name its Hyperband brackets follow


def retry_failed(storage: StudyStorage, name: str, *, maximize: bool, every: bool) -> list[int]:
    """Set failed trials of the open study running again; return their numbers.

    Parameters
    ----------
    name : str
        The study's.
    every : bool
        Also those that failed for a reason of their own.
    """
    trials = storage.trials()
    again = [
        trial.number
        for trial in trials
        if trial.state == TrialState.FAIL and (every or _failed_for_a_fault(trial))
    ]
    if again:
        attributes = {BRACKETS: storage.open(name), **storage.attributes()}
        settings = attributes.pop("settings")
        storage.create_copy(name, maximize)
        for trial in trials:
            storage.add(_running(trial) if trial.number in again else trial)
        for attribute, value in attributes.items():
            storage.set_attribute(attribute, value)
        storage.set_attribute("settings", settings)
    return again


def _failed_for_a_fault(trial: FrozenTrial) -> bool:
    kind, _, detail = str(trial.user_attrs.get("reason", "")).partition(": ")
    return is_environmental(kind, detail)


def _running(trial: FrozenTrial) -> FrozenTrial:
    kept = {
        key: value for key, value in trial.user_attrs.items() if key not in {"records", "reason"}
    }
    return create_trial(
        state=TrialState.RUNNING,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs={**kept, "earlier_reason": trial.user_attrs.get("reason")},
        system_attrs=trial.system_attrs,
    )
