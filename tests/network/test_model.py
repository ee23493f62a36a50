"""Networks are held against counts by hand and NumPy's own arithmetic.

Shape suffixes: B images, S steps, F features, U units, K classes.
"""

import functools
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray

from mnist_seq.config.settings import DataConfig, ModelConfig, Readout
from mnist_seq.data.pixel_format import PixelFormat
from mnist_seq.data.scaling import SCALINGS
from mnist_seq.errors import ConfigError
from mnist_seq.network.model import CELLS, INITIALIZERS, READOUTS, Network, build, initial_weights
from tests.examples import config, few

Floats = NDArray[np.floating]
IMAGES_BSF = few("mnist").validation.images_NSF[:4]
READOUT_NAMES = list(get_args(Readout))


def model_config(**changes: Any) -> ModelConfig:
    readout = changes.get("readout", "last")
    plain = config("model.units=6").model.model_dump()
    return ModelConfig(**plain | {"return_sequences": readout != "last"} | changes)


@functools.cache
def network(settings: ModelConfig, scaling: str = "unit", seed: int | None = 0) -> Network:
    fitted = SCALINGS[scaling](few("mnist").train.images_NSF)
    built = build(settings, fitted.offset_SF, fitted.scale_SF, 10)
    if seed is not None:
        weights = drawn_for(built, seed)
        for variable in built.model.weights:
            variable.assign(weights[variable.path])
    return built


def arrays(built: Network) -> dict[str, Floats]:
    return {variable.path: variable.numpy() for variable in built.model.weights}


def drawn_for(built: Network, seed: int) -> dict[str, Floats]:
    weights: Any = initial_weights(dict(arrays(built)), seed)
    return dict(weights)


def output_of(built: Network, layer: str, images_BSF: NDArray[np.uint8]) -> Floats:
    part = keras.Model(built.model.input, built.model.get_layer(layer).output)
    return np.asarray(part(images_BSF).numpy())


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


# --- size


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        # One LSTM of 50 on 28 pixels: 4 * (28 * 50 + 50 * 50 + 50) = 15,800;
        # a softmax of 10 on 50: 50 * 10 + 10 = 510.
        ({}, 15_800 + 510),
        ({"readout": "each_step"}, 15_800 + 510),
        ({"readout": "mean"}, 15_800 + 510),
        ({"readout": "max"}, 15_800 + 510),
        ({"readout": "flatten"}, 15_800 + 28 * 50 * 10 + 10),
        ({"readout": "attention"}, 15_800 + 510 + 50 + 1),
        ({"dropout": 0.5}, 15_800 + 510),
        # The second reads 50: 4 * (50 * 50 + 50 * 50 + 50) = 20,200.
        ({"layers": 2}, 15_800 + 20_200 + 510),
        ({"layers": 3}, 15_800 + 2 * 20_200 + 510),
        # Both directions: twice, and what reads them reads 100.
        ({"bidirectional": True}, 2 * 15_800 + 1_010),
        ({"bidirectional": True, "readout": "attention"}, 2 * 15_800 + 1_010 + 101),
        ({"bidirectional": True, "layers": 2}, 2 * 15_800 + 2 * 30_200 + 1_010),
    ],
)
def test_the_number_of_parameters_is_that_counted_by_hand(
    changes: dict[str, Any], parameters: int
) -> None:
    assert network(model_config(units=50, **changes)).model.count_params() == parameters


# --- what it computes


@pytest.mark.parametrize("scaling", get_args(DataConfig.model_fields["scaling"].annotation))
def test_pixels_enter_as_their_distance_from_the_offset_in_scales(scaling: str) -> None:
    fitted = SCALINGS[scaling](few("mnist").train.images_NSF)
    expected_BSF = (IMAGES_BSF.astype(np.float64) - fitted.offset_SF) / fitted.scale_SF
    entered_BSF = output_of(network(model_config(), scaling), "scaling", IMAGES_BSF)
    np.testing.assert_allclose(entered_BSF, expected_BSF, rtol=1e-6, atol=1e-6)


def lstm_by_hand(pixels_SF: Floats, kernel: Floats, recurrent: Floats, bias: Floats) -> Floats:
    """Every state [S, U] of one LSTM: Hochreiter & Schmidhuber's, with Gers' forget gate."""
    state_U = memory_U = np.zeros(len(recurrent))
    states = []
    for row_F in pixels_SF:
        gates = np.split(row_F @ kernel + state_U @ recurrent + bias, 4)
        entry_U, forget_U, exit_U = (1 / (1 + np.exp(-gates[gate])) for gate in (0, 1, 3))
        memory_U = forget_U * memory_U + entry_U * np.tanh(gates[2])
        state_U = exit_U * np.tanh(memory_U)
        states.append(state_U)
    return np.array(states)


def test_an_image_is_read_row_by_row_from_the_top() -> None:
    built = network(model_config())
    kernel, recurrent, bias, kernel_UK, bias_K = arrays(built).values()
    for image_SF in IMAGES_BSF:
        states_SU = lstm_by_hand(image_SF / 255, kernel, recurrent, bias)
        expected_K = softmax(states_SU[-1] @ kernel_UK + bias_K)
        np.testing.assert_allclose(built.model(image_SF[None]).numpy()[0], expected_K, atol=1e-5)


def test_bidirectional_reads_from_the_bottom_as_well() -> None:
    built = network(model_config(bidirectional=True))
    down, up = np.split(np.array(list(arrays(built).values())[:6], dtype=object), 2)
    states_BU = output_of(built, "bidirectional_1", IMAGES_BSF)
    for image_SF, state_U in zip(IMAGES_BSF / 255, states_BU, strict=True):
        expected_U = [lstm_by_hand(image_SF, *down)[-1], lstm_by_hand(image_SF[::-1], *up)[-1]]
        np.testing.assert_allclose(state_U, np.concatenate(expected_U), atol=1e-5)


def test_columns_are_the_rows_of_the_image_turned_over() -> None:
    by_rows, by_columns = (network(model_config(order=order)) for order in ("rows", "columns"))
    turned_BSF = np.swapaxes(IMAGES_BSF, 1, 2)
    np.testing.assert_array_equal(by_columns.model(IMAGES_BSF), by_rows.model(turned_BSF))


def test_both_reads_a_row_and_the_column_of_the_same_number_in_a_step() -> None:
    built = network(model_config(order="both"))
    kernel, recurrent, bias, *_ = arrays(built).values()
    states_BU = output_of(built, "lstm_1", IMAGES_BSF)
    for image_SF, state_U in zip(IMAGES_BSF / 255, states_BU, strict=True):
        side_by_side = np.concatenate([image_SF, image_SF.T], axis=1)
        expected_U = lstm_by_hand(side_by_side, kernel, recurrent, bias)[-1]
        np.testing.assert_allclose(state_U, expected_U, atol=1e-5)


def test_both_needs_square_images() -> None:
    wide = np.zeros((6, 5), "float32"), np.ones((6, 5), "float32")
    with pytest.raises(ConfigError, match=r"square images \(got 6 rows of 5 pixels\)"):
        build(model_config(order="both"), *wide, 3)


def test_normalised_outputs_have_mean_zero_and_variance_one_at_every_step() -> None:
    built = network(model_config(layer_norm=True, readout="mean"))
    normalised_BSU = output_of(built, "norm_1", IMAGES_BSF)
    variance_BSU = output_of(built, "lstm_1", IMAGES_BSF).var(axis=-1)
    np.testing.assert_allclose(normalised_BSU.mean(axis=-1), 0, atol=1e-4)
    # Keras adds 0.001 to the variance, lest it divides by zero.
    expected_BS = variance_BSU / (variance_BSU + 0.001)
    np.testing.assert_allclose(normalised_BSU.var(axis=-1), expected_BS, rtol=1e-3)


def attention_by_hand(states_BSU: Floats, weights: dict[str, Floats]) -> Floats:
    scores_BS = states_BSU @ weights["attention_score/kernel"] + weights["attention_score/bias"]
    return np.asarray((softmax(scores_BS[..., 0])[..., None] * states_BSU).sum(axis=1))


@pytest.mark.parametrize(
    ("readout", "read"),
    [
        ("each_step", lambda states_BSU, _: states_BSU[:, -1]),
        ("mean", lambda states_BSU, _: states_BSU.mean(axis=1)),
        ("max", lambda states_BSU, _: states_BSU.max(axis=1)),
        ("flatten", lambda states_BSU, _: states_BSU.reshape(len(states_BSU), -1)),
        ("attention", attention_by_hand),
    ],
)
def test_a_readout_is_its_formula(readout: str, read: Any) -> None:
    built = network(model_config(readout=readout))
    weights = arrays(built)
    states_BSU = output_of(built, "lstm_1", IMAGES_BSF)
    logits_BK = read(states_BSU, weights) @ weights["logits/kernel"] + weights["logits/bias"]
    np.testing.assert_allclose(built.model(IMAGES_BSF).numpy(), softmax(logits_BK), atol=1e-5)


def test_each_step_answers_after_every_row_and_the_last_answer_counts() -> None:
    built = network(model_config(readout="each_step"))
    logits_BSK = built.logits(IMAGES_BSF).numpy()
    assert logits_BSK.shape == (4, 28, 10)
    np.testing.assert_allclose(
        built.model(IMAGES_BSF).numpy(), softmax(logits_BSK[:, -1]), atol=1e-6
    )


@pytest.mark.parametrize("readout", READOUT_NAMES)
def test_probabilities_are_not_negative_and_sum_to_one(readout: str) -> None:
    probabilities_BK = network(model_config(readout=readout)).model(IMAGES_BSF).numpy()
    assert probabilities_BK.shape == (4, 10)
    assert (probabilities_BK >= 0).all()
    np.testing.assert_allclose(probabilities_BK.sum(axis=1), 1, rtol=1e-6)


def test_every_readout_that_a_config_may_name_is_there_and_no_other() -> None:
    assert set(READOUTS) == set(READOUT_NAMES)


def test_dropout_drops_the_same_units_after_every_row_and_only_in_training() -> None:
    built = network(model_config(dropout=0.5, readout="mean", units=32))
    part = keras.Model(
        built.model.input,
        [built.model.get_layer(name).output for name in ("lstm_1", "dropout_1")],
    )
    # On black rows alone a state is exactly zero, dropped or not: these images begin with white.
    images_BSF = 255 - IMAGES_BSF
    before_BSU, after_BSU = (states.numpy() for states in part(images_BSF, training=True))
    kept_BSU = after_BSU != 0
    assert (kept_BSU == kept_BSU[:, :1]).all()
    assert 0.3 < kept_BSU[:, 0].mean() < 0.7
    assert not (kept_BSU[0] == kept_BSU[1]).all()
    np.testing.assert_allclose(after_BSU[kept_BSU], 2 * before_BSU[kept_BSU], rtol=1e-6)
    still = part(images_BSF, training=False)
    np.testing.assert_array_equal(still[0], still[1])


# --- first weights


def drawn(seed: int = 0, **changes: Any) -> dict[str, Floats]:
    built = network(model_config(**{"units": 64} | changes), seed=None)
    return drawn_for(built, seed)


def test_kernels_are_uniform_up_to_glorots_limit() -> None:
    for path, (entries, exits) in {"lstm_1/lstm_cell": (28, 256), "logits": (64, 10)}.items():
        kernel = drawn()[f"{path}/kernel"]
        limit = np.sqrt(6 / (entries + exits))  # Glorot & Bengio 2010, eq. 16
        assert kernel.shape == (entries, exits)
        assert 0.98 * limit < np.abs(kernel).max() <= limit
        assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)


def test_recurrent_kernels_turn_and_do_not_stretch() -> None:
    recurrent = drawn()["lstm_1/lstm_cell/recurrent_kernel"]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(64), atol=1e-5)


def test_only_the_forget_gates_begin_open() -> None:
    weights = drawn(layers=2, bidirectional=True, readout="attention")
    for path, bias in weights.items():
        if path.endswith("lstm_cell/bias"):
            np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 64))
        elif path.endswith("bias"):
            assert not bias.any()


def test_first_weights_depend_on_the_seed_alone() -> None:
    zero, again, one = drawn(0), drawn(0), drawn(1)
    for path, array in zero.items():
        np.testing.assert_array_equal(array, again[path])
        assert path.endswith("bias") or (array != one[path]).any()


def test_a_layers_first_weights_do_not_depend_on_the_other_layers() -> None:
    one, two = drawn(), drawn(layers=2, dropout=0.5)
    assert one.keys() < two.keys()
    for path, array in one.items():
        np.testing.assert_array_equal(array, two[path])
    kernels = [array for path, array in two.items() if path.endswith("recurrent_kernel")]
    assert (kernels[0] != kernels[1]).any()


def test_initializers_are_those_that_keras_would_use() -> None:
    for layer in CELLS.values():
        assert type(layer(1).cell.kernel_initializer) is INITIALIZERS["kernel"]
        assert type(layer(1).cell.recurrent_initializer) is INITIALIZERS["recurrent_kernel"]
    assert type(layers.Dense(1).kernel_initializer) is INITIALIZERS["kernel"]
    names = {path.rpartition("/")[2] for path in drawn(readout="attention")}
    assert names == {*INITIALIZERS, "bias"}, "a weight of another name would stay as it was built"


# --- stock layers only


def test_every_layer_is_kerass_own() -> None:
    two_more = network(model_config(layers=2, bidirectional=True, dropout=0.5))
    for built in [two_more, *(network(model_config(readout=name)) for name in READOUT_NAMES)]:
        assert all(type(layer).__module__.startswith("keras.") for layer in built.model.layers)


@pytest.mark.parametrize(
    ("pixel_format", "changes"),
    [
        (PixelFormat(16), {}),
        (PixelFormat(1, has_fractions=True), {"readout": "attention", "dropout": 0.5}),
        (PixelFormat(100, True, is_transposed=True), {"layers": 2, "bidirectional": True}),
        (PixelFormat(255, has_fractions=True), {"readout": "each_step"}),
        (PixelFormat(is_transposed=True), {"readout": "flatten"}),
        (PixelFormat(16), {"cell": "gru", "order": "both", "layer_norm": True}),
    ],
)
def test_a_saved_network_takes_the_numbers_of_the_file(
    pixel_format: PixelFormat, changes: dict[str, Any], tmp_path: Path
) -> None:
    scaling = SCALINGS["standard"](few("mnist").train.images_NSF)
    arguments = model_config(**changes), scaling.offset_SF, scaling.scale_SF, 10
    of_bytes, of_file = build(*arguments), build(*arguments, pixel_format)
    of_file.model.set_weights(of_bytes.model.get_weights())
    of_file.model.save(tmp_path / "model.keras")

    saved = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    numbers_BSF = pixel_format.pixels(IMAGES_BSF)
    np.testing.assert_array_equal(
        saved.predict(numbers_BSF, verbose=0),
        of_bytes.model.predict(pixel_format.images(numbers_BSF), verbose=0),
    )
    assert saved.count_params() == of_bytes.model.count_params()


def test_a_network_of_bytes_has_no_layers_before_the_scaling() -> None:
    assert [layer.name for layer in network(model_config()).model.layers[:2]] == [
        "pixels",
        "scaling",
    ]
