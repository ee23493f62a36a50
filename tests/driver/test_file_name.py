"""Names that people give in MLflow become parts of file names."""

from pathlib import Path

import pytest

from mnist_seq.driver.workspace import file_name


@pytest.mark.parametrize("name", ["trial 7", "rerun 0 (failed)", "trial_7.b"])
def test_a_usual_name_can_be_read(name: str) -> None:
    assert file_name(name, "0123456789").startswith(name.replace(" ", "-").partition("(")[0])


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "a/b",
        "a\\b",
        "..",
        "CON",
        "x" * 300,
        "文" * 300,
        "",
        "\x1b[31m",
        "a\nb",
        "a\0b",
        "C:x",
    ],
)
def test_any_name_stays_inside_its_folder(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"study-{file_name(name, '0123456789')}-inside.html.unfinished"
    file.write_text("")
    assert list(tmp_path.iterdir()) == [file]
    assert file.name.isprintable()


def test_names_that_are_cut_are_told_apart() -> None:
    assert file_name("x" * 300, "one") != file_name("x" * 301, "two")
    assert file_name("a/b", "one") != file_name("a?b", "two")
