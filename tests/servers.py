"""Real servers on ports of this machine: PostgreSQL, MLflow's, and a gate with a password."""

import base64
import http.client
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest

HOST = "127.0.0.1"
SECONDS_TO_START = 240.0
_DIRECT = build_opener(ProxyHandler({}))


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def postgresql_programs() -> Path:
    """The folder of PostgreSQL's programs; skips the test where there are none."""
    found = shutil.which("initdb")
    folders = (
        [Path(found).resolve().parent]
        if found
        else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    )
    if not folders:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    return folders[-1]


def is_up(check: Callable[[], object]) -> bool:
    """Whether a check finds somebody who answers."""
    try:
        check()
    except (ConnectionError, TimeoutError, URLError):
        return False
    return True


def wait_until_up(check: Callable[[], object], process: "subprocess.Popen[bytes]") -> None:
    """Return when a server answers."""
    until = time.monotonic() + SECONDS_TO_START
    while not is_up(check):
        assert process.poll() is None, "the server has ended"
        assert time.monotonic() < until, "the server does not answer"
        time.sleep(0.1)


class PostgreSQL:
    """A PostgreSQL server of its own, with passwords, that can be killed and started again.

    Parameters
    ----------
    within : sequence of str
        What its command begins with, to run elsewhere.
    """

    def __init__(self, password: str, address: str = HOST, within: Sequence[str] = ()) -> None:
        self._programs, self.password, self.port = postgresql_programs(), password, free_port()
        self._address = address
        # It refuses to run as root.
        self._user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        as_user = ("setpriv", "--reuid", self._user, "--regid", self._user, "--init-groups")
        self._within = [*within, *as_user] if within else []  # a network is entered as root
        self.folder = Path(tempfile.mkdtemp(prefix="postgresql"))
        shutil.chown(self.folder, self._user)
        secret = self.folder / "password"
        secret.write_text(password)
        shutil.chown(secret, self._user)
        self._run(
            "initdb",
            *("-D", str(self.folder / "data"), "-U", "owner", "-A", "scram-sha-256"),
            *("--pwfile", str(secret), "--no-sync", "-E", "UTF8"),
        )
        secret.unlink()
        with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet scram-sha-256\n")
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self.process = subprocess.Popen(
            [
                *self._within,
                *(str(self._programs / "postgres"), "-D", str(self.folder / "data")),
                *("-h", self._address, "-p", str(self.port), "-k", str(self.folder), "-F"),
            ],
            user=None if self._within else self._user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until_up(
            lambda: self._run("pg_isready", "-h", self._address, "-p", str(self.port)),
            self.process,
        )

    def kill(self) -> None:
        """Stop the server as a crash would: nothing is said to clients, nothing written down."""
        self.process.send_signal(signal.SIGQUIT)  # nothing, where it has ended
        self.process.wait(30)

    def close(self) -> None:
        """End the server and delete what it has kept."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self, name: str) -> str:
        """Make an empty database; return its address, without a password."""
        self.sql("postgres", f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://owner@{self._address}:{self.port}/{name}"

    def sql(self, database: str, statement: str) -> str:
        """What psql prints for a statement."""
        return self._run(
            *("psql", "-h", self._address, "-p", str(self.port), "-U", "owner", "-d", database),
            *("-tAc", statement),
        )

    def dump(self, database: str) -> str:
        """All that is in a database, as text."""
        return self._run(
            *("pg_dump", "-h", self._address, "-p", str(self.port), "-U", "owner", "-d", database)
        )

    def _run(self, program: str, *words: str) -> str:
        done = subprocess.run(
            [str(self._programs / program), *words],
            user=self._user,
            cwd=self.folder,
            env={**os.environ, "PGPASSWORD": self.password},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ConnectionError(done.stderr)
        return done.stdout.strip()


class MlflowServer:
    """An MLflow server on a database, that can be killed and started again.

    Parameters
    ----------
    within : sequence of str
        What its command begins with, to run elsewhere.
    """

    def __init__(
        self,
        database: str,
        password: str,
        folder: Path,
        *options: str,
        address: str = HOST,
        within: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self.address = f"http://{address}:{self.port}"
        self._log = folder / "mlflow-server.log"
        self._command = [
            *(*within, sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database),
            *("--artifacts-destination", (folder / "files").as_uri(), "--workers", "1"),
            *("--host", address, "--port", str(self.port)),
            *("--allowed-hosts", f"{address}:{self.port}", *options),
        ]
        self._environment = {
            **os.environ,
            "PGPASSWORD": password,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,  # its processes are killed together
            )
        wait_until_up(
            lambda: _DIRECT.open(f"{self.address}/health", timeout=2).close(), self.process
        )

    def kill(self) -> None:
        """Kill the server and its processes."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)


@contextmanager
def gate(behind: int, user: str, password: str) -> Iterator[str]:
    """Context manager: the address of a server that passes requests on to those with a password."""
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    class Gate(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Authorization") != wanted:
                self._answer(401, {}, b"You are not authenticated.")
                return
            server = http.client.HTTPConnection(HOST, behind, timeout=60)
            headers = {k: v for k, v in self.headers.items() if k != "Host"}
            try:
                server.request(self.command, self.path, body, headers)
                answer = server.getresponse()
                content = answer.read()
            except OSError:
                self._answer(502, {}, b"away")
                return
            finally:
                server.close()
            kept = {"Content-Type", "Content-Disposition"}
            self._answer(
                answer.status, {k: v for k, v in answer.getheaders() if k.title() in kept}, content
            )

        def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

        def log_message(self, *_: object) -> None:
            pass

    with _served(Gate) as address:
        yield address


@contextmanager
def answering(status: int, answer: str, version: str) -> Iterator[str]:
    """Context manager: the address of a server that answers all alike, but for its version."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, version)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(status, answer)

        def _answer(self, code: int, text: str) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with _served(Answering) as address:
        yield address


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{HOST}:{server.server_address[1]}"
        finally:
            server.shutdown()
