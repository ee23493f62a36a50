"""Ray Tune: as many trainings at once as there are cores, each on one core.

    python -m benchmarks.peers.ray_tune JOB

Given settings are a grid over their places in the list; a search is Optuna's TPE with ASHA. The
images are put into Ray's object store once, processes go from one trial to the next instead of
being started anew, and nothing is logged.
"""

import os
import tempfile
from typing import Any

import keras
import optuna
import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler
from ray.tune.search.optuna import OptunaSearch

from benchmarks.peers.network import (
    MOST_EPOCHS,
    REDUCTION_FACTOR,
    Arrays,
    Job,
    Setting,
    build,
    fit,
    read_job,
    say,
    suggest,
)


class Reporter(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Tells Ray Tune of every epoch; it stops the trial there if it falls behind."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:  # noqa: ARG002
        tune.report({"accuracy": logs["val_accuracy"]})


class Announcer(tune.Callback):  # type: ignore[misc]  # ray has no types
    """Says, where the search runs, when a training starts, ends an epoch, and ends."""

    def on_trial_start(self, *_: Any, **__: Any) -> None:
        say("started")

    def on_trial_result(self, *_: Any, result: dict[str, Any], **__: Any) -> None:
        say("epoch", result["accuracy"])

    def on_trial_complete(self, *_: Any, **__: Any) -> None:
        say("ended")

    def on_trial_error(self, *_: Any, **__: Any) -> None:
        say("failed")


def train(values: dict[str, Any], job: Job, arrays: Arrays) -> None:
    """One training, in a process of Ray's."""
    keras.utils.set_random_seed(job.seed)
    keras.backend.clear_session()
    setting = job.settings[values["place"]] if job.settings else Setting(**values["setting"])
    fit(build(setting, arrays, job), setting, arrays, [Reporter()])


def suggested(trial: optuna.Trial) -> dict[str, Any]:
    """What a trial is given by the search; a function by name, because Ray Tune pickles it."""
    return {"setting": suggest(trial).model_dump()}


def how(job: Job, cores: int) -> tuple[dict[str, Any], tune.TuneConfig]:
    """Ray Tune's space, and how it is searched."""
    common = {"reuse_actors": True, "metric": "accuracy", "mode": "max"}
    if job.settings:
        places = tune.grid_search(list(range(len(job.settings))))
        return {"place": places}, tune.TuneConfig(scheduler=FIFOScheduler(), **common)
    search = OptunaSearch(
        suggested,
        metric="accuracy",
        mode="max",
        sampler=optuna.samplers.TPESampler(seed=job.seed),
    )
    asha = ASHAScheduler(max_t=MOST_EPOCHS, grace_period=1, reduction_factor=REDUCTION_FACTOR)
    return {}, tune.TuneConfig(
        search_alg=search,
        scheduler=asha,
        num_samples=job.trials,
        max_concurrent_trials=cores,
        **common,
    )


def run(job: Job, arrays: Arrays) -> None:
    """Train the settings of the job, or search."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    cores = len(os.sched_getaffinity(0))
    # One thread a trial: by default TensorFlow would start one a core in each of them.
    os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
    # Nothing leaves the machine, and no files are written for a viewer that is not there.
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1")
    ray.init(num_cpus=cores, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    space, search = how(job, cores)
    trainable = tune.with_parameters(train, job=job, arrays=arrays)
    with tempfile.TemporaryDirectory() as folder:
        results = tune.Tuner(
            tune.with_resources(trainable, {"cpu": 1}),
            param_space=space,
            tune_config=search,
            run_config=tune.RunConfig(storage_path=folder, verbose=0, callbacks=[Announcer()]),
        ).fit()
    ray.shutdown()
    if results.errors:
        raise results.errors[0]


if __name__ == "__main__":
    run(*read_job())
