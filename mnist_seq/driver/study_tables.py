"""Build the tables for a study's report from its trials and MLflow runs."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import flatten
from mnist_seq.config.validation import with_values
from mnist_seq.records import EpochRecord, Trial, TrialOutcome, best_of
from mnist_seq.report.analysis.tables import StudyTables, curves_table, trials_table
from mnist_seq.tracking.provenance import DECIDING
from mnist_seq.tracking.results import StoredRun

FACTS = ("seed", "data_digest", *DECIDING)
_Known: TypeAlias = tuple[Trial, str, Sequence[EpochRecord], str | None]


def study_tables(
    name: str,
    config: SweepConfig,
    finished: Sequence[tuple[Trial, TrialOutcome]],
    runs: Mapping[int, StoredRun],
    sweep: StoredRun,
    running: Sequence[tuple[Trial, Sequence[EpochRecord]]] = (),
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
    sweep : StoredRun
        The sweep's own run.
    running : sequence of (Trial, sequence of EpochRecord)
        Trials that have not ended, with their curves so far.
    """
    known: list[_Known] = [
        (trial, outcome.state, outcome.records, outcome.reason) for trial, outcome in finished
    ]
    known += [(trial, "running", records, None) for trial, records in running]
    configs = [flatten(trial.config.model_dump()) for trial, *_ in known]
    unsearched = tuple(
        path
        for path in (configs[0] if configs else {})
        if path not in config.search.space and len({values[path] for values in configs}) > 1
    )
    of_all = configs[0] if configs else flatten(with_values(config, {}).model_dump())
    trials = [
        _row(*each, config, runs.get(each[0].number), sweep)
        | {path: values[path] for path in unsearched}
        for each, values in zip(known, configs, strict=True)
    ]
    curves = [
        {"trial": trial.number, **dataclasses.asdict(record)}
        for trial, _, records, _ in known
        for record in records
    ]
    versions = [tag for tag in sweep.tags if tag.startswith("version_")]
    return StudyTables(
        name=name,
        objective=config.search.metric,
        space=config.search.space,
        trials=trials_table(trials, [*config.search.space, *unsearched]),
        curves=curves_table(curves),
        validation_images=sweep.count("validation_images"),
        command=sweep.tags.get("command", ""),
        facts={tag: sweep.tags[tag] for tag in (*FACTS, *versions) if tag in sweep.tags},
        unsearched=unsearched,
        fixed={
            path: value
            for path, value in of_all.items()
            if path not in config.search.space and path not in unsearched
        },
        costs=config.search.costs,
    )


def _row(
    trial: Trial,
    state: str,
    records: Sequence[EpochRecord],
    reason: str | None,
    config: SweepConfig,
    run: StoredRun | None,
    sweep: StoredRun,
) -> dict[str, object]:
    best = best_of(records, trial.config.training.monitor) if records else None
    parameters = run.metrics.get("trained_parameters") if run else None
    ended = run.end if run else None
    return {
        "number": trial.number,
        "state": state,
        "value": getattr(best, config.search.metric) if best else float("nan"),
        "best_epoch": best.epoch if best else None,
        "epochs": len(records),
        "planned_epochs": trial.config.training.epochs,
        "seconds": sum(record.seconds for record in records),
        "parameters": parameters,
        "reason": reason,
        "run_id": run.id if run else None,
        "finished": (ended - sweep.start).total_seconds() if ended else None,
        "is_baseline": trial.number == 0 and bool(config.search.baselines),
        **{path: trial.settings.get(path) for path in config.search.space},
    }
