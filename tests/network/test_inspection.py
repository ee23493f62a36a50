"""Probabilities are held against networks built for shorter images, gates against Keras' own cell.

Shape suffixes: B images, S steps, t steps read, F features, U units, K classes.
"""

from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest
from keras import layers

from mnist_seq.config.settings import ModelConfig, Order, Readout
from mnist_seq.data.pixel_format import BYTES, PixelFormat
from mnist_seq.network.inspection import (
    PARTIAL_READOUTS,
    gates,
    load_model,
    probabilities,
    probabilities_after_each_row,
    reader_of_one,
)
from mnist_seq.network.model import Network, build, initial_weights
from mnist_seq.network.training import predict
from mnist_seq.report.inside import accuracy
from tests.examples import config, few

DATA = few()
IMAGES_BSF = DATA.validation.images_NSF[:7]
ROWS = IMAGES_BSF.shape[1]
ORDERS = get_args(Order)


def model_config(readout: str, **changes: Any) -> ModelConfig:
    plain = config("model.units=5").model.model_dump()
    kept = {"readout": readout, "return_sequences": readout != "last"}
    return ModelConfig(**plain | kept | changes)


def network(settings: ModelConfig, rows: int = ROWS) -> Network:
    """Larger weights than fresh ones, so that answers differ from one another."""
    offset_SF, scale_SF = DATA.scaling.offset_SF[:rows], DATA.scaling.scale_SF[:rows]
    built = build(settings, offset_SF, scale_SF, len(DATA.class_names))
    fresh = {variable.path: variable.numpy() for variable in built.model.weights}
    drawn = initial_weights(fresh, 0)
    for variable in built.model.weights:
        if not variable.path.endswith("bias") and "scaling" not in variable.path:
            variable.assign(3 * drawn[variable.path])
    return built


CASES: list[tuple[Readout, dict[str, Any]]] = [
    ("last", {"layers": 2, "dropout": 0.5}),
    ("last", {"bidirectional": True}),
    ("each_step", {"bidirectional": True}),
    ("mean", {"layers": 2, "bidirectional": True, "dropout": 0.5}),
    ("max", {}),
    ("attention", {"layers": 2, "dropout": 0.5}),
    ("max", {"layers": 2, "layer_norm": True}),
    ("mean", {"cell": "gru"}),
]


@pytest.mark.parametrize(("readout", "changes"), CASES)
def test_probabilities_after_some_rows_are_the_answer_to_an_image_of_so_many_rows(
    readout: Readout, changes: dict[str, Any]
) -> None:
    settings = model_config(readout, **changes)
    model = network(settings).model
    probabilities_BSK = probabilities_after_each_row(model, readout, IMAGES_BSF)
    assert probabilities_BSK.shape == (len(IMAGES_BSF), ROWS, 10)
    np.testing.assert_array_equal(probabilities_BSK[:, -1], model.predict(IMAGES_BSF, verbose=0))
    for t in (1, 5):
        # With one row, Keras warns that attention has nothing to choose from.
        if t > 1 or readout != "attention":
            logits = np.asarray(network(settings, t).logits(IMAGES_BSF[:, :t]))
            logits_BK = logits[:, -1] if logits.ndim == 3 else logits
            powers_BK = np.exp(logits_BK)
            expected_BK = powers_BK / powers_BK.sum(axis=1, keepdims=True)
            np.testing.assert_allclose(probabilities_BSK[:, t - 1], expected_BK, atol=2e-6)
    if readout == "attention" or (settings.bidirectional and readout != "each_step"):
        read = reader_of_one(model, readout, IMAGES_BSF.shape[1:])
        for image_SF, probabilities_SK in zip(IMAGES_BSF[:2], probabilities_BSK, strict=False):
            np.testing.assert_allclose(read(image_SF), probabilities_SK, atol=1e-5)


def test_a_network_that_reads_columns_is_asked_after_each_column() -> None:
    by_rows, by_columns = (network(model_config("max", order=each)).model for each in ORDERS[:2])
    turned_BSF = np.swapaxes(IMAGES_BSF, 1, 2)
    np.testing.assert_array_equal(
        probabilities_after_each_row(by_columns, "max", IMAGES_BSF),
        probabilities_after_each_row(by_rows, "max", turned_BSF),
    )


def test_attention_to_one_row_is_that_rows_state() -> None:
    built = network(model_config("attention"))
    states = keras.Model(built.model.input, built.model.get_layer("lstm_1").output)
    kernel_UK, bias_K = built.model.get_layer("logits").get_weights()
    logits_BK = np.asarray(states(IMAGES_BSF))[:, 0] @ kernel_UK + bias_K
    probabilities_BSK = probabilities_after_each_row(built.model, "attention", IMAGES_BSF)
    np.testing.assert_array_equal(probabilities_BSK[:, 0].argmax(axis=1), logits_BK.argmax(axis=1))


def test_flatten_takes_the_states_of_unread_rows_for_zero() -> None:
    built = network(model_config("flatten"))
    states = keras.Model(built.model.input, built.model.get_layer("lstm_1").output)
    states_BSU = np.asarray(states(IMAGES_BSF)).copy()
    kernel, bias_K = built.model.get_layer("logits").get_weights()
    probabilities_BSK = probabilities_after_each_row(built.model, "flatten", IMAGES_BSF)
    own_BK = built.model.predict(IMAGES_BSF, verbose=0)
    np.testing.assert_array_equal(probabilities_BSK[:, -1], own_BK)
    for t in range(ROWS, 0, -1):
        states_BSU[:, t:] = 0
        logits_BK = states_BSU.reshape(len(IMAGES_BSF), -1) @ kernel + bias_K
        powers_BK = np.exp(logits_BK)
        expected_BK = powers_BK / powers_BK.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(probabilities_BSK[:, t - 1], expected_BK, atol=2e-6)


def test_after_the_last_row_probabilities_are_the_saved_models_own_answers(tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    network(model_config("each_step")).model.save(file)
    probabilities_BSK = probabilities_after_each_row(load_model(file), "each_step", IMAGES_BSF)
    np.testing.assert_array_equal(probabilities_BSK[:, -1], predict(file.read_bytes(), IMAGES_BSF))


def test_images_are_answered_however_the_network_wants_them_written(tmp_path: Path) -> None:
    """From 0 to 16 and column by column, or as they are: the same weights say the same."""
    settings = model_config("last")
    offset_SF, scale_SF = DATA.scaling.offset_SF, DATA.scaling.scale_SF
    columns = PixelFormat(pixel_max=16, is_transposed=True)
    plain, written = (
        build(settings, offset_SF, scale_SF, 10, pixel_format).model
        for pixel_format in (BYTES, columns)
    )
    written.set_weights(plain.get_weights())
    images_BSF = columns.images(columns.pixels(IMAGES_BSF))  # values that both can write
    expected_BK = written.predict(columns.pixels(images_BSF), verbose=0)
    for name, model in (("plain", plain), ("written", written)):
        file = tmp_path / f"{name}.keras"
        model.save(file)
        given_BK = probabilities(load_model(file), images_BSF)
        np.testing.assert_allclose(given_BK, expected_BK, rtol=1e-5)


def test_every_readout_is_among_the_cases() -> None:
    assert {readout for readout, _ in CASES} | {"flatten"} == set(get_args(Readout))


def test_rows_that_do_not_end_in_the_networks_answer_are_refused() -> None:
    with pytest.raises(RuntimeError, match="differ from the network's"):
        probabilities_after_each_row(network(model_config("mean")).model, "max", IMAGES_BSF)


def test_every_readout_has_its_partial_answer_and_its_words() -> None:
    assert set(PARTIAL_READOUTS) == set(accuracy.PARTIAL) == set(get_args(Readout))


# --- gates


def cell(lstm: Any, opened: str | None = None) -> Any:
    """Keras' own cell with an LSTM's weights, one of its blocks saturated at one."""
    kernel, recurrent_kernel, bias = (np.copy(array) for array in lstm.get_weights())
    if opened is not None:
        block = ("input", "forget", "candidate", "output").index(opened)
        bias[block * lstm.units : (block + 1) * lstm.units] = 100
    made = layers.LSTMCell(lstm.units)
    made.build((None, kernel.shape[0]))
    made.set_weights([kernel, recurrent_kernel, bias])
    return made


def test_gates_are_those_of_keras_own_cell() -> None:
    built = network(model_config("mean"))
    (found,) = gates(built.model, IMAGES_BSF)
    lstm = built.model.get_layer("lstm_1")
    pixels_BSF = np.asarray(built.model.get_layer("scaling")(IMAGES_BSF))
    zero_BU = np.zeros((len(IMAGES_BSF), 5), np.float32)
    for row in range(ROWS):
        before_BU = np.float32(found.state_MSU[:, row - 1]) if row else zero_BU

        def memory(opened: str | None, start: float, row: int = row, h: Any = before_BU) -> Any:
            _, (_, c) = cell(lstm, opened)(pixels_BSF[:, row], [h, zero_BU + start])
            return np.asarray(c)

        # From an empty memory, the new one is input gate times candidate: with one of the two
        # held at 1 it is the other. A memory of 1 adds the forget gate.
        input_BU, candidate_BU = memory("candidate", 0), memory("input", 0)
        forget_BU = memory(None, 1) - memory(None, 0)
        _, (h, c) = cell(lstm)(pixels_BSF[:, row], [before_BU, zero_BU + 1])
        output_BU = np.asarray(h) / np.tanh(np.asarray(c))
        np.testing.assert_allclose(found.input_MSU[:, row], input_BU, atol=2e-6)
        np.testing.assert_allclose(found.candidate_MSU[:, row], candidate_BU, atol=2e-6)
        np.testing.assert_allclose(found.forget_MSU[:, row], forget_BU, atol=2e-6)
        np.testing.assert_allclose(found.output_MSU[:, row], output_BU, atol=2e-5)


def test_states_and_memory_are_keras_own() -> None:
    built = network(model_config("mean", layers=2, dropout=0.5))
    for found, name in zip(gates(built.model, IMAGES_BSF), ("lstm_1", "lstm_2"), strict=True):
        layer = built.model.get_layer(name)
        states = keras.Model(built.model.input, layer.output)
        assert found.name == name
        np.testing.assert_allclose(found.state_MSU, np.asarray(states(IMAGES_BSF)), atol=2e-6)
        telling = layers.LSTM(5, return_state=True)
        telling.build(layer.input.shape)
        telling.set_weights(layer.get_weights())
        below = keras.Model(built.model.input, layer.input)(IMAGES_BSF)
        _, _, memory_BU = telling(below)
        np.testing.assert_allclose(found.memory_MSU[:, -1], np.asarray(memory_BU), atol=2e-6)


def test_a_layer_that_reads_upwards_is_shown_at_the_rows_it_reads() -> None:
    built = network(model_config("mean", bidirectional=True))
    states = keras.Model(built.model.input, built.model.get_layer("bidirectional_1").output)
    down, up = gates(built.model, IMAGES_BSF)
    assert [down.name, up.name] == ["bidirectional_1, downwards", "bidirectional_1, upwards"]
    both_BSU = np.concatenate([down.state_MSU, up.state_MSU], axis=2)
    np.testing.assert_allclose(both_BSU, np.asarray(states(IMAGES_BSF)), atol=2e-6)
