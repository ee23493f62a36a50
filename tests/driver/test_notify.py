"""Who is told that a search has ended: a real server on this machine, and real commands."""

import json
import shlex
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mnist_seq.driver import notify
from mnist_seq.driver.notify import Notification, without_target
from mnist_seq.errors import ConfigError, FaultError, StoppedError
from mnist_seq.records import EpochRecord, Trial, TrialOutcome
from mnist_seq.search.study_settings import study_name
from mnist_seq.terminal.progress import Progress
from tests.examples import config, sweep_config

RECORD = EpochRecord(2, 0.4, 0.8, 0.5, 0.75, 0.001, 1.0, 100.0)


class Listener(BaseHTTPRequestHandler):
    """Answers POST requests with the status in their path, and keeps what they say."""

    heard: "list[tuple[str, str | None, object]]"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(int(self.path[1:4]))
        self.send_header("Location", "/200/elsewhere")
        self.end_headers()

    def do_GET(self) -> None:
        self.heard.append((self.path, None, None))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Listener.heard = []
    with HTTPServer(("127.0.0.1", 0), Listener) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def progress() -> Progress:
    made = Progress(6, "validation_accuracy")
    for number, state in enumerate(("pruned", "complete", "complete")):
        best = RECORD if number == 1 else None
        made.restore(
            Trial(number, config(), {}),
            TrialOutcome(state, (RECORD,), best, None),  # type: ignore[arg-type]
        )
    return made


def run(target: str | None, error: Exception | None = None, *, ends: bool = True) -> None:
    """A search that ends by itself, by an exception, or because its user stops it."""
    notification = Notification(target)
    with notification.sent("study", progress(), Path("/runs")):
        if error is not None:
            raise error
        if ends:
            notification.ended(None)


MESSAGE = {
    "study": "study",
    "state": "complete",
    "reason": None,
    "objective": "validation_accuracy",
    "best_value": 0.75,
    "best_trial": 1,
    "trials": {"complete": 2, "pruned": 1, "failed": 0, "planned": 6},
    "folder": "/runs",
}


def test_a_url_is_told_once(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(f"{server}/200/mine?a=1")
    assert Listener.heard == [("/200/mine?a=1", "application/json", MESSAGE)]
    assert capsys.readouterr().out == ""


def test_a_command_gets_the_same_on_its_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a file; not two"
    code = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    run(shlex.join([sys.executable, "-c", code, str(file)]))
    assert json.loads(file.read_text()) == MESSAGE
    assert capsys.readouterr().out == ""


def test_a_fault_is_told_and_goes_on_its_way(server: str) -> None:
    with pytest.raises(FaultError):
        run(f"{server}/200", FaultError("no space left"))
    ((_, _, told),) = Listener.heard
    assert told == MESSAGE | {"state": "fault", "reason": "no space left"}


def test_a_search_that_gave_up_says_why(server: str) -> None:
    notification = Notification(f"{server}/200")
    with notification.sent("study", Progress(3, "validation_loss"), Path("/runs")):
        notification.ended("all failed alike")
    ((_, _, told),) = Listener.heard
    assert isinstance(told, dict)
    assert (told["state"], told["reason"], told["best_value"]) == (
        "gave_up",
        "all failed alike",
        None,
    )


def test_nobody_is_told_of_a_search_that_its_user_stopped(server: str) -> None:
    run(f"{server}/200", ends=False)
    # The last is of a reader such as `head` or `less` that has gone.
    for stop in (StoppedError(), KeyboardInterrupt(), BrokenPipeError()):
        with pytest.raises(type(stop)):
            run(f"{server}/200", stop)  # type: ignore[arg-type]
    assert Listener.heard == []


def test_no_redirection_is_followed(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(f"{server}/302")
    assert [path for path, *_ in Listener.heard] == ["/302"]
    assert capsys.readouterr().out.startswith("notify: 127.0.0.1: not told: HTTP Error 302")


@pytest.mark.parametrize("kind", ["refuses", "hangs", "fails"])
def test_a_url_that_does_not_answer_is_one_line(
    kind: str, server: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "SECONDS_OF_A_STEP", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        if kind == "refuses":
            deaf.close()
        run(f"{server}/500" if kind == "fails" else f"http://127.0.0.1:{port}/secret")
    (line,) = capsys.readouterr().out.splitlines()
    said = {"refuses": "Connection refused", "hangs": "timed out", "fails": "HTTP Error 500"}
    assert line.startswith("notify: 127.0.0.1: not told: ")
    assert said[kind] in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit('no mail today')", "exit code 1: no mail today"),
        ("import time; time.sleep(60)", "timed out"),
    ],
)
def test_a_command_that_fails_is_one_line(
    code: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "SECONDS_OF_A_COMMAND", 1.0)
    run(shlex.join([sys.executable, "-S", "-c", code]))
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"notify: {sys.executable}: not told: ")
    assert said in line
    assert "import" not in line, "what it was called with may be a secret"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("ftp://host/file", "must be a URL as in https://host/path"),
        ("https://", "must be a URL"),
        ("http://user:word@host", "must be a URL"),
        ("http://host:port", "must be a URL"),
        ("'unclosed", "is not a command (No closing quotation)"),
        ("no-such-program --now", "no such program: no-such-program"),
        (" ", "no such program: ' '"),
    ],
)
def test_what_can_tell_nobody_is_refused_before_the_search(target: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"^notify: ") as refused:
        Notification(target)
    assert said in str(refused.value)
    assert "word" not in str(refused.value)


def test_the_target_is_no_part_of_a_study_nor_of_what_is_kept_of_it() -> None:
    told, quiet = sweep_config("notify=https://host/secret?a=1"), sweep_config()
    assert told.notify == "https://host/secret?a=1"
    assert study_name(told) == study_name(quiet)
    assert told.model_dump() == quiet.model_dump()
    typed = "python -m experiments.sweep 'notify=mail me' data=digits '+notify=http://a/b'"
    assert without_target(typed) == "python -m experiments.sweep data=digits"
    assert without_target("python -m  experiments.sweep") == "python -m  experiments.sweep"
