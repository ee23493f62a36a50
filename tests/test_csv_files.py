"""The example that writes MNIST and Fashion-MNIST as CSV files."""

import gzip
from pathlib import Path

import pytest

from examples.csv_files import main
from mnist_seq.data.load import load
from tests.examples import config


def test_fashion_mnist_is_its_idx_files_image_for_image(tmp_path: Path) -> None:
    for prefix, count in (("train", 2), ("t10k", 1)):
        # Magic number 2051: bytes, of three dimensions; 2049: bytes, of one.
        sizes = b"".join(size.to_bytes(4, "big") for size in (2051, count, 28, 28))
        images = bytes(i % 251 for i in range(count * 784))
        labels = (2049).to_bytes(4, "big") + count.to_bytes(4, "big") + bytes(range(7, 7 + count))
        (tmp_path / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(sizes + images))
        (tmp_path / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    assert main([str(tmp_path / "csv"), "--fashion", str(tmp_path)]) == 0
    rows = [
        ",".join(str(value) for value in (7, *(i % 251 for i in range(784)))),
        ",".join(str(value) for value in (8, *(i % 251 for i in range(784, 1568)))),
    ]
    assert (tmp_path / "csv" / "fashion_train.csv").read_text().split() == rows
    assert (tmp_path / "csv" / "fashion_test.csv").read_text().split() == rows[:1]


def test_missing_files_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--fashion", str(tmp_path)]) == 2
    assert (
        capsys.readouterr().err
        == f"{tmp_path}/train-labels-idx1-ubyte.gz: No such file or directory\n"
    )


@pytest.mark.slow
def test_mnist_from_csv_files_is_mnist(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    files = [f"data.{split}_file={tmp_path / f'mnist_{split}.csv'}" for split in ("train", "test")]
    from_csv = load(config("data=csv", *files).data)
    assert from_csv.digests == load(config("data=mnist").data).digests
