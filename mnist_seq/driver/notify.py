"""Tell a URL or a command, once, that a search has ended. Nothing else is ever contacted."""

import contextlib
import json
import math
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from mnist_seq.errors import ConfigError, StoppedError
from mnist_seq.terminal.display import say
from mnist_seq.terminal.progress import Progress

SECONDS_OF_A_STEP = 5.0  # connecting, or waiting for an answer
SECONDS_OF_A_REQUEST = 10.0  # the look-up of a name has no limit of its own
SECONDS_OF_A_COMMAND = 30.0
LOOPBACK = {"localhost", "127.0.0.1", "::1"}  # no proxy knows this machine's own addresses
SETTING = "notify"
State: TypeAlias = Literal["complete", "gave_up", "fault"]


class Notification:
    """The message that a search has ended, and to whom it goes.

    Parameters
    ----------
    target : str or None
        The setting ``notify``: an http(s) URL, a command, or nobody.

    Raises
    ------
    ConfigError
        If it is neither, or there is no such program.
    """

    def __init__(self, target: str | None) -> None:
        self._send: Callable[[bytes], None] | None = None
        self._name = ""
        self._end: tuple[State, str | None] | None = None
        if target is not None:
            self._name, self._send = _sender(target)

    def ended(self, gave_up: str | None) -> None:
        """Note that the search has ended by itself, and why if it gave up."""
        self._end = ("gave_up" if gave_up else "complete", gave_up)

    @contextlib.contextmanager
    def sent(self, study: str, progress: Progress, folder: Path) -> Iterator[None]:
        """Context manager around a search: at its end the message is sent.

        There is none if the user stopped the search. A failure to send is one line.
        """
        try:
            yield
        except (StoppedError, BrokenPipeError):  # the latter of a reader such as `head` or `less`
            raise
        except Exception as error:
            self._end = ("fault", str(error) or type(error).__name__)
            raise
        finally:
            if self._end is not None and self._send is not None:
                content = _message(study, progress, folder, *self._end)
                try:
                    self._send(json.dumps(content, allow_nan=False).encode())
                except (OSError, HTTPException, ValueError) as error:
                    say(f"{SETTING}: {self._name}: not told: {error}", style="yellow")


def without_target(command: str) -> str:
    """Return a command line without the setting ``notify``: its URL may be a secret."""
    words = shlex.split(command)
    kept = [word for word in words if not word.lstrip("+").startswith(f"{SETTING}=")]
    return command if kept == words else shlex.join(kept)


def _message(
    study: str, progress: Progress, folder: Path, state: State, reason: str | None
) -> dict[str, Any]:
    trial, record = progress.best or (None, None)
    value = float(getattr(record, progress.objective)) if record else math.nan
    return {
        "study": study,
        "state": state,
        "reason": reason,
        "objective": progress.objective,
        "best_value": value if math.isfinite(value) else None,
        "best_trial": trial.number if trial else None,
        "trials": {
            **{state: progress.count(state) for state in ("complete", "pruned", "failed")},
            "planned": progress.target,
        },
        "folder": str(folder),
    }


def _sender(target: str) -> tuple[str, Callable[[bytes], None]]:
    """What sends to a target, and the target's name without what may be a secret."""
    if "://" in target.partition(" ")[0]:
        try:
            parts = urlsplit(target)
            is_url = parts.scheme in {"http", "https"} and bool(parts.hostname)
            is_url = is_url and parts.username is None and parts.port != 0
        except ValueError:
            is_url = False
        if not is_url or not target.isascii() or not target.isprintable() or " " in target:
            raise ConfigError(
                f"{SETTING}: must be a URL as in https://host/path, without a user's name, or a "
                "command"
            )
        return str(parts.hostname), lambda body: _post(target, body)
    try:
        words = shlex.split(target)
    except ValueError as error:
        raise ConfigError(f"{SETTING}: is not a command ({error})") from None
    if not words or shutil.which(words[0]) is None:
        raise ConfigError(f"{SETTING}: no such program: {words[0] if words else repr(target)}")
    return words[0], lambda body: _run(words, body)


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirection: it would lead to an address that nobody has named."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(url: str, body: bytes) -> None:
    direct = [ProxyHandler({})] if urlsplit(url).hostname in LOOPBACK else []
    opener = build_opener(_NoRedirect(), *direct)
    request = Request(url, body, {"Content-Type": "application/json"}, method="POST")
    outcome: list[Exception | None] = []

    def post() -> None:
        try:
            opener.open(request, timeout=SECONDS_OF_A_STEP).close()
        except HTTPError as error:
            error.close()
            outcome.append(error)
        except (OSError, HTTPException, ValueError) as error:
            outcome.append(error)
        else:
            outcome.append(None)

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    thread.join(SECONDS_OF_A_REQUEST)
    error = outcome[0] if outcome else TimeoutError(f"no answer in {SECONDS_OF_A_REQUEST:.0f} s")
    if error is not None:
        raise error


def _run(words: list[str], body: bytes) -> None:
    with tempfile.TemporaryFile() as errors:  # no pipe: what it leaves running would keep it open
        try:
            done = subprocess.run(
                words,
                input=body,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                timeout=SECONDS_OF_A_COMMAND,
                check=False,
            )
        except subprocess.TimeoutExpired:  # its text has all words, one may be a secret
            raise TimeoutError(f"timed out after {SECONDS_OF_A_COMMAND:.0f} s") from None
        errors.seek(0)
        last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
    if done.returncode:
        raise OSError(f"exit code {done.returncode}{f': {last}' if last else ''}")
