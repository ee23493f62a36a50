"""Made-up studies: settings drawn by lot, values from a law that the test plants; what is found."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mnist_seq.config.search import Choices, Dimension, Range
from mnist_seq.config.settings import Objective, Scalar
from mnist_seq.report.analysis.diagnosis import diagnose
from mnist_seq.report.analysis.findings import Finding
from mnist_seq.report.analysis.tables import CURVE_COLUMNS, TRIAL_COLUMNS, StudyTables

Settings = dict[str, Scalar]
Space = dict[str, Dimension]
Law = Callable[[Settings], float]
Curve = Callable[[int, float, int], pd.DataFrame]

IMAGES = 12_000
UNITS = Range(low=16, high=128, log=True)
RATE = Range(low=1e-4, high=1e-2, log=True)
DROPOUT = Range(low=0.0, high=0.5)
BATCH = Choices(choices=[28, 64, 128, 256])
DEFAULT: Space = {
    "model.units": UNITS,
    "model.return_sequences": Choices(choices=[True, False]),
    "model.readout": Choices(
        choices=["each_step", "mean", "max", "flatten", "attention"],
        when={"model.return_sequences": True},
    ),
    "training.learning_rate": RATE,
    "training.batch_size": BATCH,
    "training.epochs": Range(low=3, high=12),
}
THREE: Space = {"model.units": UNITS, "training.learning_rate": RATE, "training.batch_size": BATCH}

BASELINE: Settings = {
    "model.units": 50,
    "model.return_sequences": True,
    "model.readout": "each_step",
    "training.batch_size": 28,
    "training.learning_rate": 1e-3,
    "training.epochs": 6,
}


def unit(dimension: Dimension, value: Any) -> float:
    """Where a value lies in its range, from 0 to 1, counted in logarithms if the range is."""
    assert isinstance(dimension, Range)
    low, high, here = (
        math.log(float(v)) if dimension.log else float(v)
        for v in (dimension.low, dimension.high, value)
    )
    return (here - low) / (high - low)


def lstm(settings: Settings) -> float:
    """Something like MNIST: width helps, the rate has an optimum, a readout helps a little."""
    settings = {**BASELINE, "training.epochs": 8, **settings}
    rate = unit(RATE, settings["training.learning_rate"])
    width = unit(UNITS, settings["model.units"])
    epochs = float(settings.get("training.epochs") or 8)
    error: float = 0.009 * math.exp(7 * (rate - 0.7) ** 2) * (1.9 - width)
    error *= 1 + 3 / epochs**1.5
    error *= {"mean": 0.85, "attention": 0.8}.get(str(settings.get("model.readout")), 1.0)
    return 1 - error


def noise(settings: Settings) -> float:
    return 0.985


def wide_is_better(settings: Settings) -> float:
    return 0.97 + 0.02 * unit(UNITS, settings["model.units"])


def rate_has_an_optimum(settings: Settings) -> float:
    return 0.99 - 0.08 * (unit(RATE, settings["training.learning_rate"]) - 0.5) ** 2


def sample(space: Mapping[str, Dimension], random: np.random.Generator) -> Settings:
    chosen: Settings = {}
    for path, dimension in space.items():
        value: Scalar
        if any(chosen.get(parent) != wanted for parent, wanted in dimension.when.items()):
            value = None
        elif isinstance(dimension, Choices):
            value = dimension.choices[int(random.integers(len(dimension.choices)))]
        else:
            low, high = float(dimension.low), float(dimension.high)
            if dimension.log:
                number = math.exp(random.uniform(math.log(low), math.log(high)))
            else:
                number = random.uniform(low, high)
            value = round(number) if isinstance(dimension.low, int) else number
        chosen[path] = value
    return chosen


def study(
    count: int,
    law: Law = lstm,
    *,
    space: Mapping[str, Dimension] = DEFAULT,
    states: Sequence[str] | Callable[[int], str] = lambda _: "complete",
    baseline: Mapping[str, Scalar] | None = None,
    objective: Objective = "validation_accuracy",
    seed: int = 0,
    binomial: bool = True,
    epochs: int = 8,
    curve: Curve | None = None,
    name: str = "made-up",
    **more: Any,
) -> StudyTables:
    """A study of `count` trials whose true accuracy is `law` of their settings.

    Measured accuracies are binomial draws on `IMAGES` images, unless `binomial` is false.
    """
    random = np.random.default_rng(seed)
    rows, curves, clock = [], [], 0.0
    for number in range(count):
        settings = sample(space, random)
        is_baseline = number == 0 and baseline is not None
        if is_baseline and baseline is not None:
            settings = {**dict.fromkeys(space), **baseline}
        state = states(number) if callable(states) else states[number]
        truth = min(max(law(settings), 0.05), 1.0)
        accuracy = random.binomial(IMAGES, truth) / IMAGES if binomial else truth
        planned = int(settings.get("training.epochs") or epochs)
        done = {"complete": planned, "pruned": max(1, planned // 3), "running": 1, "failed": 2}[
            state
        ]
        # A pruned trial is the beginning of the curve that it would have had.
        drawn = (curve or falling)(planned, accuracy, number).head(done)
        monitored = drawn[objective]
        heights = monitored.to_numpy() * (1 if objective == "validation_accuracy" else -1)
        best = int(heights.argmax())
        seconds = done * (4.0 + 0.05 * float(settings.get("model.units") or 50))
        units = float(settings.get("model.units") or 50)
        scored = state in {"complete", "pruned"}
        rows.append(
            {
                "number": number,
                "state": state,
                "value": float(monitored.iloc[best]) if scored else math.nan,
                "best_epoch": best + 1 if scored else math.nan,
                "epochs": done,
                "planned_epochs": planned,
                "seconds": seconds,
                "parameters": int(4 * units * (units + 29) + 10 * (units + 1)),
                "reason": f"the loss became NaN in epoch {done}" if state == "failed" else None,
                "run_id": f"{number:032x}",
                "finished": math.nan if state == "running" else clock + seconds,
                "is_baseline": is_baseline,
                **settings,
            }
        )
        clock += seconds / 2
        curves.append(drawn.assign(trial=number))
    return StudyTables(
        **{
            "name": name,
            "objective": objective,
            "space": dict(space),
            "trials": pd.DataFrame(rows, columns=[*TRIAL_COLUMNS, *space]),
            "curves": pd.concat(curves)[list(CURVE_COLUMNS)]
            if curves
            else pd.DataFrame(columns=list(CURVE_COLUMNS)),
            "validation_images": IMAGES,
            "command": "python -m experiments.sweep search.trials=20",
            "facts": {"seed": "0", "keras": "3.15.1", "data": "sha256 1f3a…", "commit": "0a1b2c3"},
            **more,
        }
    )


def found(tables: StudyTables, kind: str) -> list[Finding]:
    """The findings of one kind in the whole diagnosis."""
    return [finding for finding in diagnose(tables) if finding.kind == kind]


def falling(epochs: int, accuracy: float, number: int) -> pd.DataFrame:
    """A curve that reaches `accuracy` in its last epoch, and falls in both losses until then."""
    steps = np.arange(1, epochs + 1)
    left = 1 + 6 * (epochs - steps) / np.maximum(steps, 1) ** 1.2 / epochs
    error = np.minimum((1 - accuracy) * left, 0.9)
    return _curve(steps, 1 - 1.1 * error, 3.6 * error, 1 - error, 3.4 * error)


def fading(epochs: int, accuracy: float, number: int) -> pd.DataFrame:
    """A curve that begins worse the worse it ends, by more than it ends worse."""
    steps = np.arange(1, epochs + 1)
    left = 1 - steps / epochs
    error = np.minimum((1 - accuracy) * np.exp(2 * left) * ((1 - accuracy) / 0.01) ** left, 0.9)
    return _curve(steps, 1 - 1.1 * error, 3.6 * error, 1 - error, 3.4 * error)


def overfit(epochs: int, accuracy: float, number: int) -> pd.DataFrame:
    """A curve whose training goes on falling while its validation is best in the middle."""
    steps = np.arange(1, epochs + 1)
    turn = max(1, round(epochs * 0.5))
    error = np.minimum((1 - accuracy) * (1 + 0.12 * np.abs(steps - turn)), 0.9)
    validation_loss = 3.4 * (1 - accuracy) * (1 + 0.25 * np.abs(steps - turn))
    return _curve(steps, 1 - 0.02 / steps, 0.08 / steps**1.5, 1 - error, validation_loss)


def _curve(
    steps: Any, train_accuracy: Any, train_loss: Any, validation_accuracy: Any, validation_loss: Any
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "epoch": steps,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "validation_loss": validation_loss,
            "validation_accuracy": validation_accuracy,
        }
    )


def best_by_its_loss(accuracy: float) -> StudyTables:
    """A study whose best trial has this accuracy, and whose baseline has 99 % and a higher loss."""

    def curve(epochs: int, _: float, number: int) -> pd.DataFrame:
        if number:
            return falling(epochs, accuracy, number)
        rows = falling(epochs, 0.99, number)
        return rows.assign(validation_loss=9 * rows["validation_loss"])

    baseline = {"model.units": 50, "training.learning_rate": 1e-3, "training.batch_size": 28}
    return study(12, space=THREE, baseline=baseline, objective="validation_loss", curve=curve)


def mixed(number: int) -> str:
    """States as a sweep with pruning has them: a third complete, one in eleven failed."""
    if number % 11 == 10:
        return "failed"
    return "complete" if number % 3 == 0 else "pruned"
