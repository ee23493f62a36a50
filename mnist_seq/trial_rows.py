"""A trial's rows in Optuna's tables, written at once.

Optuna's own storage reads the trial before each value that it writes, and looks for the setting in
earlier trials: several times the work, for a database that others write to meanwhile.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects import sqlite

# Id of a trial, epoch, and the value after it.
Step: TypeAlias = tuple[int, int, float]

_TRIALS = models.TrialModel.__table__
_PARAMS = models.TrialParamModel.__table__
_VALUES = models.TrialValueModel.__table__
_STEPS = models.TrialIntermediateValueModel.__table__
_USER_ATTRS = models.TrialUserAttributeModel.__table__
_SYSTEM_ATTRS = models.TrialSystemAttributeModel.__table__


def add(to: Connection, study: int, trial: FrozenTrial) -> int:
    """Write a whole trial behind the study's others; its id."""
    earlier = select(func.count()).where(_TRIALS.c.study_id == study).scalar_subquery()
    inserted = to.execute(
        insert(_TRIALS).values(
            study_id=study,
            number=earlier,
            state=trial.state,
            datetime_start=_utc(trial.datetime_start),
            datetime_complete=_utc(trial.datetime_complete),
        )
    )
    trial_id: int = inserted.inserted_primary_key.trial_id  # type: ignore[union-attr]
    add_params(to, trial_id, trial.params, trial.distributions)
    add_steps(to, [(trial_id, *step) for step in trial.intermediate_values.items()])
    if trial.value is not None:
        _add_value(to, trial_id, trial.value)
    _set_attributes(to, _USER_ATTRS, trial_id, trial.user_attrs)
    _set_attributes(to, _SYSTEM_ATTRS, trial_id, trial.system_attrs)
    return trial_id


def add_params(
    to: Connection,
    trial_id: int,
    params: Mapping[str, Any],
    distributions: Mapping[str, BaseDistribution],
) -> None:
    """Write what a trial has chosen."""
    rows = [
        {
            "trial_id": trial_id,
            "param_name": path,
            "param_value": distributions[path].to_internal_repr(value),
            "distribution_json": distribution_to_json(distributions[path]),
        }
        for path, value in params.items()
    ]
    if rows:
        to.execute(insert(_PARAMS), rows)


def add_steps(to: Connection, steps: Iterable[Step]) -> None:
    """Write values after epochs that have none yet."""
    rows = []
    for trial_id, epoch, value in steps:
        known, kind = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
        rows.append(
            {
                "trial_id": trial_id,
                "step": epoch,
                "intermediate_value": known,
                "intermediate_value_type": kind,
            }
        )
    if rows:
        to.execute(insert(_STEPS), rows)


def end(
    to: Connection,
    trial_id: int,
    state: TrialState,
    value: float | None,
    notes: Mapping[str, Any],
) -> None:
    """Write how a trial ended, and what is kept with it."""
    _set_attributes(to, _USER_ATTRS, trial_id, notes)
    if value is not None:
        _add_value(to, trial_id, value)
    ended = update(_TRIALS).where(_TRIALS.c.trial_id == trial_id)
    to.execute(ended.values(state=state, datetime_complete=_utc(datetime.now())))


def _add_value(to: Connection, trial_id: int, value: float) -> None:
    known, kind = models.TrialValueModel.value_to_stored_repr(value)
    row = {"trial_id": trial_id, "objective": 0, "value": known, "value_type": kind}
    to.execute(insert(_VALUES), row)


def _set_attributes(to: Connection, table: Any, trial_id: int, values: Mapping[str, Any]) -> None:
    rows = [
        {"trial_id": trial_id, "key": name, "value_json": json.dumps(value)}
        for name, value in values.items()
    ]
    if rows:
        new = sqlite.insert(table)
        known = [table.c.trial_id, table.c.key]
        instead = {"value_json": new.excluded.value_json}
        to.execute(new.on_conflict_do_update(index_elements=known, set_=instead), rows)


def _utc(moment: datetime | None) -> datetime | None:
    """As Optuna keeps it: a trial's times are local, without a zone."""
    return moment and moment.astimezone(UTC).replace(tzinfo=None)
