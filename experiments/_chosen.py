"""Which run of an earlier command is meant."""

from mnist_seq.config import ChosenRun
from mnist_seq.errors import TrackingError
from mnist_seq.tracking.results import Results, RunInfo, Study


def find_run(results: Results, config: ChosenRun) -> tuple[Study, RunInfo]:
    """The run that was asked for, and its study; without a wish, the best of the latest study.

    Raises
    ------
    TrackingError
        If it is not there.
    """
    if config.run is not None:
        source = results.run(config.run)
        return next(study for study in results.studies() if study.id == source.study_id), source
    study = results.study(config.study) if config.study else results.latest_study()
    trials = results.runs(study, "trial")
    if config.trial is not None:
        for run_info in trials:
            if run_info.tags.get("trial_number") == str(config.trial):
                return study, run_info
        raise TrackingError(f"no trial {config.trial} in {study.name}: it has {len(trials)}")
    complete = [run_info for run_info in trials if run_info.tags.get("trial_state") == "complete"]
    if not complete:
        raise TrackingError(f"{study.name} has no complete trial")
    loss = any(t.tags.get("objective") == "validation_loss" for t in complete)
    key = "best_validation_loss" if loss else "best_validation_accuracy"
    return study, max(complete, key=lambda t: -t.metrics[key] if loss else t.metrics[key])
