"""Stop signals, sent to small processes."""

import signal
import subprocess
import sys

import pytest

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
LEAVES = """
from mnist_seq.driver.signals import leave_when_asked
leave_when_asked()
print("ready", flush=True)
while True: pass
"""
STOPS = """
import time
from mnist_seq.driver.signals import stop_when_asked
with stop_when_asked() as is_stopped:
    print("ready", flush=True)
    while not is_stopped():
        time.sleep(0.01)
    print("asked", flush=True)
    end = time.monotonic() + WAIT
    while time.monotonic() < end: pass
print("saved")
"""


def start(script: str) -> "subprocess.Popen[str]":
    """A process that has said that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", SIGNALS)
def test_while_nothing_is_to_be_saved_a_signal_ends_the_process_in_a_line(number: int) -> None:
    process = start(LEAVES)
    process.send_signal(number)
    assert process.communicate(timeout=30)[0] == "stopped\n"
    assert process.returncode == 130


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_a_request(number: int) -> None:
    process = start(STOPS.replace("WAIT", "0"))
    process.send_signal(number)
    assert process.communicate(timeout=30)[0] == "asked\nsaved\n"
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("first", "second"), [(signal.SIGINT, signal.SIGINT), (signal.SIGHUP, signal.SIGTERM)]
)
def test_the_second_signal_is_obeyed_at_once(first: int, second: int) -> None:
    process = start(STOPS.replace("WAIT", "60"))
    process.send_signal(first)
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"
    process.send_signal(second)
    assert process.communicate(timeout=30)[0] == ""
    assert process.returncode == 128 + second


def test_a_closed_terminal_may_say_so_twice() -> None:
    process = start(STOPS.replace("WAIT", "0.5"))
    process.send_signal(signal.SIGHUP)
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"
    process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=30)[0] == "saved\n"


def test_under_nohup_a_closed_terminal_stops_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does, for its children
    try:
        process = start(STOPS.replace("WAIT", "0"))
    finally:
        signal.signal(signal.SIGHUP, before)
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.3)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[0] == "asked\nsaved\n"
