"""Checks a saved network's file before Keras opens it: anybody may have put another in its place.

Keras runs no code of a file in safe mode, but it makes what the file asks for: layers of any size,
arrays of up to 4 GiB that the file only promises.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from mnist_seq.config.settings import Cell, ModelConfig
from mnist_seq.data.listed import many
from mnist_seq.errors import TrackingError

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MEMBERS = {"metadata.json", CONFIG, WEIGHTS}
# What `mnist_seq.network.model.build` makes, and how Keras writes it down.
LAYERS = {
    *("InputLayer", "Rescaling", "Round", "Permute", "Normalization", "Concatenate"),
    *("LSTM", "GRU", "SimpleRNN", "Bidirectional", "LayerNormalization", "Dropout"),
    *("Dense", "Dot", "Flatten", "Cropping1D", "Softmax"),
    *("GlobalAveragePooling1D", "GlobalMaxPooling1D"),
}
CELLS: dict[Cell, str] = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "SimpleRNN"}
NOTATION = {
    "Functional",
    "__keras_tensor__",
    "DTypePolicy",
    "GlorotUniform",
    "Orthogonal",
    "Zeros",
    "Ones",
}
BYTES_OF_LAYERS, BYTES_OF_A_PIXEL = 2**18, 64  # most of config.json; a pixel has two numbers there


def check_network_file(
    file: Path | bytes, config: ModelConfig, shape: tuple[int, int], classes: int
) -> None:
    """Refuse a file that is not a network of this config, before anything in it is loaded.

    Parameters
    ----------
    file : Path or bytes
        As ``keras.Model.save`` writes it; or its content.
    config : ModelConfig
        The network's settings.
    shape : (int, int)
        Rows and pixels a row of its images.
    classes : int
        How many there are.

    Raises
    ------
    TrackingError
        In one line: what is wrong.
    """
    name = file if isinstance(file, Path) else "a saved network"
    try:
        with zipfile.ZipFile(file if isinstance(file, Path) else io.BytesIO(file)) as archive:
            _check_members(archive, shape)
            _check_layers(json.loads(archive.read(CONFIG)), config, shape, classes)
            _check_arrays(archive)
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        RuntimeError,  # an encrypted part, or layers in layers without end
        zipfile.BadZipFile,
    ) as error:
        reason = str(error) or type(error).__name__
        raise TrackingError(f"{name}: is not the network of its run ({reason})") from error


def _check_members(archive: zipfile.ZipFile, shape: tuple[int, int]) -> None:
    members = {member.filename: member for member in archive.infolist()}
    if members.keys() != MEMBERS or len(archive.infolist()) != len(MEMBERS):
        raise ValueError(f"it must hold {', '.join(sorted(MEMBERS))} and nothing else")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members.values()):
        raise ValueError("Keras does not compress what it saves")
    if members[CONFIG].file_size > BYTES_OF_LAYERS + BYTES_OF_A_PIXEL * prod(shape):
        raise ValueError(f"{CONFIG} has {members[CONFIG].file_size} bytes")


def _check_layers(layers: Any, config: ModelConfig, shape: tuple[int, int], classes: int) -> None:
    found = list(_objects(layers))
    unknown = {str(one["class_name"]) for one in found} - LAYERS - NOTATION
    if unknown:
        raise ValueError(f"it has a {min(unknown)}, which no network here has")
    own = {
        kind: [one["config"] for one in found if one["class_name"] == kind]
        for kind in ("InputLayer", *CELLS.values(), "Dense")
    }
    cell = CELLS[config.cell]
    recurrent = [layer for kind in CELLS.values() for layer in own[kind]]
    # A bidirectional layer is written with both of its halves.
    if len(own[cell]) != config.layers * (1 + config.bidirectional) or own[cell] != recurrent:
        raise ValueError(f"it has not {many(config.layers, f'{cell} layer')}")
    if any(layer["units"] != config.units for layer in recurrent):
        raise ValueError(f"its {cell} layers have not {many(config.units, 'unit')}")
    if any(dense["units"] not in {1, classes} for dense in own["Dense"]):
        raise ValueError(f"it does not tell {classes} classes apart")
    images = [layer["batch_shape"] for layer in own["InputLayer"]]
    if [sorted(image[1:]) for image in images] != [sorted(shape)]:
        raise ValueError(f"it does not take images of {shape[0]} by {shape[1]} pixels")


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every layer and other object that a config.json describes."""
    if isinstance(node, dict):
        if "class_name" in node:
            if not isinstance(node.get("config"), dict):
                raise ValueError(f"{CONFIG} is not Keras'")
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _objects(part)


def _check_arrays(archive: zipfile.ZipFile) -> None:
    import h5py

    content = archive.read(WEIGHTS)
    promised = 0

    def add(_: str, item: Any) -> None:
        nonlocal promised
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise ValueError(f"{WEIGHTS} leads elsewhere at {item.name}")
            promised += prod(item.shape) * item.dtype.itemsize

    def elsewhere(name: str, link: Any) -> str | None:
        return None if isinstance(link, h5py.HardLink) else name

    with h5py.File(io.BytesIO(content)) as weights:
        name = weights.visititems_links(elsewhere)
        if name is not None:
            raise ValueError(f"{WEIGHTS} leads elsewhere at {name}")
        weights.visititems(add)
    if promised > len(content):
        raise ValueError(f"{WEIGHTS} promises {promised} bytes, and has {len(content)}")
