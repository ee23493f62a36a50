"""Characters found on pages whose layout is known; no network is needed for that."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_seq.data.images.picture import BadImageError
from mnist_seq.data.page.layout import Character, find_characters
from mnist_seq.data.page.scan import straightened
from mnist_seq.data.page.tilt import slope_of
from tests.data.page.layouts import found_on, in_order, page


def text_of(lines: list[list[Character]]) -> str:
    """A sign for each character, and blanks, as the layout has them."""
    return "".join(
        "".join(" #" if each.is_after_space else "#" for each in line) + "\n" for line in lines
    )


@pytest.mark.parametrize("is_light", [False, True], ids=["dark ink", "light ink"])
@pytest.mark.parametrize(("first", "tilt"), [(0, 3.0), (61, -3.0)])
def test_digits_of_a_tilted_page_in_a_shadow(is_light: bool, first: int, tilt: float) -> None:
    layout = page(first=first, tilt=tilt, is_light=is_light, shadow=0.5, noise=8, specks=40)
    scan, lines = found_on(layout)
    assert scan.is_dark is not is_light
    assert scan.tilt == pytest.approx(tilt, abs=0.5)
    assert in_order(layout, scan, lines) >= 0.97 * len(layout.boxes_N4)
    assert sum(map(len, lines)) <= 1.03 * len(layout.boxes_N4), "nor is there much else"
    assert text_of(lines) == "".join("#" if c.isdigit() else c for c in layout.text)


@pytest.mark.parametrize(("rules", "tilt"), [(0.4, 0.0), (1.0, 3.0)], ids=["pale", "full ink"])
def test_digits_that_stand_on_ruled_lines(rules: float, tilt: float) -> None:
    layout = page(tilt=tilt, rules=rules, shadow=0.5, noise=8)
    scan, lines = found_on(layout)
    assert scan.tilt == pytest.approx(tilt, abs=0.2)
    assert in_order(layout, scan, lines) >= 0.97 * len(layout.boxes_N4)
    assert sum(map(len, lines)) <= 1.05 * len(layout.boxes_N4), "nor is there much else"


@pytest.mark.parametrize(("angle", "tilt"), [(10.0, 0.0), (-10.0, 2.0)])
def test_lines_of_a_page_photographed_from_the_side(angle: float, tilt: float) -> None:
    layout = page(angle=angle, tilt=tilt, shadow=0.5, noise=8)
    _, lines = found_on(layout)
    assert text_of(lines) == "".join("#" if c.isdigit() else c for c in layout.text)


def test_lines_that_converge_are_known_by_how_much() -> None:
    """At half a page's width from the middle, seen from as far as the page is wide, by formula."""
    layout = page("/".join(["##### ##### #####"] * 9), angle=10)
    height, width = layout.grey_HW.shape
    nearer = np.sin(np.radians(10)) / 2 * width / max(height, width)
    slope = slope_of(255 - layout.grey_HW)
    assert slope.tilt == pytest.approx(0, abs=0.1)
    assert slope.convergence == pytest.approx(-nearer, abs=0.02)


def test_three_digits_on_a_large_sheet() -> None:
    """0.1 % of the page is ink, where a threshold over all would part the paper's grain."""
    layout = page("## #")
    sheet_HW = np.random.default_rng(0).normal(225, 6, (2400, 1700))
    height, width = layout.grey_HW.shape
    sheet_HW[300 : 300 + height, 200 : 200 + width] = layout.grey_HW
    scan = straightened(np.rint(np.clip(sheet_HW, 0, 255)).astype(np.uint8), "auto")
    assert text_of(find_characters(scan.ink_HW)) == "## #\n"


@pytest.mark.parametrize(
    ("grey_HW", "problem"),
    [
        (np.full((800, 600), 230.0), "is blank"),
        (np.random.default_rng(0).normal(200, 10, (800, 600)), "is blank|1 pixels high"),
        (np.random.default_rng(0).uniform(0, 255, (800, 600)), "is blank"),
        (255 - 255 * (np.indices((300, 300)) % 9 == 0).all(axis=0), "1 pixels high; characters"),
    ],
    ids=["one grey", "grain", "noise", "dots"],
)
def test_what_is_no_page_is_refused(grey_HW: NDArray[np.float64], problem: str) -> None:
    page_HW = np.rint(np.clip(grey_HW, 0, 255)).astype(np.uint8)
    with pytest.raises(BadImageError, match=problem):
        find_characters(straightened(page_HW, "auto").ink_HW)


def test_a_page_has_so_many_marks_at_the_most() -> None:
    dots_HW = (np.indices((1700, 1700)) % 20 < 9).all(axis=0)
    with pytest.raises(BadImageError, match="has 7,225 separate marks of ink; this is no page"):
        find_characters(np.where(dots_HW, 255, 0).astype(np.uint8))


def drawn(*boxes: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Full ink in boxes of left, top, right and bottom."""
    ink_HW = np.zeros((200, 600), np.uint8)
    for left, top, right, bottom in boxes:
        ink_HW[top:bottom, left:right] = 255
    return ink_HW


BAR = (100, 50, 108, 90)  # and others beside it
FIVE = [(100 + 40 * n, 50, 108 + 40 * n, 90) for n in range(5)]


def test_a_dot_and_an_accent_belong_to_the_letter_below_them() -> None:
    dot, accent = (101, 36, 107, 42), (136, 34, 152, 40)
    ((first, second, *rest),) = find_characters(drawn(*FIVE, dot, accent))
    assert (first.box.top, second.box.top) == (36, 34)
    assert (second.box.left, second.box.right) == (136, 152)
    assert len(rest) == 3


def test_an_arm_above_the_next_letter_is_not_a_part_of_it() -> None:
    """A 7 whose arm reaches over a narrow 1, as high as itself."""
    arm, leg, one = (100, 50, 130, 54), (100, 54, 104, 90), (118, 60, 124, 90)
    ((seven, lone, *_),) = find_characters(drawn(arm, leg, one, *FIVE[2:]))
    assert (seven.box.right, lone.box.left) == (130, 118)
    assert not seven.ink_HW[20:, 18:24].any(), "the 1 is not seen in it"


def test_touching_characters_are_cut_at_their_thinnest_and_marked() -> None:
    blocks = [(left, 50, left + 30, 90) for left in (100, 140, 180, 250, 285)]
    bridge = (280, 70, 285, 73)
    (line,) = find_characters(drawn(*blocks, bridge))
    assert [each.is_cut for each in line] == [False, False, False, True, True]
    assert 280 <= line[4].box.left <= 285
    assert [each.is_after_space for each in line] == [False, False, False, True, False]


def test_frames_rules_and_specks_are_no_characters() -> None:
    frame = [(5, 5, 595, 8), (5, 192, 595, 195), (5, 5, 8, 195), (592, 5, 595, 195)]
    rule, speck = (60, 120, 560, 122), (300, 30, 303, 33)
    (line,) = find_characters(drawn(*FIVE, *frame, rule, speck))
    assert len(line) == 5
