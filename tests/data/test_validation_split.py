from typing import get_args

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from mnist_seq.config import DataConfig
from mnist_seq.data.dataset import Source, Split
from mnist_seq.data.validation_split import (
    VALIDATION_SPLITS,
    stratified,
    tail,
    train_validation_split,
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
    train, validation = train_validation_split(source, settings)
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
            "data.validation_split=stratified needs at least 2 of each class",
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
            "letters.csv: data.validation_split=tail leaves no image of class 'b' to train on",
        ),
    ],
)
def test_a_split_that_cannot_be_is_refused(
    labels: list[int], settings: dict[str, object], message: str, config: MakeConfig
) -> None:
    with pytest.raises(DataError) as error:
        train_validation_split(source_with(labels), config(**settings))
    assert str(error.value) == message


@pytest.mark.parametrize("count", range(4, 40))
@pytest.mark.parametrize("fraction", [0.07, 0.1, 0.3, 0.55, 0.93])
def test_a_small_file_is_split_or_refused_but_never_a_crash(
    count: int, fraction: float, config: MakeConfig
) -> None:
    source = source_with([0, 1] * (count // 2) + [0] * (count % 2))
    try:
        train, validation = train_validation_split(source, config(validation_fraction=fraction))
    except DataError:
        return
    assert set(train.labels_N) == {0, 1}
    assert len(train) + len(validation) == count
