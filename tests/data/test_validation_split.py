from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from mnist_seq.config.settings import DataConfig
from mnist_seq.data.dataset import Source, Split
from mnist_seq.data.validation_split import (
    VALIDATION_SPLITS,
    split_parts,
    stratified,
    tail,
)
from mnist_seq.errors import DataError
from tests.data.conftest import MakeConfig


def source_with(labels: list[int], names: str = "abcdefghij") -> Source:
    labels_N = np.array(labels, np.int32)
    images_NSF = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1)
    pool = Split(images_NSF, labels_N)
    return Source("letters.csv", pool, pool, tuple(names[: max(labels) + 1]))


def test_every_split_that_a_config_may_name_is_there() -> None:
    assert set(VALIDATION_SPLITS) == set(
        get_args(DataConfig.model_fields["validation_split"].annotation)
    )


def test_the_stratified_split_is_scikit_learns_in_the_images_order() -> None:
    labels_N = np.random.default_rng(1).integers(0, 4, 200).astype(np.int32)
    theirs = train_test_split(np.arange(200), test_size=0.25, stratify=labels_N, random_state=7)
    for ours, their in zip(stratified(labels_N, 0.25, 7), theirs, strict=True):
        assert ours.tolist() == sorted(their)


def test_the_stratified_split_keeps_the_mix_of_classes() -> None:
    labels_N = np.repeat(np.array([0, 1], np.int32), [80, 20])
    train, validation = stratified(labels_N, 0.1, 0)
    assert np.bincount(labels_N[train]).tolist() == [72, 18]
    assert np.bincount(labels_N[validation]).tolist() == [8, 2]


def test_the_stratified_split_depends_on_its_seed_and_nothing_else() -> None:
    labels_N = np.tile(np.array([0, 1, 2], np.int32), 40)
    np.random.seed(1)  # noqa: NPY002 -- the global state that must not matter
    first = stratified(labels_N, 0.2, 5)[1]
    np.random.seed(2)  # noqa: NPY002
    assert stratified(labels_N, 0.2, 5)[1].tolist() == first.tolist()
    assert stratified(labels_N, 0.2, 6)[1].tolist() != first.tolist()


@pytest.mark.parametrize("kind", ["stratified", "tail"])
def test_all_of_the_pool_can_be_trained_on_with_the_same_images_held_out(
    kind: str, config: MakeConfig
) -> None:
    source = source_with(list(np.arange(50) % 5))
    held_out = split_parts(source, config(validation_split=kind))
    on_all = split_parts(source, config(validation_split=kind, train_on="train+validation"))
    assert on_all.train.images_NSF.ravel().tolist() == list(range(50))
    assert on_all.train.labels_N.tolist() == source.pool.labels_N.tolist()
    assert np.array_equal(on_all.validation.images_NSF, held_out.validation.images_NSF)


@pytest.mark.parametrize("kind", ["stratified", "tail"])
def test_a_tenth_of_sixty_thousand_is_six_thousand(kind: str) -> None:
    labels_N = np.arange(60_000, dtype=np.int32) % 10
    train, validation = VALIDATION_SPLITS[kind](labels_N, 0.1, 0)
    assert (len(train), len(validation)) == (54_000, 6_000)
    assert np.array_equal(np.sort(np.concatenate([train, validation])), np.arange(60_000))


@pytest.mark.parametrize("count", [12, 97, 1797, 60_000])
@pytest.mark.parametrize("fraction", [0.07, 0.1, 0.2, 1 / 3, 0.5, 0.9])
def test_tail_cuts_where_keras_cuts(count: int, fraction: float) -> None:
    from keras.src.trainers.data_adapters.array_slicing import train_validation_split

    theirs = train_validation_split(np.arange(count), validation_split=fraction)
    for ours, their in zip(tail(np.zeros(count, np.int32), fraction, 0), theirs, strict=True):
        assert ours.tolist() == np.asarray(their).tolist()


def test_both_splits_are_the_images_at_their_indices(config: MakeConfig) -> None:
    source = source_with([0, 1] * 10)
    settings = config(validation_split="tail", validation_fraction=0.2)
    parts = split_parts(source, settings)
    train, validation = parts.train, parts.validation
    assert train.images_NSF.ravel().tolist() == list(range(16))
    assert validation.images_NSF.ravel().tolist() == [16, 17, 18, 19]
    assert validation.labels_N.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("labels", "settings", "message"),
    [
        (
            [0] * 9 + [1],
            {},
            "letters.csv: class 'b' has 1 image; "
            "data.validation_split=stratified needs at least 2 of each class; "
            "data.rare_classes=leave_out goes on without such classes",
        ),
        (
            [0, 0, 1, 1, 2, 2],
            {},
            "letters.csv: has 6 images, too few for data.validation_fraction=0.1: "
            "training and validation each need an image of each of the 3 classes",
        ),
        (
            [0, 0, 1, 1],
            {"validation_fraction": 0.7},
            "letters.csv: has 4 images, too few for data.validation_fraction=0.7: "
            "training and validation each need an image of each of the 2 classes",
        ),
        (
            [0],
            {"validation_split": "tail"},
            "letters.csv: has 1 image, too few for data.validation_fraction=0.1: "
            "training and validation each need an image",
        ),
        (
            [0] * 8 + [1] * 2,
            {"validation_split": "tail", "validation_fraction": 0.2},
            "letters.csv: data.validation_split=tail leaves no image of class 'b' to train on; "
            "data.rare_classes=leave_out goes on without such classes",
        ),
    ],
)
def test_a_split_that_cannot_be_is_refused(
    labels: list[int], settings: dict[str, object], message: str, config: MakeConfig
) -> None:
    with pytest.raises(DataError) as error:
        split_parts(source_with(labels), config(**settings))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("labels", "settings", "kept", "left_out"),
    [
        ([0] * 9 + [1] + [2] * 10, {}, "ac", "left out: class 'b' (1 image)"),
        (
            [0, 1, 2] + [3] * 9 + [4] * 9,
            {},
            "de",
            "left out: class 'a' (1 image), class 'b' (1 image), class 'c' (1 image)",
        ),
        # The last fifth of ten images has the one of c.
        (
            [0] * 4 + [1] * 4 + [2, 0],
            {"validation_split": "tail", "validation_fraction": 0.2},
            "ab",
            "left out: class 'c' (1 image)",
        ),
        # Of nine tenths held out, none of the two of c stays to train on.
        ([0] * 20 + [1] * 20 + [2] * 2, {"validation_fraction": 0.9}, "ab", "class 'c' (2 images)"),
        ([0] * 9 + [1] * 9, {}, "ab", ""),
    ],
)
def test_rare_classes_are_left_out_of_every_part_when_asked(
    labels: list[int],
    settings: dict[str, object],
    kept: str,
    left_out: str,
    config: MakeConfig,
) -> None:
    source = source_with(labels)
    parts = split_parts(source, config(rare_classes="leave_out", **settings))
    assert "".join(parts.class_names) == kept
    assert parts.left_out.endswith(left_out)
    names = dict(zip(source.pool.images_NSF.ravel().tolist(), labels, strict=True))
    for part in (parts.train, parts.validation, parts.test):
        of_source = ["abcdefghij"[names[pixel]] for pixel in part.images_NSF.ravel().tolist()]
        assert [parts.class_names[k] for k in part.labels_N] == of_source
        assert part.labels_N.dtype == np.int32
    assert len(parts.test) == sum("abcdefghij"[label] in kept for label in labels)
    assert set(parts.train.labels_N) == set(range(len(kept)))


def test_a_long_list_of_classes_left_out_is_cut(config: MakeConfig) -> None:
    names = tuple(map(chr, range(0x4E00, 0x4E00 + 32)))
    labels_N = np.array([0] * 9 + [1] * 9 + list(range(2, 32)), np.int32)
    pool = Split(np.zeros((len(labels_N), 1, 1), np.uint8), labels_N)
    source = Source("han.csv", pool, pool, names)
    left_out = split_parts(source, config(rare_classes="leave_out")).left_out
    assert left_out.count("(1 image)") == 10
    assert left_out.endswith(f"class {names[11]!r} (1 image), 20 more")


@pytest.mark.parametrize(
    ("labels", "test_labels", "settings", "message"),
    [
        ([0] * 9 + [1], [0], {}, "leaves 1 of 2 classes; there must be at least two"),
        ([0, 1, 2], [0], {}, "leaves 0 of 3 classes; there must be at least two"),
        ([0] * 9 + [1] + [2] * 9, [1, 1], {}, "leaves no test images"),
        (
            [0, 1] * 4 + [2] * 2,
            [0],
            {"validation_split": "tail", "validation_fraction": 0.2},
            "leaves no validation images",
        ),
    ],
)
def test_leaving_classes_out_must_leave_enough(
    labels: list[int],
    test_labels: list[int],
    settings: dict[str, object],
    message: str,
    config: MakeConfig,
) -> None:
    source = replace(source_with(labels), test=source_with(test_labels).pool)
    with pytest.raises(DataError) as error:
        split_parts(source, config(rare_classes="leave_out", **settings))
    assert str(error.value) == f"letters.csv: data.rare_classes=leave_out {message}"


@pytest.mark.parametrize("count", range(4, 40))
@pytest.mark.parametrize("fraction", [0.07, 0.1, 0.3, 0.55, 0.93])
def test_a_small_file_is_split_or_refused_but_never_a_crash(
    count: int, fraction: float, config: MakeConfig
) -> None:
    source = source_with([0, 1] * (count // 2) + [0] * (count % 2))
    try:
        parts = split_parts(source, config(validation_fraction=fraction))
    except DataError:
        return
    assert set(parts.train.labels_N) == {0, 1}
    assert len(parts.train) + len(parts.validation) == count
