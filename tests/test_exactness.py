"""The same config and seed, the same curve bit for bit: cached, cut, in any process or thread."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from mnist_seq import program, training
from mnist_seq.checkpoint import Checkpoints
from mnist_seq.config import Config
from mnist_seq.data.dataset import Dataset
from mnist_seq.records import EpochRecord, State
from tests.examples import config, few
from tests.trainings import Curve, same_arrays, trained

# Everything that has a random stream or a memory: order, dropout, momentum, a falling rate.
WITH_MEMORY = ("model.dropout=0.3", "training.schedule=cosine", "training.epochs=4")


def same_state(first: State, second: State) -> bool:
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


def going_on(settings: Config, data: Dataset, state: State) -> Curve:
    curve: Curve = []
    while state.epoch < settings.training.epochs:
        record, state = training.advance(settings, data, state)
        curve.append((record, state))
    return curve


def through_a_file(state: State, folder: Path) -> State:
    Checkpoints(folder).save_state(7, state)
    loaded = Checkpoints(folder).state(7)
    assert loaded is not None
    return loaded


@pytest.fixture(scope="module")
def other_process() -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        yield pool


def test_a_training_repeats_bit_for_bit_whatever_was_trained_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings, data = config(*WITH_MEMORY), few()
    first = trained(settings, data)
    trained(config(*WITH_MEMORY, "seed=1", "training.learning_rate=0.1"), data)
    cached = trained(settings, data)
    monkeypatch.setattr(program, "_programs", {})
    afresh = trained(settings, data)
    assert same_training(first, cached)
    assert same_training(first, afresh)


def test_another_seed_is_another_training() -> None:
    zero, one = (trained(config(*WITH_MEMORY, f"seed={seed}"), few()) for seed in (0, 1))
    assert not zero[0][0].same_curve(one[0][0])


def test_another_process_trains_bit_for_bit_alike(other_process: ProcessPoolExecutor) -> None:
    settings, data = config(*WITH_MEMORY), few()
    elsewhere = other_process.submit(trained, settings, data).result()
    assert same_training(elsewhere, trained(settings, data))


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


def test_a_training_goes_on_in_another_process(
    tmp_path: Path, other_process: ProcessPoolExecutor
) -> None:
    settings, data = config(*WITH_MEMORY), few()
    whole = trained(settings, data)
    state = through_a_file(whole[1][1], tmp_path)
    rest = other_process.submit(going_on, settings, data, state).result()
    assert same_training(rest, whole[2:])


def test_advance_changes_nothing_in_the_state_it_is_given() -> None:
    settings, data = config(), few()
    state = training.begin(settings, data)
    before = {name: array.copy() for name, array in (state.weights | state.optimizer).items()}
    training.advance(settings, data, state)
    assert same_arrays(before, state.weights | state.optimizer)
    assert state.epoch == 0
