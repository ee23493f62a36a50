"""Files in the place of a saved network: damaged, of another network, or made to do harm."""

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import h5py
import pytest
from keras import layers, models, saving

from mnist_seq.config.settings import ModelConfig, Readout
from mnist_seq.errors import TrackingError
from mnist_seq.network.inspection import load_model
from mnist_seq.network.network_file import MEMBERS, check_network_file
from tests.network.test_inspection import model_config, network

SETTINGS = model_config("last")
SHAPE, CLASSES = (8, 8), 10
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """A network's file, by its parts."""
    return members(SETTINGS, tmp_path_factory.mktemp("saved") / "model.keras")


def members(settings: ModelConfig, file: Path) -> Members:
    network(settings).model.save(file)
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: Members, kind: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", kind) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def changed(parts: Members, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The file with another config.json."""
    config = json.loads(parts["config.json"])
    change({layer["config"]["name"]: layer for layer in config["config"]["layers"]} | {"": config})
    return zipped(parts | {"config.json": json.dumps(config).encode()})


def with_a_lambda(parts: Members) -> bytes:
    code = layers.Lambda(lambda x: [Path("ran").write_text("it did"), x][1])
    written = saving.serialize_keras_object(code)
    return changed(parts, lambda named: named["scaling"].update(written))


def with_a_class_of_the_users(parts: Members) -> bytes:
    foreign = {"module": "os", "class_name": "system", "registered_name": "system"}
    return changed(parts, lambda named: named["scaling"].update(foreign))


def with_units(parts: Members) -> bytes:
    return changed(parts, lambda named: named["lstm_1"]["config"].update(units=200_000))


def with_more_layers(parts: Members) -> bytes:
    def repeat(named: dict[str, Any]) -> None:
        named[""]["config"]["layers"] += [named["lstm_1"]] * 10

    return changed(parts, repeat)


def of_another_shape(parts: Members) -> bytes:
    shape = [None, 100_000, 100_000]
    return changed(parts, lambda named: named["pixels"]["config"].update(batch_shape=shape))


def with_more_classes(parts: Members) -> bytes:
    return changed(parts, lambda named: named["logits"]["config"].update(units=10**9))


def with_a_huge_config(parts: Members) -> bytes:
    return zipped(parts | {"config.json": parts["config.json"] + b" " * 50_000_000})


def compressed(parts: Members) -> bytes:
    return zipped(parts | {"model.weights.h5": b"\0" * 300_000_000}, zipfile.ZIP_DEFLATED)


def with_an_absolute_path(parts: Members) -> bytes:
    return zipped(parts | {"/tmp/../../assets/x": b""})


def nested(parts: Members) -> bytes:
    return zipped(parts | {"config.json": b"[" * 200_000})


def without_config(parts: Members) -> bytes:
    return zipped({name: part for name, part in parts.items() if name != "config.json"})


def promising(parts: Members) -> bytes:
    return with_weights(
        parts, lambda file: file.create_dataset("more", (30_000, 30_000), "f4", fillvalue=1.0)
    )


def with_weights(parts: Members, change: Callable[[h5py.File], object]) -> bytes:
    weights = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(weights, "a") as file:
        change(file)
    return zipped(parts | {"model.weights.h5": weights.getvalue()})


def with_numbers_of_another_file(parts: Members) -> bytes:
    passwords = [("/etc/passwd", 0, 64)]
    return with_weights(
        parts, lambda file: file.create_dataset("a", (64,), "u1", external=passwords)
    )


def with_a_link_to_another_file(parts: Members) -> bytes:
    return with_weights(
        parts, lambda file: file.__setitem__("a", h5py.ExternalLink("other.h5", "/a"))
    )


def with_units_that_are_a_list(parts: Members) -> bytes:
    return changed(parts, lambda named: named["logits"]["config"].update(units=[10]))


def with_images_of_no_shape(parts: Members) -> bytes:
    return changed(parts, lambda named: named["pixels"]["config"].update(batch_shape=None))


def without_weights(parts: Members) -> bytes:
    return zipped(parts | {"model.weights.h5": b"no numbers"})


def no_archive(parts: Members) -> bytes:
    return b"PK" + b"\0" * 1000


def cut_short(parts: Members) -> bytes:
    return zipped(parts)[:-100]


@pytest.mark.parametrize(
    "spoil",
    [
        with_a_lambda,
        with_a_class_of_the_users,
        with_units,
        with_more_layers,
        of_another_shape,
        with_more_classes,
        with_a_huge_config,
        compressed,
        with_an_absolute_path,
        nested,
        without_config,
        promising,
        with_numbers_of_another_file,
        with_a_link_to_another_file,
        with_units_that_are_a_list,
        with_images_of_no_shape,
        without_weights,
        no_archive,
        cut_short,
    ],
)
def test_a_file_that_is_not_the_runs_network_is_refused_in_one_line(
    spoil: Callable[[Members], bytes],
    saved: Members,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "model.keras"
    file.write_bytes(spoil(saved))
    tracemalloc.start()
    try:
        with pytest.raises(TrackingError) as refused:
            check_network_file(file, SETTINGS, SHAPE, CLASSES)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(refused.value).startswith(f"{file}: is not the network of its run (")
    assert "\n" not in str(refused.value)
    assert most < 50_000_000
    assert list(tmp_path.iterdir()) == [file], "nothing ran and nothing was unpacked"


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("readout", get_args(Readout))
def test_every_network_that_is_built_here_passes(
    readout: str, bidirectional: bool, tmp_path: Path
) -> None:
    settings = model_config(readout, layers=2, bidirectional=bidirectional, dropout=0.5)
    parts = members(settings, tmp_path / "model.keras")
    assert parts.keys() == MEMBERS
    check_network_file(tmp_path / "model.keras", settings, SHAPE, CLASSES)
    check_network_file(zipped(parts), settings, SHAPE, CLASSES)
    with pytest.raises(TrackingError, match=r"it has not 1 LSTM layer\)"):
        check_network_file(zipped(parts), model_config(readout), SHAPE, CLASSES)
    with pytest.raises(TrackingError, match="does not take images of 28 by 28 pixels"):
        check_network_file(zipped(parts), settings, (28, 28), CLASSES)


@pytest.mark.parametrize("cell", ["gru", "simple_rnn"])
def test_other_cells_pass_where_the_run_has_them(cell: str, tmp_path: Path) -> None:
    settings = model_config("last", cell=cell, order="both", layer_norm=True)
    parts = members(settings, tmp_path / "model.keras")
    check_network_file(zipped(parts), settings, SHAPE, CLASSES)
    with pytest.raises(TrackingError, match="LSTM layer"):
        check_network_file(zipped(parts), model_config("last"), SHAPE, CLASSES)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"no archive" * 1000])
def test_what_keras_cannot_read_is_one_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    file.write_bytes(content)
    with pytest.raises(TrackingError, match=r"model\.keras: cannot be read as a network \("):
        load_model(file)


def test_keras_itself_runs_no_lambda(tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    network = models.Sequential([layers.Input((2,)), layers.Lambda(lambda x: x + 1)])
    network.save(file)
    with pytest.raises(TrackingError, match="cannot be read as a network"):
        load_model(file)
