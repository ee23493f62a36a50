import pytest
from jinja2 import UndefinedError

from mnist_seq.report.pages.frame import breakable, fill, unbroken


def test_a_number_and_what_belongs_to_it_stay_in_one_line() -> None:
    assert unbroken("98.9 % ± 0.1 of it").split(" ") == [
        "98.9\N{NO-BREAK SPACE}%\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.1",
        "of",
        "it",
    ]


def test_a_long_name_may_break_and_stays_text() -> None:
    assert breakable("a.b_<c>") == "a.<wbr>b_<wbr>&lt;c&gt;"


def test_a_value_that_a_template_lacks_is_an_error_and_no_gap() -> None:
    with pytest.raises(UndefinedError, match="title"):
        fill("frame.html")
