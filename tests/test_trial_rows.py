"""Rows that are written at once, against those that Optuna's own storage writes."""

import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_seq import trial_rows

SPACE: dict[str, optuna.distributions.BaseDistribution] = {
    "units": IntDistribution(16, 256, log=True),
    "rate": FloatDistribution(1e-4, 1e-1, log=True),
    "readout": CategoricalDistribution(["mean", "last", None]),
}
CURVE = {1: 0.5, 2: math.nan, 3: math.inf, 4: -math.inf}


def begun(state: TrialState = TrialState.RUNNING, value: float | None = None) -> FrozenTrial:
    trial = create_trial(
        state=state,
        value=value,
        params={"units": 50, "rate": 0.003, "readout": None},
        distributions=SPACE,
        user_attrs={"values": {"units": 50}, "blank": None},
        system_attrs={"notes": [1, "two"]},
        intermediate_values=CURVE,
    )
    trial.datetime_start = datetime(2026, 7, 1, 12, 30, 15)
    return trial


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[RDBStorage, RDBStorage]]:
    """Two databases that hold the same: a study of three trials, and another study."""
    pair = [RDBStorage(f"sqlite:///{tmp_path / name}.db") for name in ("optuna", "ours")]
    for storage in pair:
        for name in ("another", "study"):
            study = storage.create_new_study([StudyDirection.MAXIMIZE], name)
            for _ in range(3):
                storage.create_new_trial(study)
    yield pair[0], pair[1]
    for storage in pair:
        storage.engine.dispose()


@pytest.mark.parametrize(
    ("state", "value"), [(TrialState.RUNNING, None), (TrialState.COMPLETE, 0.75)]
)
def test_a_whole_trial_is_what_optuna_would_have_written(
    state: TrialState, value: float | None, both: tuple[RDBStorage, RDBStorage]
) -> None:
    optunas, ours = both
    study = ours.get_study_id_from_name("study")
    trial = begun(state, value)
    optunas.create_new_trial(study, trial)
    with ours.engine.begin() as database:
        trial_id = trial_rows.add(database, study, trial)
    theirs, mine = (storage.get_all_trials(study)[-1] for storage in both)
    assert repr(mine) == repr(theirs)  # nan is not equal to itself
    assert (mine.number, mine._trial_id, mine.params["readout"]) == (3, trial_id, None)


@pytest.mark.parametrize(
    ("state", "value"),
    [(TrialState.COMPLETE, 0.75), (TrialState.PRUNED, math.inf), (TrialState.FAIL, None)],
)
def test_an_end_is_what_optuna_would_have_written(
    state: TrialState, value: float | None, both: tuple[RDBStorage, RDBStorage]
) -> None:
    optunas, ours = both
    study = ours.get_study_id_from_name("study")
    trial_id = optunas.create_new_trial(study, begun())
    optunas.set_trial_user_attr(trial_id, "values", [3])
    optunas.set_trial_user_attr(trial_id, "reason", "it was late")
    optunas.set_trial_intermediate_value(trial_id, 5, 0.25)
    optunas.set_trial_state_values(trial_id, state, None if value is None else [value])
    with ours.engine.begin() as database:
        trial_rows.add(database, study, begun())
        trial_rows.add_steps(database, [(trial_id, 5, 0.25)])
        trial_rows.end(database, trial_id, state, value, {"values": [3], "reason": "it was late"})
    theirs, mine = (storage.get_all_trials(study)[-1] for storage in both)
    assert mine.datetime_complete is not None
    assert theirs.datetime_complete is not None
    apart = mine.datetime_complete - theirs.datetime_complete
    assert 0 <= apart.total_seconds() < 60
    mine.datetime_complete = theirs.datetime_complete
    assert repr(mine) == repr(theirs)


def test_a_trial_whose_writing_fails_leaves_nothing(both: tuple[RDBStorage, RDBStorage]) -> None:
    _, ours = both
    study = ours.get_study_id_from_name("study")
    bad = begun()
    bad.user_attrs["late"] = object()
    with pytest.raises(TypeError), ours.engine.begin() as database:
        trial_rows.add(database, study, bad)
    assert len(ours.get_all_trials(study)) == 3
