"""Searches on a landscape that is known: no network, but Optuna and its database are real."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import optuna

from mnist_seq.config import SearchConfig, SweepConfig
from mnist_seq.space import Values, value_at
from mnist_seq.study import Study, Suggestion
from tests.examples import sweep_config

EPOCHS = 9
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
    whole = sweep_config("data=digits").model_dump()
    space = {"space": STEPPED, "baselines": []} if sampler == "grid" else {}
    whole["search"] |= {"sampler": sampler, "pruner": "none", **space, **changes}
    return SweepConfig.model_validate(whole)


def opened(folder: Path, config: SweepConfig) -> Study:
    return Study(
        folder / "optuna.db",
        "study",
        config.search,
        EPOCHS,
        config.model_dump(),
        lambda path: value_at(config, path),
    )


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
    study.report(suggestion.number, 1, landscape(suggestion.values))
    study.complete(suggestion.number, landscape(suggestion.values))


def searched(folder: Path, config: SweepConfig, trials: int, reopens: Callable[[int], bool]) -> Any:
    folder.mkdir()
    study, suggestions = opened(folder, config), []
    for number in range(trials):
        if reopens(number):
            study = opened(folder, config)
        suggestions.append(asked(study))
        trial(study, suggestions[-1])
    return suggestions
