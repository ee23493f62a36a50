"""A folder as a source of images: its classes, its parts, and what is no part of it."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from mnist_seq.data.images import reading
from mnist_seq.data.images.source import read_image_folder
from mnist_seq.data.load import load
from mnist_seq.errors import DataError
from tests.data.conftest import MakeConfig
from tests.data.images.conftest import letter, letters, save

ENOUGH = {"ક": 10, "ખ": 10}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the classes are to be; there is nothing yet."""
    return tmp_path / "letters"


def refused(config: object) -> str:
    with pytest.raises(DataError) as caught:
        load(config)  # type: ignore[arg-type]
    (line,) = caught.value.problems
    return line


def test_each_sub_folder_is_a_class(root: Path, images: MakeConfig) -> None:
    folder = letters(root, ખ=14, ક=20, ગ=7)
    data = load(images(folder, test_fraction=1 / 7))
    assert data.class_names == ("ક", "ખ", "ગ")
    assert data.test is not None
    counts = [len(part) for part in (data.train, data.validation, data.test)]
    assert counts == [31, 4, 6], "of 41 a seventh, rounded up, then a tenth of the rest"
    np.testing.assert_array_equal(np.bincount(data.test.labels_N), [3, 2, 1])
    assert data.train.images_NSF.shape == (31, 28, 28)
    assert data.description == (
        f"{folder}: 3 classes, 41 images, 14.3 % of them kept for the test; in MNIST's form of "
        "28\N{MULTIPLICATION SIGN}28 pixels, dark ink on light paper; 255 is full ink"
    )
    assert data.warnings == ()


def test_numbers_are_in_order_of_their_value(root: Path, images: MakeConfig) -> None:
    folder = letters(root, **{str(n): 3 for n in (10, 9, 2, 0)})
    names = read_image_folder(images(folder, test_fraction=0.5)).class_names
    assert names == ("0", "2", "9", "10")


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Train", "TEST")])
def test_train_and_test_are_kept_apart(
    train: str, test: str, root: Path, images: MakeConfig
) -> None:
    letters(root / train, ક=4, ખ=3)
    letters(root / test, ખ=2)
    source = read_image_folder(images(root))
    assert source.class_names == ("ક", "ખ")
    assert source.pool.labels_N.tolist() == [0] * 4 + [1] * 3
    assert source.test.labels_N.tolist() == [1, 1]
    assert "7 images, 2 more for the test" in str(source.description)


def test_the_test_images_are_the_same_whatever_the_seed(root: Path, images: MakeConfig) -> None:
    folder = letters(root, **ENOUGH)
    one, other = (load(images(folder, split_seed=seed)).part_digests for seed in (0, 1))
    assert one["test"] == other["test"]
    assert one["training"] != other["training"]


def test_no_image_is_in_two_parts(root: Path, images: MakeConfig) -> None:
    source = read_image_folder(images(letters(root, **ENOUGH)))
    parts = [{image.tobytes() for image in part.images_NSF} for part in (source.pool, source.test)]
    assert (len(parts[0]), len(parts[1])) == (17, 3)
    assert not parts[0] & parts[1]


def test_dark_and_light_ink_are_counted(root: Path, images: MakeConfig) -> None:
    folder = letters(root, **ENOUGH)
    save(folder / "ક" / "x.png", 255 - letter())
    description = load(images(folder)).description
    assert "dark ink on light paper in 20, light ink on dark in 1;" in str(description)


def test_another_size(root: Path, images: MakeConfig) -> None:
    data = load(images(letters(root, **ENOUGH), size=40))
    assert data.train.images_NSF.shape[1:] == (40, 40)


# --- what is no image


def test_what_is_no_image_is_left_out_and_said(root: Path, images: MakeConfig) -> None:
    folder = letters(root, **ENOUGH)
    known = load(images(folder)).digest
    for file in (".DS_Store", "readme.txt", "ક/.DS_Store", "ક/._00.png", "ખ/Thumbs.db"):
        (folder / file).write_bytes(b"no image")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / "ક" / "more.png").mkdir()
    data = load(images(folder))
    assert data.digest == known
    assert data.warnings == (
        f"{folder}: left out, as no class and no image: .DS_Store, .ipynb_checkpoints, readme.txt, "
        "._00.png, more.png, 1 more",
    )


def spoiled(folder: Path) -> Path:
    (folder / "ક" / "zz.png").write_bytes(b"")
    save(folder / "ખ" / "blank.png", np.full((9, 9), 255, np.uint8))
    return folder


def test_the_first_bad_image_is_named(root: Path, images: MakeConfig) -> None:
    folder = spoiled(letters(root, **ENOUGH))
    assert refused(images(folder)) == (
        f"{folder}/ક/zz.png: is no PNG, JPEG, TIFF, BMP or WebP image (2 bad images in all); "
        "data.on_bad_image=skip goes on without such images"
    )


def test_bad_images_can_be_skipped(root: Path, images: MakeConfig) -> None:
    folder = letters(root, **ENOUGH)
    known = load(images(folder)).digest
    data = load(images(spoiled(folder), on_bad_image="skip"))
    assert data.digest == known
    assert data.warnings == (
        f"{folder}: skipped 2 bad images: ક/zz.png is no PNG, JPEG, TIFF, BMP or WebP image, "
        "ખ/blank.png is blank",
    )


# --- folders that cannot be used


def test_names_that_are_equal_in_nfc_are_refused(root: Path, images: MakeConfig) -> None:
    one, other = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    letters(root, **{one: 3, other: 3, "b": 3})
    line = refused(images(root))
    assert r"two sub-folders are named 'é', spelled 'e\u0301' and '\xe9'" in line


def test_a_name_is_compared_in_nfc_between_train_and_test(root: Path, images: MakeConfig) -> None:
    letters(root / "train", é=2, b=2)
    letters(root / "test", **{unicodedata.normalize("NFD", "é"): 2, "b": 2})
    assert read_image_folder(images(root)).class_names == ("b", "é")


@pytest.mark.parametrize(
    ("counts", "problem"),
    [
        ({"a": 10, "b": 10, "c": 1}, "class 'c' has 1 image; data.validation_split=stratified"),
        ({"a": 10, "b": 10, "c": 0}, "class 'c' has 0 images; data.validation_split=stratified"),
        ({"a": 3, "b": 3, "c": 3}, "has 9 usable images, too few for data.test_fraction=0.15"),
        ({"a": 10}, "has the sub-folder 'a' alone; there must be one for each class"),
        ({"a": 0, "b": 0}, "has no PNG, JPEG, TIFF, BMP or WebP files in its sub-folders"),
        ({}, "has no sub-folders; there must be one for each class"),
    ],
)
def test_too_few_images_are_one_line(
    counts: dict[str, int], problem: str, root: Path, images: MakeConfig
) -> None:
    folder = letters(root, **counts)
    folder.mkdir(exist_ok=True)
    assert refused(images(folder)).startswith(f"{folder}: {problem}")


def test_rare_classes_can_be_left_out(root: Path, images: MakeConfig) -> None:
    data = load(images(letters(root, a=10, b=10, c=1, d=0), rare_classes="leave_out"))
    assert data.class_names == ("a", "b")
    assert data.warnings == ("left out: class 'c' (1 image), class 'd' (0 images)",)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        (["train", "test", "val"], "has val/ beside train/ and test/"),
        (["train"], "has train/ alone; add the other of train/ and test/"),
    ],
)
def test_parts_that_are_not_train_and_test(
    parts: list[str], problem: str, root: Path, images: MakeConfig
) -> None:
    for part in parts:
        letters(root / part, **ENOUGH)
    assert problem in refused(images(root))


def test_a_class_of_the_test_alone_is_refused(root: Path, images: MakeConfig) -> None:
    letters(root / "train", **ENOUGH)
    letters(root / "test", ક=1, ગ=1)
    line = refused(images(root))
    assert line == f"{root}/test: class 'ગ' is not among those of {root}/train"


def test_a_folder_that_is_not_there(root: Path, images: MakeConfig) -> None:
    assert refused(images(root)) == f"{root}: no such folder"
    root.touch()
    assert refused(images(root)) == f"{root}: is not a folder"


# --- the cache


def test_files_are_read_once(
    tmp_path: Path, images: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = spoiled(letters(tmp_path / "letters", **ENOUGH))
    first = load(images(folder, on_bad_image="skip"))

    def must_not_open(path: Path) -> None:
        raise AssertionError(f"{path} was opened")

    monkeypatch.setattr(reading, "open_picture", must_not_open)
    moved = folder.rename(tmp_path / "moved")
    second = load(images(moved, on_bad_image="skip"))
    assert second.digests == first.digests
    assert [line.replace("moved", "letters") for line in second.warnings] == [*first.warnings]
    with pytest.raises(AssertionError, match="was opened"):
        load(images(moved, on_bad_image="skip", size=20))
    save(moved / "ક" / "00.png", letter(shift=3))
    with pytest.raises(AssertionError, match=r"00\.png was opened"):
        load(images(moved, on_bad_image="skip"))


def test_what_the_digests_stand_for(root: Path, images: MakeConfig) -> None:
    """They are those of the images as the network sees them, and of the classes' names."""
    letters(root / "train", **ENOUGH)
    letters(root / "test", ક=2, ખ=2)
    known = load(images(root)).digests
    save(root / "test" / "ક" / "00.png", 255 - letter(shift=9))
    save(root / "test" / "ક" / "01.png", letter(shift=9))
    changed = load(images(root)).digests
    assert {part for part in known if known[part] != changed[part]} == {"test"}
    (root / "train" / "ક").rename(root / "train" / "ગ")
    (root / "test" / "ક").rename(root / "test" / "ગ")
    renamed = load(images(root)).digests
    assert {part for part in known if changed[part] != renamed[part]} == set(known)
