import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from mnist_seq.tracking.writer import Write, Writer


@dataclass
class Note:
    """A write that appends its words to a list, after failing as often as it is told."""

    words: str
    written: list[str]
    failures: list[Exception] = field(default_factory=list)
    joins: bool = False

    def carry_out(self, _again: bool, /) -> None:
        if self.failures:
            raise self.failures.pop()
        self.written.append(self.words)

    def join(self, later: Write, /) -> bool:
        if self.joins:
            self.words += later.words
        return self.joins


def a_writer(warn: Callable[[str], None] = print) -> Writer:
    return Writer(lambda error: isinstance(error, OSError), warn, longest_pause=0.1)


def test_what_fails_for_a_passing_reason_is_stored_in_its_place_and_told_once() -> None:
    written: list[str] = []
    warnings: list[str] = []
    writer = a_writer(warnings.append)
    writer.put("run", Note("1", written))
    writer.put("run", Note("2", written, [OSError("disk full")] * 3))
    writer.put("run", Note("3", written))
    assert writer.close(patience=10) == []
    assert written == ["1", "2", "3"]
    assert warnings == ["2: waiting until it can be stored (disk full)"]


def test_a_mistake_surfaces_on_the_next_call_and_only_once() -> None:
    written: list[str] = []
    writer = a_writer()
    writer.put("run", Note("1", written, [KeyError("typo")]))
    assert writer.drain(10) == []
    with pytest.raises(KeyError, match="typo"):
        writer.put("run", Note("2", written))
    writer.put("run", Note("3", written))
    assert writer.close(patience=10) == []
    assert written == ["3"]


def test_a_mistake_surfaces_on_close_and_loses_no_other_write() -> None:
    written: list[str] = []
    writer = a_writer()
    hold = threading.Event()
    writer.put("run", _Waits(hold))
    writer.put("run", Note("1", written, [KeyError("typo")]))
    writer.put("run", Note("2", written))
    hold.set()
    with pytest.raises(KeyError, match="typo"):
        writer.close(patience=10)
    assert written == ["2"]


def test_close_gives_up_when_nothing_moves_and_says_what_is_lost() -> None:
    written: list[str] = []
    writer = a_writer()
    writer.put("run", Note("1", written, [OSError("locked")] * 1000))
    writer.put("run", Note("2", written))
    assert writer.close(patience=0.3) == ["1", "2"]
    assert written == []
    with pytest.raises(RuntimeError, match="3 came after"):
        writer.put("run", Note("3", written))


def test_lines_take_turns_and_what_piles_up_in_one_is_joined() -> None:
    written: list[str] = []
    writer = a_writer()
    hold = threading.Event()
    writer.put("other", _Waits(hold))
    for words in "abc":
        writer.put("joining", Note(words, written, joins=True))
        writer.put("plain", Note(words.upper(), written))
    hold.set()
    assert writer.close(patience=10) == []
    assert written == ["abc", "A", "B", "C"]


@dataclass
class _Waits:
    event: threading.Event
    words: str = "waits"

    def carry_out(self, _again: bool, /) -> None:
        self.event.wait(10)

    def join(self, _later: Write, /) -> bool:
        return False


class _Tells(_Waits):
    def carry_out(self, _again: bool, /) -> None:
        self.event.set()


def test_an_owner_who_is_never_idle_keeps_no_write_waiting_for_ever() -> None:
    writer, done = a_writer(), threading.Event()
    with writer.idle():
        pass
    writer.put("run", _Tells(done))
    assert done.wait(timeout=30)
    assert writer.close(patience=10) == []
