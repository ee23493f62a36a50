"""A trial that has ended, as a study's database has it."""

from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from mnist_seq.config.settings import Values
from mnist_seq.records import FinalState, parse_records

REASON = "reason"  # with a trial: why it failed, or which limit it breaks
INFEASIBLE = "infeasible"  # with a trial: it was ended because it breaks a limit
FINAL_STATES: dict[TrialState, FinalState] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
OPTUNA_STATES: dict[FinalState, TrialState] = {
    **{state: known for known, state in FINAL_STATES.items()},
    "infeasible": TrialState.PRUNED,  # without a value
}


@dataclass(frozen=True)
class FinishedTrial:
    """A trial that has ended: its settings and its result.

    Attributes
    ----------
    state : str
        complete, pruned, infeasible or failed.
    records : list of dict
        Its curve, an `EpochRecord` each, as plain values; empty if another program made the trial.
    reason : str or None
        Why it failed, or which limit it breaks.
    """

    number: int
    settings: Values
    state: FinalState
    records: list[dict[str, Any]]
    reason: str | None


def finished_trial(trial: FrozenTrial, beyond: str | None = None) -> FinishedTrial:
    """Convert a finished Optuna trial to a `FinishedTrial`.

    Parameters
    ----------
    beyond : str, optional
        Which limit it breaks that the study has got since.
    """
    records = trial.user_attrs.get("records", [])
    try:
        parse_records(records)
    except ValueError:  # another program's attribute of the same name
        records = []
    reason = beyond or trial.user_attrs.get(REASON)
    is_infeasible = beyond is not None or INFEASIBLE in trial.user_attrs
    return FinishedTrial(
        number=trial.number,
        settings=settings_of(trial),
        state="infeasible" if is_infeasible else FINAL_STATES[trial.state],
        records=records,
        reason=None if reason is None else str(reason),
    )


def settings_of(trial: FrozenTrial) -> Values:
    """Return a trial's searched settings: its user attribute `values` if set, else its params."""
    return own_settings(trial) or dict(trial.params)


def own_settings(trial: FrozenTrial) -> Values | None:
    """Return the settings of a trial that may lie outside the space; None if it has params."""
    values = trial.user_attrs.get("values")
    return values if values and isinstance(values, dict) else None
