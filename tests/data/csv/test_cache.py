import errno
from pathlib import Path

import numpy as np
import pytest

from mnist_seq.data.cache import cache_folder
from mnist_seq.data.csv import cache as csv_cache
from mnist_seq.data.csv.cache import read_once
from mnist_seq.data.csv.reader import Table
from mnist_seq.errors import DataError
from tests.data.conftest import WriteCsv

GOOD = ["é,0,1,2,3", "b,4,5,6,255"]


def from_cache(file: str) -> Table:
    """The file's table, where it is read without parsing."""

    def must_not_parse(file: str, *_: str | None) -> Table:
        raise AssertionError(f"{file} was parsed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_cache, "read_table", must_not_parse)
        return read_once(file)


def test_the_check_for_parsing_can_fail(write_csv: WriteCsv) -> None:
    with pytest.raises(AssertionError, match="was parsed"):
        from_cache(write_csv(GOOD))


def test_the_second_time_nothing_is_parsed(write_csv: WriteCsv) -> None:
    file = write_csv(GOOD)
    first, second = read_once(file), from_cache(file)
    np.testing.assert_array_equal(second.images_NSF, first.images_NSF, strict=True)
    np.testing.assert_array_equal(second.label_indices_N, first.label_indices_N, strict=True)
    assert second.labels_L == first.labels_L == ("é", "b")
    assert second.remarks == first.remarks == ("label in the first column",)
    assert (second.label_column, second.label_place) == (1, "first")


def test_fractions_are_kept(write_csv: WriteCsv) -> None:
    file = write_csv(["a,0,0.5,0.25,1", "b,1,0,0.125,0"])
    first, second = read_once(file), from_cache(file)
    assert second.images_NSF[0].tolist() == [[0, 0.5], [0.25, 1]]
    np.testing.assert_array_equal(second.images_NSF, first.images_NSF, strict=True)


def test_a_file_that_is_read_otherwise_is_another_table(write_csv: WriteCsv) -> None:
    file = write_csv(["5,0,1,2,3", "6,4,5,6,3"])
    assert read_once(file, "first").labels_L == ("5", "6")
    assert read_once(file, "last").labels_L == ("3",)
    assert read_once(file, None, "first").labels_L == ("5", "6")


def test_a_file_is_known_by_its_content_wherever_it_lies(write_csv: WriteCsv) -> None:
    read_once(write_csv(GOOD))
    from_cache(write_csv(GOOD, name="renamed.csv"))


def test_a_file_that_changed_is_read_anew(write_csv: WriteCsv) -> None:
    read_once(write_csv(GOOD))
    table = read_once(write_csv(["é,0,1,2,4", "b,4,5,6,255"]))
    assert table.images_NSF[0].tolist() == [[0, 1], [2, 4]]


def test_the_same_bytes_under_a_gzip_name_are_still_no_gzip_file(write_csv: WriteCsv) -> None:
    read_once(write_csv(GOOD))
    with pytest.raises(DataError, match="not a whole gzip file"):
        read_once(write_csv(GOOD, name="letters.csv.gz"))


def test_a_bad_file_leaves_nothing_behind(write_csv: WriteCsv, cache: Path) -> None:
    with pytest.raises(DataError):
        read_once(write_csv(["a,x,y,z,0"]))
    assert not cache.exists()


def test_only_whole_files_without_pickle_are_kept(write_csv: WriteCsv, cache: Path) -> None:
    read_once(write_csv(GOOD))
    (kept,) = cache.iterdir()
    assert kept.suffix == ".npz"
    with np.load(kept, allow_pickle=False) as arrays:
        assert all(array.dtype != object for array in arrays.values())


def test_a_damaged_cache_is_replaced(write_csv: WriteCsv, cache: Path) -> None:
    file = write_csv(GOOD)
    expected = read_once(file).labels_L
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    for damage in (b"", b"not an npz file", whole[: len(whole) // 2]):
        kept.write_bytes(damage)
        assert read_once(file).labels_L == expected
        assert from_cache(file).labels_L == expected


def test_a_cache_that_cannot_be_written_is_not_used(write_csv: WriteCsv, cache: Path) -> None:
    cache.parent.write_text("a file where the folder should be")
    assert read_once(write_csv(GOOD)).labels_L == ("é", "b")


def test_a_disk_that_is_full_leaves_no_half_file(
    write_csv: WriteCsv, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert read_once(write_csv(GOOD)).labels_L == ("é", "b")
    assert list(cache.iterdir()) == []


def test_only_its_owner_may_read_what_is_kept(write_csv: WriteCsv, cache: Path) -> None:
    read_once(write_csv(GOOD))
    (kept,) = cache.iterdir()
    assert kept.stat().st_mode & 0o077 == 0


def test_the_folder_follows_the_xdg_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_CACHE_HOME", "/scratch")
    assert cache_folder() == Path("/scratch/mnist-seq")
    for ignored in ("", "relative/folder"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert cache_folder() == Path("/home/ada/.cache/mnist-seq")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("/home/ada/.cache/mnist-seq")


def test_a_file_that_may_not_be_read_is_one_line(
    write_csv: WriteCsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    file = write_csv(GOOD)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"letters\.csv: cannot be read \(Permission denied\)$"):
        read_once(file)
