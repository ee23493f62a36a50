"""The same config and seed, the same curve bit for bit: cached, cut, in any process or thread."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from mnist_seq.config.settings import Config, ModelConfig, Readout
from mnist_seq.data.dataset import Dataset
from mnist_seq.driver.checkpoints import Checkpoints
from mnist_seq.network import training
from mnist_seq.network.model import build
from mnist_seq.records import EpochRecord, TrainingState
from tests.examples import few
from tests.network import keras_alone
from tests.network.trainings import WITH_DROPOUT, Curve, config, same_arrays, trained

# Everything that has a random stream or a memory: order, dropout, momentum, a falling rate.
WITH_MEMORY = (
    *WITH_DROPOUT,
    "training.schedule=cosine",
    "training.epochs=4",
    "training.ema_momentum=0.8",
    "training.augmentation.shift=1",
    "training.augmentation.rotation=10",
    "training.augmentation.elastic=1",
)


def same_state(first: TrainingState, second: TrainingState) -> bool:
    return (
        same_arrays(first.weights, second.weights)
        and same_arrays(first.optimizer, second.optimizer)
        and same_arrays(first.best_weights, second.best_weights)
        and first.best_epoch == second.best_epoch
        and first.epoch == second.epoch
        and all(a.same_curve(b) for a, b in zip(first.records, second.records, strict=True))
    )


def same_training(first: Curve, second: Curve) -> bool:
    return len(first) == len(second) and all(
        a.same_curve(b) and same_state(x, y) for (a, x), (b, y) in zip(first, second, strict=True)
    )


def going_on(settings: Config, data: Dataset, state: TrainingState) -> Curve:
    curve: Curve = []
    while state.epoch < settings.training.epochs:
        record, state = training.advance(settings, data, state)
        curve.append((record, state))
    return curve


def through_a_file(state: TrainingState, folder: Path) -> TrainingState:
    Checkpoints(folder).save_state(7, state, {})
    loaded = Checkpoints(folder).state(7)
    assert loaded is not None
    return loaded


def test_a_training_repeats_bit_for_bit_whatever_was_trained_before() -> None:
    settings, data = config(*WITH_MEMORY), few()
    first = trained(settings, data)
    trained(config(*WITH_MEMORY, "seed=1", "training.learning_rate=0.1"), data)
    assert same_training(first, trained(settings, data))


def test_another_seed_is_another_training() -> None:
    zero, one = (trained(config(*WITH_MEMORY, f"seed={seed}"), few()) for seed in (0, 1))
    assert not zero[0][0].same_curve(one[0][0])


def test_trainings_in_two_threads_of_one_process_do_not_mix() -> None:
    several = [config("seed=3"), config("seed=4")]  # one program serves both

    def curve(settings: Config) -> list[EpochRecord]:
        return [record for record, _ in training.train(settings, few())]

    expected = [curve(settings) for settings in several]
    with ThreadPoolExecutor(2) as threads:
        for curve_, others in zip(threads.map(curve, several), expected, strict=True):
            assert all(a.same_curve(b) for a, b in zip(curve_, others, strict=True))


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_a_training_cut_anywhere_goes_on_as_if_it_had_never_stopped(
    cut: int, tmp_path: Path
) -> None:
    settings, data = config(*WITH_MEMORY), few()
    whole = trained(settings, data)
    state = whole[cut - 1][1] if cut else training.begin(settings, data)
    state = through_a_file(state, tmp_path)
    trained(config(*WITH_MEMORY, "seed=1"), data)  # as if another trial came between
    assert same_training(going_on(settings, data, state), whole[cut:])


def test_advance_changes_nothing_in_the_state_it_is_given() -> None:
    settings, data = config(), few()
    state = training.begin(settings, data)
    before = {name: array.copy() for name, array in (state.weights | state.optimizer).items()}
    training.advance(settings, data, state)
    assert same_arrays(before, state.weights | state.optimizer)
    assert state.epoch == 0


# --- in another process


@dataclass(frozen=True)
class OtherProcess:
    """A process that has loaded saved models before anything of this project, and their answers."""

    pool: ProcessPoolExecutor
    loaded: list[tuple[Any, Any]]  # a model, and what it answered there


# Every readout, and each of the other settings that add a layer.
SAVED = [
    ("model.layers=2", "model.dropout=0.1"),
    ("model.readout=each_step", "model.bidirectional=true"),
    ("model.readout=mean", "model.dropout=0.1"),
    ("model.readout=max",),
    ("model.readout=flatten",),
    ("model.readout=attention",),
]


def architecture(overrides: tuple[str, ...]) -> ModelConfig:
    reads_out = any("readout" in override for override in overrides)
    return config(*overrides, f"model.return_sequences={str(reads_out).lower()}").model


@pytest.fixture(scope="module")
def other_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherProcess]:
    scaling, folder = few().scaling, tmp_path_factory.mktemp("saved")
    models = [
        build(architecture(overrides), scaling.offset_SF, scaling.scale_SF, 10).model
        for overrides in SAVED
    ]
    files = [str(folder / f"{number}.keras") for number in range(len(models))]
    for model, file in zip(models, files, strict=True):
        model.save(file)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        answers = pool.submit(keras_alone.answers, files, few().validation.images_NSF[:4]).result()
        yield OtherProcess(pool, list(zip(models, answers, strict=True)))


def test_a_saved_model_needs_keras_and_nothing_of_this_project(other_process: OtherProcess) -> None:
    assert {architecture(overrides).readout for overrides in SAVED} == set(get_args(Readout))
    for model, answers_BK in other_process.loaded:
        expected_BK = model(few().validation.images_NSF[:4]).numpy()
        np.testing.assert_allclose(answers_BK, expected_BK, atol=1e-6)


def test_a_program_compiled_in_another_process_trains_bit_for_bit_alike(
    other_process: OtherProcess,
) -> None:
    settings, data = config(*WITH_MEMORY), few()
    elsewhere = other_process.pool.submit(trained, settings, data).result()
    assert same_training(elsewhere, trained(settings, data))


def test_a_training_goes_on_in_another_process(tmp_path: Path, other_process: OtherProcess) -> None:
    settings, data = config(*WITH_MEMORY), few()
    whole = trained(settings, data)
    state = through_a_file(whole[1][1], tmp_path)
    rest = other_process.pool.submit(going_on, settings, data, state).result()
    assert same_training(rest, whole[2:])
