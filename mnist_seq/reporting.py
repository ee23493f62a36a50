"""From what the stores hold of a study to the plain tables that its report is made from."""

import dataclasses
from collections.abc import Mapping, Sequence

import pandas as pd

from mnist_seq.config import SweepConfig, flatten
from mnist_seq.provenance import DECIDING
from mnist_seq.records import Ending
from mnist_seq.report.tables import CURVE_COLUMNS, TRIAL_COLUMNS, StudyTables
from mnist_seq.roles import Trial
from mnist_seq.tracking.results import RunInfo

FACTS = ("seed", "data_digest", *DECIDING)


def study_tables(
    name: str,
    config: SweepConfig,
    over: Sequence[tuple[Trial, Ending]],
    runs: Mapping[int, RunInfo],
    sweep: RunInfo,
) -> StudyTables:
    """Tables of a study.

    Parameters
    ----------
    name : str
        The study's.
    config : SweepConfig
        Its settings.
    over : sequence of (Trial, Ending)
        The trials that have ended.
    runs : mapping
        The trials' MLflow runs, by trial number.
    sweep : RunInfo
        The sweep's own run.
    """
    configs = [flatten(trial.config.model_dump()) for trial, _ in over]
    unsearched = tuple(
        path
        for path in (configs[0] if configs else {})
        if path not in config.search.space and len({values[path] for values in configs}) > 1
    )
    trials = [
        _row(trial, ending, config, runs.get(trial.number), sweep)
        | {path: values[path] for path in unsearched}
        for (trial, ending), values in zip(over, configs, strict=True)
    ]
    curves = [
        {"trial": trial.number, **dataclasses.asdict(record)}
        for trial, ending in over
        for record in ending.records
    ]
    versions = [tag for tag in sweep.tags if tag.startswith("version_")]
    return StudyTables(
        name=name,
        objective=config.search.objective,
        space=config.search.space,
        trials=pd.DataFrame(trials, columns=[*TRIAL_COLUMNS, *config.search.space, *unsearched]),
        curves=pd.DataFrame(curves, columns=list(CURVE_COLUMNS)),
        validation_images=int(sweep.tags.get("validation_images", "0")),
        command=sweep.tags.get("command", ""),
        facts={tag: sweep.tags[tag] for tag in (*FACTS, *versions) if tag in sweep.tags},
        unsearched=unsearched,
    )


def _row(
    trial: Trial, ending: Ending, config: SweepConfig, run: RunInfo | None, sweep: RunInfo
) -> dict[str, object]:
    best = ending.best
    parameters = run.metrics.get("trained_parameters") if run else None
    ended = run.end if run else None
    return {
        "number": trial.number,
        "state": ending.state,
        "value": getattr(best, config.search.objective) if best else float("nan"),
        "best_epoch": best.epoch if best else None,
        "epochs": len(ending.records),
        "seconds": ending.seconds,
        "parameters": parameters,
        "reason": ending.reason,
        "run_id": run.id if run else None,
        "started": (run.start - sweep.start).total_seconds() if run else None,
        "finished": (ended - sweep.start).total_seconds() if ended else None,
        "is_baseline": trial.number == 0 and bool(config.search.baselines),
        **{path: trial.values.get(path) for path in config.search.space},
    }
