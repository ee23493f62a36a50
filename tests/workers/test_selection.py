"""Workers that compute otherwise than the others are left out, each with one line."""

from dataclasses import replace

import pytest

from mnist_seq.errors import FaultError
from mnist_seq.workers import selection
from mnist_seq.workers.fingerprint import Fingerprint, code_digest, processor
from mnist_seq.workers.selection import Answer, Selection

HERE = Fingerprint("one", code_digest(), "keras 3.15.0", "a processor", "none", "0badcafe")
ELSEWHERE = replace(HERE, host="two", processor="another that computes alike")
OLD_CODE = replace(HERE, code="00000000")
OLD_KERAS = replace(HERE, libraries="keras 3.14.0")
OLD_PROCESSOR = replace(HERE, processor="an old one", arithmetic="feedbeef")


class Heard:
    def __init__(self, *, leaves_out: bool = True) -> None:
        self.lines: list[str] = []
        self.selection = Selection(self.lines.append, leaves_out=leaves_out)

    def usable(self, **answers: Answer) -> str:
        return "".join(sorted(self.selection.usable(answers)))


def test_workers_of_any_host_and_name_of_processor_are_used_if_they_compute_alike() -> None:
    heard = Heard()
    assert heard.usable(a=HERE, b=ELSEWHERE) == "ab"
    assert heard.lines == []


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (OLD_CODE, f"code 00000000 instead of {code_digest()}"),
        (OLD_KERAS, "libraries keras 3.14.0 instead of keras 3.15.0"),
        (
            OLD_PROCESSOR,
            "arithmetic feedbeef instead of 0badcafe; processor an old one instead of a processor",
        ),
    ],
)
def test_one_that_is_unlike_two_others_is_left_out_and_told_of_once(
    other: Answer, words: str
) -> None:
    heard = Heard()
    for _ in range(3):
        assert heard.usable(a=other, b=HERE, c=HERE) == "bc"
    assert heard.lines == [
        f"the worker at a is left out: {words}; make it like the others, or set "
        "workers.unlike=allow"
    ]


@pytest.mark.parametrize("leaves_out", [True, False])
def test_one_that_cannot_load_its_libraries_is_not_used_whatever_is_allowed(
    leaves_out: bool,
) -> None:
    heard = Heard(leaves_out=leaves_out)
    for _ in range(2):
        assert heard.usable(a=ImportError("no TensorFlow\nhere"), b=HERE) == "b"
    assert heard.lines == ["the worker at a cannot be used: ImportError: no TensorFlow here"]


def test_where_it_is_allowed_workers_of_other_code_alone_are_used_and_told_of() -> None:
    heard = Heard(leaves_out=False)
    assert heard.usable(a=OLD_CODE) == "a"
    assert heard.lines == [
        f"the worker at a is unlike the others: code 00000000 instead of {code_digest()}"
    ]


def test_of_two_that_differ_the_one_with_the_drivers_code_is_used() -> None:
    assert Heard().usable(a=OLD_CODE, b=HERE) == "b"


def test_nothing_is_decided_until_all_have_answered() -> None:
    heard = Heard()
    assert heard.usable(a=OLD_KERAS, b=None, c=None) == ""
    assert heard.usable(a=OLD_KERAS, b=HERE, c=HERE) == "bc"


def test_those_that_do_not_answer_are_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selection, "SECONDS_TO_AGREE", -1)
    assert Heard().usable(a=HERE, b=None) == "a"


def test_one_that_joins_later_is_held_against_those_in_use() -> None:
    heard = Heard()
    assert heard.usable(a=HERE) == "a"
    assert heard.usable(a=HERE, b=OLD_KERAS, c=OLD_KERAS) == "a"
    assert heard.usable(b=OLD_KERAS, c=OLD_KERAS, d=ELSEWHERE) == "d"


def test_where_it_is_allowed_unlike_workers_are_told_of_and_used() -> None:
    heard = Heard(leaves_out=False)
    assert heard.usable(a=HERE, b=OLD_PROCESSOR) == "ab"
    (line,) = heard.lines
    assert line.startswith("the worker at b is unlike the others: arithmetic feedbeef instead of")


@pytest.mark.parametrize("answer", [OLD_CODE, ImportError("no TensorFlow")])
def test_where_none_can_be_used_the_session_ends_with_the_reason(answer: Answer) -> None:
    with pytest.raises(FaultError, match=r"^no worker can be used: a: ") as ended:
        Heard().usable(a=answer)
    assert "\n" not in str(ended.value)


def test_one_that_was_used_is_waited_for_when_it_is_gone() -> None:
    heard = Heard()
    assert heard.usable(a=HERE, b=OLD_CODE) == "a"
    assert heard.usable(b=OLD_CODE) == ""
    assert heard.usable(a=HERE, b=OLD_CODE) == "a"


def test_a_cluster_without_workers_is_waited_for() -> None:
    assert Heard().usable() == ""


def test_the_processor_is_named() -> None:
    assert processor() not in {"", "unknown"}
