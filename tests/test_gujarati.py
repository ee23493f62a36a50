"""The example that renders characters, with fonts that are on every machine."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from PIL import Image, ImageFont

from examples.gujarati import render
from mnist_seq.data.images.folder import list_folder

FONTS = Path(font_manager.findfont("DejaVu Sans")).parent
FAMILIES = {
    "Sans": ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    "Serif": ("DejaVuSerif.ttf",),
    "Mono": ("DejaVuSansMono.ttf",),
}


@pytest.fixture(autouse=True)
def _latin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "FAMILIES", FAMILIES)
    monkeypatch.setattr(render, "CHARACTERS", "ABC")


def rendered(folder: Path, *options: str) -> dict[str, bytes]:
    words = [str(folder), f"--fonts={FONTS}", "--images=4", "--tests=2", *options]
    assert render.main(words) == 0
    return {
        str(path.relative_to(folder.parent)): path.read_bytes()
        for path in folder.parent.rglob("*.png")
    }


def test_the_family_left_out_is_in_neither_part(tmp_path: Path) -> None:
    rendered(tmp_path / "letters", "--unseen=Mono")
    found = list_folder(str(tmp_path / "letters"))
    assert found.test is not None
    assert {name: len(files) for name, files in found.train.items()} == {"A": 4, "B": 4, "C": 4}
    assert {name: len(files) for name, files in found.test.items()} == {"A": 2, "B": 2, "C": 2}
    files = [
        path for part in (found.train, found.test) for paths in part.values() for path in paths
    ]
    assert {path.name.partition("-")[0] for path in files} == {"Sans", "Serif"}
    assert not found.left_out
    unseen = list_folder(str(tmp_path / "letters-unseen")).train
    assert {path.name for paths in unseen.values() for path in paths} == {
        "Mono-000.png",
        "Mono-001.png",
    }


def test_the_same_seed_gives_the_same_files_and_no_image_twice(tmp_path: Path) -> None:
    first = rendered(tmp_path / "one" / "letters")
    assert rendered(tmp_path / "two" / "letters") == first
    assert len(set(first.values())) == len(first) == 3 * 6 + 1
    assert set(first.values()).isdisjoint(
        rendered(tmp_path / "three" / "letters", "--seed=1").values()
    )


def test_an_image_is_small_and_its_border_is_paper() -> None:
    font = ImageFont.truetype(FONTS / "DejaVuSans.ttf", render.DRAWN)
    for seed in range(50):
        grey_HW = render.rendered("W", font, np.random.default_rng(seed))
        assert 48 <= len(grey_HW) <= 64
        border = np.concatenate([grey_HW[0], grey_HW[-1], grey_HW[:, 0], grey_HW[:, -1]])
        assert np.median(border) > grey_HW.min() + 40


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--fonts={folder}"], "{folder}: has no DejaVuSans.ttf, of the family Sans; Debian"),
        ([f"--fonts={FONTS}", "--unseen=Times"], "no family 'Times'; there are Sans, Serif, Mono"),
    ],
)
def test_what_is_missing_is_one_line(
    options: list[str], problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.format(folder=tmp_path) for word in options]
    assert render.main([str(tmp_path / "letters"), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {problem.format(folder=tmp_path)}")
    assert not (tmp_path / "letters").exists()


def test_a_folder_that_is_there_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path}: is there already\n"


def test_the_page_has_its_characters_beside_it(tmp_path: Path) -> None:
    rendered(tmp_path / "letters")
    text = (tmp_path / "letters-page.txt").read_text("utf-8")
    assert sorted(text.strip()) == ["A", "B", "C"]
    with Image.open(tmp_path / "letters-page.png") as page:
        assert page.width == render.PAGE_WIDTH
