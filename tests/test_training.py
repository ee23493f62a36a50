"""A training is held against a loop in plain Keras that shares only the images and the order.

Shape suffixes: N images, S steps, F features, K classes, B images a batch.
"""

import itertools
import math
import multiprocessing
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mnist_seq import program, training
from mnist_seq.checkpoint import Checkpoints
from mnist_seq.config import Config, OptimizerName
from mnist_seq.data.dataset import Dataset, digest_of
from mnist_seq.errors import NotFiniteError
from mnist_seq.model import seed_for
from mnist_seq.optimizer import OPTIMIZERS
from mnist_seq.records import Arrays, EpochRecord, State, best_of, is_better
from tests.examples import config, few

Curve = list[tuple[EpochRecord, State]]
# Everything that has a random stream or a memory: order, dropout, momentum, a falling rate.
WITH_MEMORY = ("model.dropout=0.3", "training.schedule=cosine", "training.epochs=4")
# Steps too small for a float32 weight to change by: what differs then is not the network.
STANDING_STILL = ("training.optimizer=sgd", "training.learning_rate=1e-12")


def same_arrays(first: Arrays, second: Arrays) -> bool:
    return first.keys() == second.keys() and all(
        first[name].dtype == second[name].dtype and first[name].tobytes() == second[name].tobytes()
        for name in first
    )


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


def trained(settings: Config, data: Dataset) -> Curve:
    return list(training.train(settings, data))


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


# --- the same as plain Keras


def by_keras(settings: Config, data: Dataset, start: State) -> tuple[list[Any], list[list[float]]]:
    """Weights after the last epoch; loss and accuracy of training and validation after each."""
    chosen, steps = settings.training, math.ceil(len(data.train) / settings.training.batch_size)
    rate: Any = chosen.learning_rate
    if chosen.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, chosen.epochs * steps)
    optimizer = keras.optimizers.get({"class_name": chosen.optimizer, "config": {}})
    optimizer = type(optimizer)(learning_rate=rate, global_clipnorm=chosen.clip_norm)
    each_step = settings.model.readout == "each_step"
    network = keras.Sequential(
        [
            keras.Input(data.train.images_NSF.shape[1:]),
            *(
                layers.LSTM(
                    settings.model.units,
                    return_sequences=each_step or depth < settings.model.layers,
                )
                for depth in range(1, settings.model.layers + 1)
            ),
            layers.Dense(len(data.class_names), activation="softmax"),
        ]
    )
    network.set_weights(list(start.weights.values()))

    def judged(images_BSF: Any, labels_B: Any, is_training: bool) -> tuple[Any, Any]:
        answers = network(images_BSF / np.float32(255), training=is_training)
        last_BK = answers[:, -1] if each_step else answers
        if each_step:
            labels_B = np.repeat(labels_B[:, None], answers.shape[1], axis=1)
        loss = keras.losses.SparseCategoricalCrossentropy()(labels_B, answers)
        return loss, last_BK.numpy().argmax(axis=1)

    curve = []
    for epoch in range(1, chosen.epochs + 1):
        order = np.random.default_rng(seed_for(settings.seed, f"order/epoch {epoch}"))
        order_N = order.permutation(len(data.train))
        loss_sum = hits = 0.0
        for step in range(steps):
            batch = data.train.take(
                order_N[step * chosen.batch_size : (step + 1) * chosen.batch_size]
            )
            with tf.GradientTape() as tape:
                loss, answers_B = judged(batch.images_NSF, batch.labels_N, True)
            optimizer.apply(
                tape.gradient(loss, network.trainable_variables), network.trainable_variables
            )
            loss_sum += float(loss) * len(batch)
            hits += (answers_B == batch.labels_N).sum()
        loss, answers_N = judged(data.validation.images_NSF, data.validation.labels_N, False)
        accuracy = (answers_N == data.validation.labels_N).mean()
        size = len(data.train)
        curve.append([loss_sum / size, hits / size, float(loss), float(accuracy)])
    return network.get_weights(), curve


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("training.clip_norm=0.02",),
        ("training.schedule=cosine",),
        ("training.optimizer=rmsprop", "training.batch_size=300"),  # more than there are
        ("model.layers=2",),
        ("model.return_sequences=true", "model.readout=each_step"),
    ],
)
def test_an_epoch_is_that_of_a_plain_keras_loop(overrides: tuple[str, ...]) -> None:
    settings, data = config(*overrides), few()
    curve = trained(settings, data)
    weights, expected = by_keras(settings, data, training.begin(settings, data))
    for (record, _), figures in zip(curve, expected, strict=True):
        assert [
            record.train_loss,
            record.train_accuracy,
            record.validation_loss,
            record.validation_accuracy,
        ] == pytest.approx(figures, abs=1e-5)
    ours: Any
    for ours, keras_own in zip(curve[-1][1].weights.values(), weights, strict=True):
        np.testing.assert_allclose(ours, keras_own, atol=2e-5)


def test_clipping_at_that_length_does_shorten_gradients() -> None:
    free, clipped = (
        trained(config("training.epochs=1", *clip), few())[0][1]
        for clip in ((), ("training.clip_norm=0.02",))
    )
    assert not same_arrays(free.weights, clipped.weights)


def test_the_cosine_begins_at_the_rate_and_would_reach_zero_after_the_last_step() -> None:
    settings = config("training.schedule=cosine", "training.epochs=4").training
    rates_T = np.concatenate([training.learning_rates(settings, e, 5) for e in (1, 2, 3, 4)])
    assert rates_T[0] == settings.learning_rate
    assert rates_T[10] == pytest.approx(settings.learning_rate / 2)
    assert all(later < earlier for earlier, later in itertools.pairwise(rates_T))
    assert 0 < rates_T[-1] < 0.01 * settings.learning_rate


def test_a_record_names_the_rate_of_its_first_step() -> None:
    settings = config("training.schedule=cosine")
    rates = [record.learning_rate for record, _ in trained(settings, few())]
    third = 0.01 * (1 + math.cos(math.pi / 3)) / 2
    assert rates == pytest.approx([0.01, third, 0.01 - third])


@pytest.mark.parametrize(
    ("optimizer", "rate"),
    [
        ("adadelta", 10),
        ("adagrad", 0.05),
        ("adam", 0.01),
        ("adamax", 0.01),
        ("adamw", 0.01),
        ("lamb", 0.1),
        ("lion", 0.003),
        ("nadam", 0.01),
        ("rmsprop", 0.01),
        ("sgd", 0.1),
    ],
)
def test_every_optimizer_learns(optimizer: OptimizerName, rate: float) -> None:
    settings = config(f"training.optimizer={optimizer}", f"training.learning_rate={rate}")
    losses = [record.train_loss for record, _ in trained(settings, few())]
    assert losses[0] > losses[1] > losses[2]


def test_every_optimizer_that_a_config_may_name_can_be_built_and_no_other() -> None:
    assert set(OPTIMIZERS) == set(get_args(OptimizerName))
    stock = keras.optimizers
    for name, kind in OPTIMIZERS.items():
        assert getattr(stock, kind.__name__) is kind
        assert kind.__name__.lower() == name


# --- every image counts once


@pytest.mark.parametrize("count", [1, 499, 500, 501, 1000, 1001])
def test_validation_covers_every_image(count: int) -> None:
    settings, data = config(), few()
    state = trained(settings, data)[-1][1]
    part = few("digits", 1100, 1).train.take(slice(count))
    assert len(part) == count
    model = training.finish(settings, data, state).model
    one = program.program_for(settings, data)
    one.restore(state.best_weights)
    probabilities_NK = training.predict(model, part.images_NSF)
    surprise_N = -np.log(probabilities_NK[np.arange(count), part.labels_N])
    loss, accuracy = one.evaluate(part)
    assert loss == pytest.approx(surprise_N.mean(), rel=1e-5)
    assert accuracy == (probabilities_NK.argmax(axis=1) == part.labels_N).mean()


def test_training_figures_are_over_every_image_of_the_epoch_once() -> None:
    # While the network stands still, the epoch's means are those of one look at all images.
    settings, data = config(*STANDING_STILL, "training.epochs=1"), few()
    ((record, _),) = trained(settings, data)
    one = program.program_for(settings, data)
    loss, accuracy = one.evaluate(data.train)
    assert record.train_loss == pytest.approx(loss, rel=1e-5)
    assert record.train_accuracy == accuracy


# --- the same config and seed, the same curve


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


# --- dropout


def losses_standing_still(data: Dataset, *overrides: str) -> list[float]:
    settings = config(*STANDING_STILL, *overrides)
    return [record.train_loss for record, _ in trained(settings, data)]


def test_without_dropout_a_network_that_stands_still_has_one_loss() -> None:
    losses = losses_standing_still(few())
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-6)


def test_dropout_differs_from_epoch_to_epoch_and_repeats_with_the_seed() -> None:
    overrides = ("model.dropout=0.5", "training.epochs=5")
    losses = losses_standing_still(few(), *overrides)
    gaps = [abs(a - b) for n, a in enumerate(losses) for b in losses[:n]]
    assert min(gaps) > 1e-5  # rounding alone leaves 1e-6 at most: the claim before this one
    assert losses_standing_still(few(), *overrides) == losses
    assert losses_standing_still(few(), *overrides, "seed=1") != losses


def test_every_batch_of_an_epoch_has_a_mask_of_its_own() -> None:
    # 64 times the same image, one a batch. One mask for all of them would leave an epoch's loss to
    # the luck of that one mask; 64 masks leave an eighth of it.
    data = few()
    image = data.train.take(np.zeros(64, np.intp))
    digest = digest_of(image, data.validation, data.class_names, data.scaling)
    data = replace(data, train=image, digest=digest)
    dropout = ("model.dropout=0.5", "training.batch_size=1", "training.epochs=30")
    losses = losses_standing_still(data, *dropout)

    one = program.program_for(config(*STANDING_STILL, *dropout), data)
    one.restore(training.begin(config(*STANDING_STILL, *dropout), data).weights)
    read = keras.Model(one.network.model.input, one.network.model.get_layer("lstm_1").output)
    state_U = read(image.images_NSF[:1]).numpy()[0]
    kernel_UK, bias_K = one.network.model.get_layer("logits").get_weights()
    masks_MU = 2 * np.array(list(itertools.product([0, 1], repeat=len(state_U))))
    logits_MK = (masks_MU * state_U) @ kernel_UK + bias_K
    loss_M = np.log(np.exp(logits_MK).sum(axis=1)) - logits_MK[:, image.labels_N[0]]
    assert np.mean(losses) == pytest.approx(loss_M.mean(), abs=loss_M.std() / 10)
    assert np.std(losses) == pytest.approx(loss_M.std() / 8, rel=0.5)


# --- the best epoch


def record_of(epoch: int, accuracy: float, loss: float = 1.0) -> EpochRecord:
    return EpochRecord(epoch, 1.0, 0.5, loss, accuracy, 0.01, 1.0, 1.0)


def test_of_equal_epochs_the_earliest_is_best() -> None:
    curve = [record_of(1, 0.5), record_of(2, 0.9), record_of(3, 0.9), record_of(4, 0.7)]
    assert best_of(curve, "validation_accuracy").epoch == 2
    assert best_of(curve, "validation_loss").epoch == 1
    assert not is_better(curve[2], curve[1], "validation_accuracy")


def test_the_best_epoch_has_the_least_loss_where_that_is_watched() -> None:
    curve = [record_of(1, 0.9, 0.5), record_of(2, 0.5, 0.2), record_of(3, 0.7, 0.3)]
    assert best_of(curve, "validation_loss").epoch == 2
    assert best_of(curve, "validation_accuracy").epoch == 1


def test_a_network_that_stands_still_is_best_at_once() -> None:
    curve = trained(config(*STANDING_STILL), few())
    assert [state.best_epoch for _, state in curve] == [1, 1, 1]


@pytest.mark.parametrize("monitor", ["validation_accuracy", "validation_loss"])
def test_the_model_is_that_of_the_best_epoch(monitor: str) -> None:
    settings = config(
        "training.learning_rate=1", "training.epochs=6", f"training.monitor={monitor}"
    )
    data = few()
    curve = trained(settings, data)
    state = curve[-1][1]
    result = training.finish(settings, data, state)
    assert (
        result.best_epoch
        == best_of([record for record, _ in curve], settings.training.monitor).epoch
    )
    assert result.best_epoch < 6, "a rate this high is to overshoot: else this claims nothing"
    assert same_arrays(state.best_weights, curve[result.best_epoch - 1][1].weights)
    answers_N = training.predict(result.model, data.validation.images_NSF).argmax(axis=1)
    accuracy = (answers_N == data.validation.labels_N).mean()
    assert accuracy == pytest.approx(result.best.validation_accuracy, abs=1e-6)
    assert result.records == state.records


# --- what cannot be trained


def test_a_loss_that_is_not_finite_is_said_with_its_epoch_and_settings() -> None:
    # LAMB's step is as long as the weights themselves times the rate: they grow without end.
    settings = config("training.optimizer=lamb", "training.learning_rate=100")
    with pytest.raises(
        NotFiniteError, match=r"not finite after epoch 2 .*batch_size 28, learning_rate 100\)"
    ):
        trained(settings, few())


# --- programs are kept


def test_one_program_serves_all_that_do_not_change_its_shape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = few()
    monkeypatch.setattr(program, "_programs", {})
    for override in (
        "training.learning_rate=0.02",
        "seed=1",
        "training.schedule=cosine",
        "training.clip_norm=2.0",
        "training.epochs=1",
        "training.monitor=validation_loss",
    ):
        trained(config("training.clip_norm=1.0", override), data)
    (one,) = program._programs.values()
    assert one._train.experimental_get_tracing_count() == 1
    assert one._answer.experimental_get_tracing_count() == 1


@pytest.mark.parametrize(
    "override",
    [
        "model.units=7",
        "training.batch_size=50",
        "training.optimizer=sgd",
        "training.clip_norm=1.0",
    ],
)
def test_what_changes_the_shape_has_a_program_of_its_own(override: str) -> None:
    assert program.program_for(config(override), few()) is not program.program_for(config(), few())


def test_digits_and_mnist_have_programs_of_their_own() -> None:
    small, large = (
        program.program_for(config(f"data={source}"), few(source)) for source in ("digits", "mnist")
    )
    assert small.network.model.input_shape == (None, 8, 8)
    assert large.network.model.input_shape == (None, 28, 28)


# --- leaves no trace


def test_finishing_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings, data = config(), few()
    result = training.finish(settings, data, trained(settings, data)[-1][1])
    assert not list(tmp_path.iterdir())
    assert result.parameters == 4 * (8 * 6 + 6 * 6 + 6) + 6 * 10 + 10
