"""A study's trials and epochs as data frames for other programs: a type for each column."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mnist_seq.config.settings import Config, scalar_text
from mnist_seq.config.validation import settings, value_type
from mnist_seq.report.analysis.tables import CURVE_COLUMNS, MORE_OF_AN_EPOCH, StudyTables

TRIAL: dict[str, type] = {
    "study": str,
    "trial": int,
    "state": str,
    "objective": str,
    "value": float,
    "best_epoch": int,
    "epochs": int,
    "seconds": float,
    "finished": float,
    "parameters": int,
    "is_baseline": bool,
    "run_id": str,
    "reason": str,
}
EPOCH: dict[str, type] = {
    "study": str,
    **dict.fromkeys((*CURVE_COLUMNS, *MORE_OF_AN_EPOCH), float),
    "trial": int,
    "epoch": int,
}
DTYPES: dict[type, Any] = {bool: "boolean", int: "Int64", float: "float64", str: "string"}


def trials_frame(tables: StudyTables) -> pd.DataFrame:
    """One row for each trial of a study, in order of their numbers.

    Returns
    -------
    DataFrame
        ``study``, ``trial`` (its number), ``state`` (complete, pruned, failed or running),
        ``objective``, ``value`` (of the objective at ``best_epoch``), ``best_epoch``, ``epochs``
        trained, ``seconds`` of training, ``finished`` (in seconds since the sweep began),
        ``parameters``, ``is_baseline``, ``run_id`` (MLflow's), ``reason`` of a failure; then each
        setting of a training by its path, missing where it is not active. The types are Int64,
        boolean, float64 and string.
    """
    trials = tables.trials.sort_values("number", kind="stable").rename(columns={"number": "trial"})
    same = {"study": tables.name, "objective": tables.objective, **tables.fixed}
    kinds = {path: value_type(field) for path, field in settings(Config).items()}
    return _typed(trials.assign(**same), TRIAL | kinds)


def front_frame(tables: StudyTables) -> pd.DataFrame:
    """One row for each trial on the Pareto front of a study, cheapest first.

    Returns
    -------
    DataFrame
        ``trial`` (its number), the objective under its own name, ``parameters`` or ``seconds`` (of
        the first epoch) where they are aims, and each searched setting by its path. With one aim
        it is the best trial alone.
    """
    front = tables.front.rename(columns={"number": "trial", "value": tables.objective})
    known = settings(Config)
    kinds = {"trial": int, tables.objective: float}
    kinds |= {cost: int if cost == "parameters" else float for cost in tables.costs}
    return _typed(front, kinds | {path: value_type(known[path]) for path in tables.space})


def curves_frame(tables: StudyTables) -> pd.DataFrame:
    """One row for each epoch of each trial of a study, in order.

    Returns
    -------
    DataFrame
        ``study``, ``trial``, ``epoch`` (from 1), losses in nats and accuracies of both parts of
        the images, ``learning_rate``, ``seconds``, ``images_per_second``.
    """
    curves = tables.curves.sort_values(["trial", "epoch"], kind="stable")
    return _typed(curves.assign(study=tables.name), EPOCH)


def _typed(table: pd.DataFrame, kinds: Mapping[str, type]) -> pd.DataFrame:
    """The named columns in their types; missing where a table has no such column or value."""
    columns = table.reindex(columns=list(kinds)).reset_index(drop=True)
    return pd.DataFrame({name: _column(columns[name], kind) for name, kind in kinds.items()})


def _column(values: "pd.Series[Any]", kind: type) -> "pd.Series[Any]":
    """Values as one type; missing where a trial of another program has one of another type."""
    if kind is str:
        return values.map(_text, na_action="ignore").astype(DTYPES[kind])
    is_bool = values.map(lambda value: isinstance(value, bool | np.bool_)).astype(bool)
    if kind is bool:
        return values.where(is_bool, None).astype(DTYPES[kind])
    numbers = pd.to_numeric(values.where(~is_bool, None), errors="coerce").astype("float64")
    return (numbers if kind is float else numbers.where(numbers % 1 == 0)).astype(DTYPES[kind])


def _text(value: Any) -> str:
    return scalar_text(value.item() if isinstance(value, np.generic) else value)
