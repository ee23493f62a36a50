"""Build the tables for a study's report from its trials and MLflow runs."""

import dataclasses
from collections.abc import Mapping, Sequence

from mnist_seq.config import SweepConfig, flatten
from mnist_seq.records import Trial, TrialOutcome
from mnist_seq.report.analysis.tables import StudyTables, curves_table, trials_table
from mnist_seq.tracking.provenance import DECIDING
from mnist_seq.tracking.results import RunInfo

FACTS = ("seed", "data_digest", *DECIDING)


def study_tables(
    name: str,
    config: SweepConfig,
    finished: Sequence[tuple[Trial, TrialOutcome]],
    runs: Mapping[int, RunInfo],
    sweep: RunInfo,
) -> StudyTables:
    """Build the tables of a study's trials and learning curves for its report.

    Parameters
    ----------
    name : str
        The study's.
    config : SweepConfig
        Its settings.
    finished : sequence of (Trial, TrialOutcome)
        The trials that have ended.
    runs : mapping
        The trials' MLflow runs, by trial number.
    sweep : RunInfo
        The sweep's own run.
    """
    configs = [flatten(trial.config.model_dump()) for trial, _ in finished]
    unsearched = tuple(
        path
        for path in (configs[0] if configs else {})
        if path not in config.search.space and len({values[path] for values in configs}) > 1
    )
    trials = [
        _row(trial, outcome, config, runs.get(trial.number), sweep)
        | {path: values[path] for path in unsearched}
        for (trial, outcome), values in zip(finished, configs, strict=True)
    ]
    curves = [
        {"trial": trial.number, **dataclasses.asdict(record)}
        for trial, outcome in finished
        for record in outcome.records
    ]
    versions = [tag for tag in sweep.tags if tag.startswith("version_")]
    return StudyTables(
        name=name,
        objective=config.search.objective,
        space=config.search.space,
        trials=trials_table(trials, [*config.search.space, *unsearched]),
        curves=curves_table(curves),
        validation_images=sweep.count("validation_images"),
        command=sweep.tags.get("command", ""),
        facts={tag: sweep.tags[tag] for tag in (*FACTS, *versions) if tag in sweep.tags},
        unsearched=unsearched,
    )


def _row(
    trial: Trial, outcome: TrialOutcome, config: SweepConfig, run: RunInfo | None, sweep: RunInfo
) -> dict[str, object]:
    best = outcome.best
    parameters = run.metrics.get("trained_parameters") if run else None
    ended = run.end if run else None
    return {
        "number": trial.number,
        "state": outcome.state,
        "value": getattr(best, config.search.objective) if best else float("nan"),
        "best_epoch": best.epoch if best else None,
        "epochs": len(outcome.records),
        "planned_epochs": trial.config.training.epochs,
        "seconds": outcome.seconds,
        "parameters": parameters,
        "reason": outcome.reason,
        "run_id": run.id if run else None,
        "finished": (ended - sweep.start).total_seconds() if ended else None,
        "is_baseline": trial.number == 0 and bool(config.search.baselines),
        **{path: trial.values.get(path) for path in config.search.space},
    }
