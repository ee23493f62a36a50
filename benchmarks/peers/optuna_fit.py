"""Optuna around ``fit``: one training after the other, each on all cores.

    python -m benchmarks.peers.optuna_fit JOB

As in Optuna's own examples for Keras: an objective function builds, fits and returns the best
validation accuracy; a callback reports every epoch and raises where the pruner says so. TensorFlow
divides each operation among all cores, as it does by default.
"""

import keras
import optuna

from benchmarks.peers.network import (
    MOST_EPOCHS,
    REDUCTION_FACTOR,
    Announcer,
    Arrays,
    Job,
    Setting,
    build,
    fit,
    read_job,
    suggest,
)


class Reporter(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Tells the trial of every epoch, counted from 1, and ends it where it falls behind."""

    def __init__(self, trial: optuna.Trial) -> None:
        super().__init__()
        self.trial = trial

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.trial.report(logs["val_accuracy"], epoch + 1)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def objective(trial: optuna.Trial, setting: Setting, arrays: Arrays, job: Job) -> float:
    """Best validation accuracy of a training."""
    keras.backend.clear_session()
    model = build(setting, arrays, job)
    history = fit(model, setting, arrays, [Announcer(), Reporter(trial)])
    return float(max(history.history["val_accuracy"]))


def run(job: Job, arrays: Arrays) -> None:
    """Train the settings of the job, or search."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if job.settings:
        study = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
        study.optimize(
            lambda trial: objective(trial, job.settings[trial.number], arrays, job),
            n_trials=len(job.settings),
        )
        return
    pruners = {
        "hyperband": optuna.pruners.HyperbandPruner(1, MOST_EPOCHS, REDUCTION_FACTOR),
        "successive_halving": optuna.pruners.SuccessiveHalvingPruner(1, REDUCTION_FACTOR),
    }
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=job.seed),
        pruner=pruners[job.pruner],
    )
    study.optimize(
        lambda trial: objective(trial, suggest(trial), arrays, job),
        n_trials=job.trials,
    )


if __name__ == "__main__":
    run(*read_job())
