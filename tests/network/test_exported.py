"""Networks in other programs' formats, read by these programs' own runtimes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_seq.config.settings import ModelConfig, NetworkFormat
from mnist_seq.data.pixel_format import BYTES, PixelFormat
from mnist_seq.errors import ConfigError, TrackingError
from mnist_seq.network import exported

SHAPE = (9, 7)


def network(
    path: Path,
    pixel_format: PixelFormat = BYTES,
    shape: tuple[int, int] = SHAPE,
    **settings: Any,
) -> Any:
    """A network with weights that make its answers differ, saved and loaded."""
    import keras

    from mnist_seq.network.inspection import load_model
    from mnist_seq.network.model import build

    readout = settings.get("readout", "last")
    defaults = {"units": 5, "layers": 1, "bidirectional": False, "dropout": 0.3}
    config = ModelConfig(
        **{**defaults, "readout": readout, "return_sequences": readout != "last", **settings}
    )
    random = np.random.default_rng(3)
    offset_SF, scale_SF = random.uniform(0, 50, shape), random.uniform(50, 200, shape)
    numbers = (offset_SF.astype(np.float32), scale_SF.astype(np.float32))
    model = build(config, *numbers, 4, pixel_format).model
    for variable in model.trainable_variables:
        variable.assign(random.normal(0, 0.6, variable.shape))
    assert isinstance(model, keras.Model)
    model.save(path)
    return load_model(path)


@pytest.mark.slow
@pytest.mark.parametrize("wanted", ["onnx", "litert"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"layers": 2},
        {"bidirectional": True},
        {"readout": "each_step"},
        {"readout": "mean", "bidirectional": True, "layers": 2},
        {"readout": "max"},
        {"readout": "flatten"},
        {"readout": "attention", "bidirectional": True},
        {"pixel_format": PixelFormat(1.0, True, True)},
        {"cell": "gru", "layers": 2},
        {"cell": "simple_rnn", "bidirectional": True},
        {"order": "columns"},
        {"order": "both", "shape": (8, 8)},
        {"layer_norm": True},
    ],
)
def test_a_file_answers_as_the_keras_network(
    wanted: NetworkFormat, settings: dict[str, Any], tmp_path: Path
) -> None:
    model = network(tmp_path / "network.keras", **settings)
    shape = (40, *settings.get("shape", SHAPE))
    images_NSF = np.random.default_rng(4).integers(0, 256, shape, dtype=np.uint8)
    pixels_NSF = settings.get("pixel_format", BYTES).pixels(images_NSF)
    _, answers_NK = exported.export(model, wanted, pixels_NSF)
    expected_NK = model.predict(pixels_NSF, verbose=0)
    assert np.ptp(expected_NK, axis=0).max() > 0.01, "a network that tells nothing apart"
    np.testing.assert_allclose(answers_NK, expected_NK, atol=1e-5)


def test_what_a_converter_does_not_know_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=r"^format=onnx: cannot hold this network \(.+\)$"):
        exported.export(object(), "onnx", np.zeros((1, *SHAPE), np.uint8))


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"^format=litert: .*: pip install ai-edge-litert$"):
        exported.check_installed("litert")
    monkeypatch.setattr(exported, "find_spec", lambda name: None if name == "tf2onnx" else name)
    with pytest.raises(ConfigError, match=r": pip install tf2onnx$"):
        exported.check_installed("onnx")
