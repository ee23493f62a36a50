import errno
import gzip
import os
from pathlib import Path

import pytest

from mnist_seq.data.csv import text as csv_text
from mnist_seq.data.csv.text import check_text, existing_file, open_text, split_rows
from mnist_seq.errors import DataError


def problem(file: Path) -> str:
    """What is wrong with the file, without its folder."""
    with pytest.raises(DataError) as error:
        check_text(str(file))
    return str(error.value).replace(f"{file.parent}/", "")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert problem(tmp_path / "letters.csv") == "letters.csv: no such file"


@pytest.mark.parametrize("name", ["letters.txt", "letters", "letters.csv.zip", "csv"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert problem(tmp_path / name) == f"{name}: must be a .csv or .csv.gz file"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters.csv").mkdir()
    assert problem(tmp_path / "letters.csv") == "letters.csv: is not a file"


@pytest.mark.parametrize("step", ["exists", "open"])
def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "letters.csv").touch()
    monkeypatch.setattr(Path, step, refuse)  # file modes would not keep root out
    assert problem(tmp_path / "letters.csv") == "letters.csv: cannot be read (Permission denied)"


def test_what_is_called_gz_and_is_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters.csv.gz").write_text("1,2\n")
    assert problem(tmp_path / "letters.csv.gz") == "letters.csv.gz: is not a whole gzip file"


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_gzip_file_that_was_cut_off_is_refused(tmp_path: Path, kept: float) -> None:
    content = gzip.compress(os.urandom(100_000).hex().encode())
    (tmp_path / "letters.csv.gz").write_bytes(content[: int(len(content) * kept)])
    assert problem(tmp_path / "letters.csv.gz") == "letters.csv.gz: is not a whole gzip file"


def test_a_gzip_file_with_damage_inside_is_refused(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(os.urandom(100_000).hex().encode()))
    content[5000:6000] = bytes(1000)
    (tmp_path / "letters.csv.gz").write_bytes(content)
    assert problem(tmp_path / "letters.csv.gz") == "letters.csv.gz: is not a whole gzip file"


@pytest.mark.parametrize("content", [b"1,2\n3,4\n\xe9,4\n", b"1,2\n3,4\n5,\x006\n"])
def test_bytes_that_are_not_text_are_refused_with_their_row(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "letters.csv").write_bytes(content)
    assert (
        problem(tmp_path / "letters.csv")
        == "letters.csv, row 3: is not UTF-8 text; save it as CSV in UTF-8"
    )


def test_a_character_cut_off_by_the_end_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters.csv").write_bytes("1,2\né".encode()[:-1])
    assert (
        problem(tmp_path / "letters.csv")
        == "letters.csv, row 2: is not UTF-8 text; save it as CSV in UTF-8"
    )


def test_rows_are_counted_and_characters_are_whole_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_text, "BLOCK_BYTES", 5)
    (tmp_path / "good.csv").write_bytes("éééé,1\n".encode() * 9)
    check_text(str(tmp_path / "good.csv"))
    (tmp_path / "letters.csv").write_bytes("éééé,1\n".encode() * 9 + b"\xff")
    assert (
        problem(tmp_path / "letters.csv")
        == "letters.csv, row 10: is not UTF-8 text; save it as CSV in UTF-8"
    )


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_text, "MAX_TEXT_BYTES", 3 * 2**20)
    (tmp_path / "letters.csv.gz").write_bytes(gzip.compress(b"1,2\n" * 2**20))
    assert problem(tmp_path / "letters.csv.gz") == (
        "letters.csv.gz: is more than 0.00292969 GiB of text"
    )


def test_the_limit_of_size_is_four_gibibytes() -> None:
    assert csv_text.MAX_TEXT_BYTES == 4_294_967_296


def test_a_row_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters.csv").write_bytes(b"1,2\n" + b"1," * 5_000_000)
    assert (
        problem(tmp_path / "letters.csv") == "letters.csv, row 2: is longer than 8388608 characters"
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_many_short_rows_are_no_long_one_whatever_ends_them(
    tmp_path: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_text, "MAX_ROW_LENGTH", 50)
    monkeypatch.setattr(csv_text, "BLOCK_BYTES", 7)
    (tmp_path / "letters.csv").write_bytes(f"1,2,3,4,5{end}".encode() * 100)
    check_text(str(tmp_path / "letters.csv"))


def test_home_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "letters.csv").touch()
    assert existing_file("~/letters.csv") == tmp_path / "letters.csv"


@pytest.mark.parametrize("name", ["letters.csv", "letters.CSV", "letters.csv.gz"])
def test_text_comes_without_byte_order_mark_zipped_or_not(tmp_path: Path, name: str) -> None:
    content = '\ufeffé,"1\r\n"\r\n'.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    file = str(tmp_path / name)
    with open_text(file, check_text(file)) as text:
        assert list(split_rows(file, text, ",")) == [(1, ["é", "1\r\n"])]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_known_by_its_mark(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    file = tmp_path / "letters.csv"
    file.write_bytes(f"{mark}é\t1\nb\t2\n".encode(encoding))
    with open_text(str(file), check_text(str(file))) as text:
        assert text.read() == "é\t1\nb\t2\n"


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ("é,1\nb,2\n".encode("utf-16-le"), 1),  # without a mark
        ("a,1\nb,2\né,3\n".encode("latin-1"), 3),
        ("a,1\n“b”,2\n".encode("cp1252"), 2),
        ("a,1\n".encode("utf-32"), 1),
        (b"PK\x03\x04\x14\x00\x06\x00", 1),  # a workbook of Excel's under another name
    ],
)
def test_other_encodings_are_refused_with_the_way_out(
    tmp_path: Path, content: bytes, row: int
) -> None:
    (tmp_path / "letters.csv").write_bytes(content)
    assert problem(tmp_path / "letters.csv") == (
        f"letters.csv, row {row}: is not UTF-8 text; save it as CSV in UTF-8"
    )


@pytest.mark.parametrize(
    "line", [b"1,2\n", b"\n", b"5" + b",0" * 784 + b"\n", b"0", b"\r"], ids=repr
)
def test_a_small_file_that_unpacks_to_much_is_refused_early(
    tmp_path: Path, line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_text, "ANY_PACKING_BYTES", 2**20)
    for other in ("MAX_ROWS", "MAX_ROW_LENGTH"):
        monkeypatch.setattr(csv_text, other, 2**30)
    file = tmp_path / "letters.csv.gz"
    file.write_bytes(gzip.compress(line * (20 * 2**20 // len(line))))
    assert problem(file) == (
        "letters.csv.gz: unpacks to more than 300 times its size, as no images do"
    )


def test_blank_images_are_no_bomb(tmp_path: Path) -> None:
    file = tmp_path / "letters.csv.gz"
    file.write_bytes(gzip.compress((b"5" + b",0" * 784 + b"\n") * 1000))
    assert file.stat().st_size * 300 < 1000 * 1570
    check_text(str(file))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_more_rows_than_images_can_be_are_refused(
    tmp_path: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_text, "MAX_ROWS", 50)
    (tmp_path / "letters.csv").write_bytes(f"1,2{end}".encode() * 49)
    check_text(str(tmp_path / "letters.csv"))
    (tmp_path / "letters.csv").write_bytes(f"1,2{end}".encode() * 51)
    assert problem(tmp_path / "letters.csv") == "letters.csv: has more than 50 rows"
