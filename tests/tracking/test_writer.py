import threading
from collections.abc import Callable, Sequence

import pytest
from mlflow.entities import Metric, Param

from mnist_seq.tracking.writer import MOST_ENTRIES, MOST_PARAMS, Values, Write, Writer


def note(description: str, written: list[str], failures: Sequence[Exception] = ()) -> Write:
    """A write that appends its description to a list, after failing as often as it is told."""
    left = list(failures)

    def execute(_is_retry: bool) -> None:
        if left:
            raise left.pop()
        written.append(description)

    return Write(description, execute)


def waiting(event: threading.Event) -> Write:
    return Write("waits", lambda _: event.wait(10))


def a_writer(warn: Callable[[str], None] = print) -> Writer:
    return Writer(lambda error: isinstance(error, OSError), warn, longest_pause=0.1)


def test_what_fails_for_a_transient_reason_is_stored_in_its_place_and_told_once() -> None:
    written: list[str] = []
    warnings: list[str] = []
    writer = a_writer(warnings.append)
    writer.put("run", note("1", written))
    writer.put("run", note("2", written, [OSError("disk full")] * 3))
    writer.put("run", note("3", written))
    assert writer.close(timeout=10) == []
    assert written == ["1", "2", "3"]
    assert warnings == ["2: waiting until it can be stored (disk full)"]


def test_a_mistake_surfaces_on_the_next_call_and_only_once() -> None:
    written: list[str] = []
    writer = a_writer()
    writer.put("run", note("1", written, [KeyError("typo")]))
    assert writer.drain(10) == []
    with pytest.raises(KeyError, match="typo"):
        writer.put("run", note("2", written))
    writer.put("run", note("3", written))
    assert writer.close(timeout=10) == []
    assert written == ["3"]


def test_a_mistake_surfaces_on_close_and_loses_no_other_write() -> None:
    written: list[str] = []
    writer = a_writer()
    hold = threading.Event()
    writer.put("run", waiting(hold))
    writer.put("run", note("1", written, [KeyError("typo")]))
    writer.put("run", note("2", written))
    hold.set()
    with pytest.raises(KeyError, match="typo"):
        writer.close(timeout=10)
    assert written == ["2"]


def test_close_gives_up_when_nothing_moves_and_says_what_is_lost() -> None:
    written: list[str] = []
    writer = a_writer()
    writer.put("run", note("1", written, [OSError("locked")] * 1000))
    writer.put("run", note("2", written))
    assert writer.close(timeout=0.3) == ["1", "2"]
    assert written == []
    with pytest.raises(RuntimeError, match="3 came after"):
        writer.put("run", note("3", written))


def test_queues_take_turns_and_what_piles_up_in_one_is_merged() -> None:
    written: list[str] = []
    writer = a_writer()
    hold = threading.Event()
    writer.put("other", waiting(hold))
    for letter in "abc":
        writer.put("merging", tags({letter: ""}, written))
        writer.put("plain", note(letter.upper(), written))
    hold.set()
    assert writer.close(timeout=10) == []
    assert written == ["abc", "A", "B", "C"]


def tags(names: dict[str, str], written: list[str]) -> Write:
    values = Values(tags=names)
    return Write("tags", lambda _: written.append("".join(values.tags)), values)


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        (Values(params=[Param("units", "8")] * (MOST_PARAMS - 1)), True),
        (Values(params=[Param("units", "8")] * MOST_PARAMS), False),
        (Values(metrics=[Metric("loss", 0.5, 0, 0)] * (MOST_ENTRIES - 1)), True),
        (Values(metrics=[Metric("loss", 0.5, 0, 0)] * MOST_ENTRIES), False),
    ],
)
def test_no_more_is_merged_than_mlflow_takes_at_once(values: Values, fits: bool) -> None:
    before = len(values.params)
    assert values.take(Values(params=[Param("epochs", "3")])) == fits
    assert len(values.params) == before + fits


def test_an_owner_who_is_never_idle_keeps_no_write_waiting_for_ever() -> None:
    writer, done = a_writer(), threading.Event()
    with writer.idle():
        pass
    writer.put("run", Write("tells", lambda _: done.set()))
    assert done.wait(timeout=30)
    assert writer.close(timeout=10) == []
