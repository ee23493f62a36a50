"""Searches on a landscape that is known: no network, but Optuna and its database are real."""

import functools
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import optuna

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.search import SearchConfig
from mnist_seq.config.settings import Values
from mnist_seq.search.storage import StudyStorage
from mnist_seq.search.study import Study, Suggestion
from tests.examples import sweep_config

EPOCHS = 10
SAMPLERS = get_args(SearchConfig.model_fields["sampler"].annotation)
STEPPED: dict[str, Any] = {
    "model.units": {"low": 16, "high": 64, "step": 16},
    "model.return_sequences": {"choices": [True, False]},
    "model.readout": {"choices": ["mean", "max"], "when": {"model.return_sequences": True}},
    "training.learning_rate": {"choices": [0.001, 0.01]},
}
INSIDE: Values = {
    "model.units": 50,
    "model.return_sequences": False,
    "training.learning_rate": 0.001,
    "training.batch_size": 28,
    "training.epochs": 9,
}


def searching(sampler: str = "random", **changes: Any) -> SweepConfig:
    whole = sweep_config("data=digits", "study=study").model_dump()
    space = {"space": STEPPED, "baselines": []} if sampler == "grid" else {}
    whole["search"] |= {"sampler": sampler, "pruner": "none", **space, **changes}
    return SweepConfig.model_validate(whole)


def opened(folder: Path, config: SweepConfig) -> Study:
    database = folder / "optuna.db"
    if not database.exists():
        database.write_bytes(empty_database())
    return Study(StudyStorage(database), config)


@functools.cache
def empty_database() -> bytes:
    """Optuna's tables without a study: to make them takes five times as long as to copy them."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "optuna.db"
        StudyStorage(database)
        return database.read_bytes()


def stored(folder: Path) -> list[optuna.trial.FrozenTrial]:
    """The trials as Optuna itself reads them."""
    url = f"sqlite:///{folder / 'optuna.db'}"
    return optuna.load_study(study_name="study", storage=url).get_trials()


def landscape(values: Values) -> float:
    rate = values["training.learning_rate"]
    assert isinstance(rate, float)
    return 0.9 - abs(math.log10(rate) + 2.5) / 10 + (values.get("model.readout") == "mean") / 20


def asked(study: Study, fixed: Values | None = None) -> Suggestion:
    suggestion = study.ask(fixed)
    assert suggestion is not None
    return suggestion


def trial(study: Study, suggestion: Suggestion) -> None:
    value = landscape(suggestion.settings)
    study.report(suggestion.number, 1, value)
    study.tell(suggestion.number, "complete", value)


def searched(folder: Path, config: SweepConfig, trials: int, reopens: Callable[[int], bool]) -> Any:
    folder.mkdir()
    study, suggestions = opened(folder, config), []
    for number in range(trials):
        if reopens(number):
            study = opened(folder, config)
        suggestions.append(asked(study))
        trial(study, suggestions[-1])
    return suggestions
