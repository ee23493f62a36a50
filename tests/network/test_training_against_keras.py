"""A training is held against a loop in plain Keras that shares only the images and the order.

Shape suffixes: N images, S steps, F features, K classes, B images a batch.
"""

import itertools
import math
from typing import Any, get_args

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mnist_seq.config.settings import Config, OptimizerName
from mnist_seq.data.dataset import Dataset
from mnist_seq.network import program, training
from mnist_seq.network.model import seed_for
from mnist_seq.network.optimizer import OPTIMIZERS
from mnist_seq.records import TrainingState
from tests.examples import few
from tests.network.trainings import STANDING_STILL, WITH_DROPOUT, config, same_arrays, trained

# Shapes of other optimizers, each for two tests: its program takes 1 s or 2 s to compile.
RMSPROP = ("training.optimizer=rmsprop", "training.batch_size=300")  # more images than there are
NADAM = (
    "training.optimizer=nadam",
    "training.batch_size=60",
    "model.layers=2",
    "model.return_sequences=true",
    "model.readout=each_step",
)
# Every addition to the plain training at once, and a warm-up that ends inside an epoch.
REGULARIZED = (
    "training.schedule=cosine",
    "training.warmup_epochs=0.6",
    "training.weight_decay=0.3",
    "training.label_smoothing=0.2",
    "training.ema_momentum=0.7",
)


def by_keras(
    settings: Config, data: Dataset, start: TrainingState
) -> tuple[list[Any], list[list[float]]]:
    """Weights after the last epoch; loss and accuracy of training and validation after each."""
    chosen, steps = settings.training, math.ceil(len(data.train) / settings.training.batch_size)
    rate: Any = chosen.learning_rate
    if chosen.schedule == "cosine":
        warm = round(chosen.warmup_epochs * steps)
        whole = chosen.epochs * steps
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warm else rate,
            whole - warm,
            warmup_target=rate if warm else None,
            warmup_steps=warm,
        )
    optimizer = keras.optimizers.get({"class_name": chosen.optimizer, "config": {}})
    optimizer = type(optimizer)(
        learning_rate=rate,
        global_clipnorm=chosen.clip_norm,
        weight_decay=chosen.weight_decay or optimizer.weight_decay,
        use_ema=chosen.ema_momentum is not None,
        ema_momentum=chosen.ema_momentum or 0,
    )
    cell = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}
    each_step = settings.model.readout == "each_step"
    network = keras.Sequential(
        [
            keras.Input(data.train.images_NSF.shape[1:]),
            *(
                cell[settings.model.cell](
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
        smoothing = chosen.label_smoothing if is_training else 0
        targets = keras.utils.to_categorical(labels_B, len(data.class_names))
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)(targets, answers)
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
        own = network.get_weights()
        optimizer.finalize_variable_values(network.trainable_variables)
        loss, answers_N = judged(data.validation.images_NSF, data.validation.labels_N, False)
        network.set_weights(own)
        accuracy = (answers_N == data.validation.labels_N).mean()
        size = len(data.train)
        curve.append([loss_sum / size, hits / size, float(loss), float(accuracy)])
    return network.get_weights(), curve


@pytest.mark.parametrize(
    "overrides",
    [
        ("training.schedule=cosine", "training.clip_norm=0.02"),
        RMSPROP,
        NADAM,
        REGULARIZED,
        ("model.cell=gru",),
        ("model.cell=simple_rnn",),
    ],
)
def test_an_epoch_is_that_of_a_plain_keras_loop(overrides: tuple[str, ...]) -> None:
    settings, data = config(*overrides, "training.epochs=2"), few()
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


def test_what_is_kept_of_a_training_with_averages_is_the_average() -> None:
    settings, data = config("training.ema_momentum=0.7", "training.epochs=1"), few()
    ((_, state),) = trained(settings, data)
    averages = [array for name, array in state.optimizer.items() if name.startswith("average")]
    best = np.concatenate([array.ravel() for array in state.best_weights.values()])
    assert best.tobytes() == np.concatenate([each.ravel() for each in averages]).tobytes()
    assert not same_arrays(state.best_weights, state.weights)


def test_without_averages_validation_is_of_the_weights_themselves() -> None:
    ((_, state),) = trained(config("training.epochs=1"), few())
    assert state.best_weights is state.weights


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
    ("optimizer", "rate", "shape"),
    [
        ("adam", 0.01, ()),
        ("nadam", 0.01, NADAM),
        pytest.param("adadelta", 10, (), marks=pytest.mark.slow),
        pytest.param("adagrad", 0.05, (), marks=pytest.mark.slow),
        pytest.param("adamax", 0.01, (), marks=pytest.mark.slow),
        pytest.param("adamw", 0.02, WITH_DROPOUT, marks=pytest.mark.slow),
        pytest.param("lamb", 0.1, (), marks=pytest.mark.slow),
        pytest.param("lion", 0.003, (), marks=pytest.mark.slow),
        pytest.param("rmsprop", 0.01, RMSPROP, marks=pytest.mark.slow),
        pytest.param("sgd", 0.1, (), marks=pytest.mark.slow),
    ],
)
def test_every_optimizer_learns(
    optimizer: OptimizerName, rate: float, shape: tuple[str, ...]
) -> None:
    settings = config(f"training.optimizer={optimizer}", f"training.learning_rate={rate}", *shape)
    losses = [record.train_loss for record, _ in trained(settings, few())]
    assert losses[0] > losses[1] > losses[2]


def test_every_optimizer_that_a_config_may_name_can_be_built_and_no_other() -> None:
    assert set(OPTIMIZERS) == set(get_args(OptimizerName))
    stock = keras.optimizers
    for name, kind in OPTIMIZERS.items():
        assert getattr(stock, kind.__name__) is kind
        assert kind.__name__.lower() == name


# --- every image counts once


def test_validation_covers_every_image() -> None:
    settings, data = config(), few()
    state = trained(settings, data)[-1][1]
    images = few("digits", 1100, 1).train
    model = training.finish(settings, data, state).model
    one = program.program_for(settings, data)
    one.restore(state.best_weights)
    probabilities_NK = training.predict(model, images.images_NSF)
    surprise_N = -np.log(probabilities_NK[np.arange(len(images)), images.labels_N])
    is_right_N = probabilities_NK.argmax(axis=1) == images.labels_N
    size = program.EVALUATION_BATCH_SIZE
    for count in (1, size - 1, size, size + 1):
        part = images.take(slice(count))
        assert len(part) == count
        loss, accuracy = one.evaluate(part)
        assert loss == pytest.approx(surprise_N[:count].mean(), rel=1e-5)
        assert accuracy == is_right_N[:count].mean()


def test_training_figures_are_over_every_image_of_the_epoch_once() -> None:
    # While the network stands still, the epoch's means are those of one look at all images.
    settings, data = config(*STANDING_STILL, "training.epochs=1"), few()
    ((record, _),) = trained(settings, data)
    one = program.program_for(settings, data)
    loss, accuracy = one.evaluate(data.train)
    assert record.train_loss == pytest.approx(loss, rel=1e-5)
    assert record.train_accuracy == accuracy
