"""A saved network in formats that need no Keras: ONNX and LiteRT, and their answers to images.

The libraries of a format are an extra, and are imported when a function is called.

Shape suffixes: N images, S steps (rows), F features (pixels a row), K classes.
"""

import logging
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_seq.config.settings import NetworkFormat
from mnist_seq.data.pixel_format import Pixels
from mnist_seq.errors import ConfigError, TrackingError

Probabilities = NDArray[np.float32]
BATCH_SIZE = 500


@dataclass(frozen=True)
class _Format:
    """A file format for networks.

    Attributes
    ----------
    ending : str
        Of its files.
    modules : tuple of str
        What is needed to write and to read it.
    write : callable
        Writes a Keras model to a path.
    answer : callable
        The class probabilities [N, K] that such a file gives for pixels as the model takes them.
    """

    ending: str
    modules: tuple[str, ...]
    write: Callable[[Any, Path], None]
    answer: Callable[[Path, Pixels], Probabilities]


def check_installed(name: NetworkFormat) -> None:
    """Raise a ConfigError if a format's libraries are not installed."""
    missing = [module for module in FORMATS[name].modules if find_spec(module) is None]
    if missing:
        packages = " ".join(missing).replace("_", "-")
        raise ConfigError(f"format={name}: needs more than is installed: pip install {packages}")


def ending(name: NetworkFormat) -> str:
    """Ending of a format's files, with its dot."""
    return FORMATS[name].ending


def export(model: Any, name: NetworkFormat, pixels_NSF: Pixels) -> tuple[bytes, Probabilities]:
    """Return a network as file content, and that file's class probabilities for the images.

    Parameters
    ----------
    model : keras.Model
        As `mnist_seq.network.model.build` makes it.
    pixels_NSF : uint8 or float32, shape (N, S, F)
        Images as the model takes them.

    Raises
    ------
    TrackingError
        If the network cannot be written so.
    """
    known = FORMATS[name]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own, of NumPy's next versions
        file = Path(folder) / f"network{known.ending}"
        try:
            known.write(model, file)
            return file.read_bytes(), known.answer(file, pixels_NSF)
        except Exception as error:  # of what they do not know, converters raise any
            reason = str(error).strip().partition("\n")[0]
            raise TrackingError(f"format={name}: cannot hold this network ({reason})") from error


def _write_onnx(model: Any, file: Path) -> None:
    import keras

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)

    def stated(layer: Any) -> Any:
        # tf2onnx takes the numbers of a Normalization, which are no weights, for further inputs.
        if not isinstance(layer, keras.layers.Normalization):
            return type(layer).from_config(layer.get_config())
        mean_SF, variance_SF = (np.asarray(each)[0] for each in (layer.mean, layer.variance))
        scale_SF = 1 / np.sqrt(variance_SF)
        return keras.layers.Rescaling(
            scale_SF.tolist(), (-mean_SF * scale_SF).tolist(), name=layer.name
        )

    copy = keras.models.clone_model(model, clone_function=stated)
    copy.set_weights(model.get_weights())
    copy(np.zeros((1, *model.input.shape[1:]), model.input.dtype))  # Keras exports what was called
    copy.export(file, format="onnx", verbose=False)


def _onnx_answers(file: Path, pixels_NSF: Pixels) -> Probabilities:
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    batches = (pixels_NSF[n : n + BATCH_SIZE] for n in range(0, len(pixels_NSF), BATCH_SIZE))
    return np.concatenate([session.run(None, {"pixels": batch})[0] for batch in batches])


def _write_litert(model: Any, file: Path) -> None:
    import keras

    # For one image at a time: with any number of them, the loop over the rows would need
    # TensorFlow's own operations, which LiteRT's runtimes do not have.
    image = keras.InputSpec(model.input.dtype, (1, *model.input.shape[1:]), name="pixels")
    model.export(file, format="litert", input_signature=[image], verbose=False)


def _litert_answers(file: Path, pixels_NSF: Pixels) -> Probabilities:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file))
    run = interpreter.get_signature_runner()
    answers = (next(iter(run(pixels=pixels_1SF).values())) for pixels_1SF in pixels_NSF[:, None])
    return np.concatenate([*answers])


FORMATS: dict[NetworkFormat, _Format] = {
    "onnx": _Format(".onnx", ("onnx", "onnxruntime", "tf2onnx"), _write_onnx, _onnx_answers),
    "litert": _Format(".tflite", ("ai_edge_litert",), _write_litert, _litert_answers),
}
