import contextlib
import hashlib
import os
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_seq.driver.checkpoints import VERSION, Checkpoints, write_atomically
from mnist_seq.errors import StoreError
from mnist_seq.records import Arrays, EpochRecord, TrainingState, TrainResult, TrialOutcome


def record(epoch: int) -> EpochRecord:
    return EpochRecord(epoch, 1 / 3, 0.1, 2**-40, 0.7, 1e-300, 1.25, float(epoch))


def state(epochs: int = 3, best: int = 2) -> TrainingState:
    draw = np.random.default_rng(0)
    weights: Arrays = {
        "lstm_1/lstm_cell/kernel": draw.normal(size=(3, 4)).astype(np.float32),
        "logits/bias": np.array([0.0, -0.0, np.inf, np.nan], np.float32),
    }
    others = ["float16", "float64", "int8", "int32", "int64", "uint8", "uint32", "bool"]
    optimizer: Arrays = {kind: draw.integers(0, 2, 5).astype(kind) for kind in others}
    optimizer["iteration"] = np.array(7, np.int64)
    optimizer["none"] = np.zeros((0, 3), np.float32)
    return TrainingState(
        weights=weights,
        optimizer=optimizer,
        records=tuple(map(record, range(1, epochs + 1))),
        best_epoch=best,
        best_weights=weights if best == epochs else {k: v + 1 for k, v in weights.items()},
    )


def same_arrays(first: Arrays, second: Arrays) -> bool:
    return list(first) == list(second) and all(
        (one.dtype, one.shape, one.tobytes()) == (two.dtype, two.shape, two.tobytes())
        for one, two in zip(first.values(), second.values(), strict=True)
    )


def kept(folder: Path, one: TrainingState) -> Path:
    """The file that a state is in."""
    Checkpoints(folder).save_state(7, one, {})
    (file,) = folder.iterdir()
    return file


@pytest.mark.parametrize(("epochs", "best"), [(3, 2), (3, 3), (1, 1), (0, 0)])
def test_a_state_comes_back_bit_for_bit(epochs: int, best: int, tmp_path: Path) -> None:
    saved = state(epochs, best)
    kept(tmp_path, saved)
    loaded = Checkpoints(tmp_path).state(7)
    assert loaded is not None
    assert same_arrays(loaded.weights, saved.weights)
    assert same_arrays(loaded.optimizer, saved.optimizer)
    assert same_arrays(loaded.best_weights, saved.best_weights)
    assert loaded.records == saved.records
    assert (loaded.epoch, loaded.best_epoch) == (epochs, best)


def test_a_state_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    kept(tmp_path, state(2, 2))
    kept(tmp_path, state(3, 2))
    loaded = Checkpoints(tmp_path).state(7)
    assert loaded is not None
    assert loaded.epoch == 3


def test_there_is_no_state_where_none_was_saved(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "never made").state(7) is None
    kept(tmp_path, state())
    assert Checkpoints(tmp_path).state(8) is None


def test_a_flipped_bit_anywhere_is_noticed(tmp_path: Path) -> None:
    file = kept(tmp_path, state())
    whole = file.read_bytes()
    header = whole.index(b"\n") + 1
    places = [*range(header + 200), *range(header, len(whole), 37), len(whole) - 1]
    for place in places:
        broken = bytearray(whole)
        broken[place] ^= 1 << place % 8
        file.write_bytes(broken)
        assert Checkpoints(tmp_path).state(7) is None, f"byte {place}"
    file.write_bytes(whole)
    assert Checkpoints(tmp_path).state(7) is not None


def test_a_file_cut_short_or_run_on_is_noticed(tmp_path: Path) -> None:
    file = kept(tmp_path, state())
    whole = file.read_bytes()
    for length in [*range(0, len(whole), 101), len(whole) - 1]:
        file.write_bytes(whole[:length])
        assert Checkpoints(tmp_path).state(7) is None, f"{length} bytes"
    file.write_bytes(whole + b"\0")
    assert Checkpoints(tmp_path).state(7) is None


def test_a_file_of_another_version_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(tmp_path, state())
    monkeypatch.setattr("mnist_seq.driver.checkpoints.VERSION", VERSION + 1)
    assert Checkpoints(tmp_path).state(7) is None


def test_nothing_is_pickled(tmp_path: Path) -> None:
    objects = replace(state(), weights={"kernel": np.array([{}], dtype=object)})
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        Checkpoints(tmp_path).save_state(7, objects, {})
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_the_old_file_and_no_part_of_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(tmp_path, state(2, 2))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match=r"000007\.state: No space left on device; when that is"):
        Checkpoints(tmp_path).save_state(7, state(3, 2), {})
    monkeypatch.undo()
    loaded = Checkpoints(tmp_path).state(7)
    assert loaded is not None
    assert loaded.epoch == 2


def test_a_file_is_put_in_place_whole_and_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "file"
    write_atomically(file, b"one")
    write_atomically(file, b"another")
    assert file.read_bytes() == b"another"
    assert list(file.parent.iterdir()) == [file]


def test_two_processes_may_write_one_file_each_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, sync = tmp_path / "page.html", os.fsync

    def other_comes_between(descriptor: int) -> None:
        monkeypatch.setattr("os.fsync", sync)
        monkeypatch.setattr("os.getpid", lambda: 1)
        write_atomically(file, b"another")
        assert file.read_bytes() == b"another"
        sync(descriptor)

    monkeypatch.setattr("os.fsync", other_comes_between)
    write_atomically(file, b"one")
    assert file.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [file]


# --- their data


def test_a_trial_has_the_digests_of_the_data_that_it_was_trained_on(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    kept.save_state(3, state(), {"training": "0123", "test": "4567"})
    kept.save_outcome(11, outcomes()[11], {"training": "89ab"})
    assert kept.data(3) == {"training": "0123", "test": "4567"}
    assert kept.data(11) == {"training": "89ab"}
    assert kept.data(12) == {}


def test_of_a_state_of_an_earlier_version_no_digest_is_known(tmp_path: Path) -> None:
    file = kept(tmp_path, state())
    head, _, body = file.read_bytes().partition(b"\n")
    line = head.partition(b" ")[2].replace(b', "data": {}', b"")
    file.write_bytes(hashlib.blake2b(line + body).hexdigest().encode() + b" " + line + b"\n" + body)
    assert b'"data"' not in line
    assert Checkpoints(tmp_path).data(7) == {}
    assert Checkpoints(tmp_path).state(7) is not None


# --- outcomes


def outcomes() -> dict[int, TrialOutcome]:
    records = (record(1), record(2), record(3))
    result = TrainResult(records, 2, 1234, bytes(range(256)))
    return {
        3: TrialOutcome("complete", records, records[1], result),
        11: TrialOutcome("pruned", records[:1], records[0]),
        12: TrialOutcome("failed", (), None, reason="not finite: the loss\nis not"),
    }


def test_endings_come_back_as_they_were_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number, outcome in reversed(outcomes().items()):
        Checkpoints(tmp_path).save_outcome(number, outcome, {})
    found = Checkpoints(tmp_path).outcomes()
    assert found == outcomes()
    assert list(found) == [3, 11, 12]


def test_what_is_told_everywhere_is_forgotten(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.outcomes() == {}
    for number, outcome in outcomes().items():
        checkpoints.save_state(number, state(), {})
        checkpoints.save_outcome(number, outcome, {})
    checkpoints.delete(3)
    checkpoints.delete(3)
    assert checkpoints.outcomes().keys() == {11, 12}
    assert checkpoints.state(3) is None
    assert checkpoints.state(11) is not None


def test_trials_that_a_study_has_not_begun_have_left_nothing(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    (tmp_path / "driver.pid").write_text("1")
    for number in range(4):
        kept.save_state(number, state(), {})
        kept.save_outcome(number, outcomes()[min(outcomes())], {})
    kept.delete_from(2)
    assert [kept.state(number) is None for number in range(4)] == [False, False, True, True]
    assert kept.outcomes().keys() == {0, 1}
    assert (tmp_path / "driver.pid").exists()


def test_an_ending_that_is_not_whole_is_left_out(tmp_path: Path) -> None:
    for number, outcome in outcomes().items():
        Checkpoints(tmp_path).save_outcome(number, outcome, {})
    first = min(tmp_path.iterdir())
    first.write_bytes(first.read_bytes()[:-1])
    assert Checkpoints(tmp_path).outcomes().keys() == {11, 12}


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device", "link to a folder", "loop"])
def test_what_is_no_file_is_never_replaced(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    with socket.socket(socket.AF_UNIX) as listener:
        match kind:
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case "socket":
                with contextlib.chdir(tmp_path):  # the names of sockets are short
                    listener.bind(path.name)
            case "device":
                path = Path("/dev/null")
            case "link to a folder":
                path.symlink_to(tmp_path)
            case "loop":
                path.symlink_to(path)
        before, beside = path.lstat(), sorted(path.parent.iterdir())
        with pytest.raises(StoreError) as refused:
            write_atomically(path, b"new")
    assert str(refused.value).startswith(f"{path}: ")
    after = path.lstat()
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)
    assert kind == "device" or sorted(path.parent.iterdir()) == beside


@pytest.mark.parametrize("target", ["there.html", "missing.html", "folder/there.html"])
def test_a_link_stays_a_link_and_what_it_leads_to_is_written(target: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("there.html", "folder/there.html"):
        (tmp_path / name).write_bytes(b"old")
    link = tmp_path / "link.html"
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / target).read_bytes() == b"new"


def test_a_name_with_a_nul_or_of_300_letters_is_one_line(tmp_path: Path) -> None:
    for name in ("a\0b", "x" * 300):
        with pytest.raises(StoreError, match="cannot be written"):
            write_atomically(tmp_path / name, b"new")
    assert not list(tmp_path.iterdir())
