"""Hosts that are network namespaces of this machine, each with an address and processes."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUBNET = f"198.18.{os.getpid() % 256}"  # for tests of networks, by RFC 2544
BRIDGE = f"seq{os.getpid()}"


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=True)
    return done.stdout


class Host:
    """A namespace on the bridge, with a folder of its own to work in.

    Parameters
    ----------
    number : int
        Last part of its address.
    hidden : sequence of Path
        Folders that are empty for its processes.
    """

    def __init__(self, number: int, folder: Path, hidden: Sequence[Path] = ()) -> None:
        self.address, self.folder = f"{SUBNET}.{number}", folder
        self._name, self._cable = f"{BRIDGE}-{number}", f"{BRIDGE}-{number}"
        self._log, self._hidden = folder / "output", hidden
        self._started: list[subprocess.Popen[bytes]] = []
        folder.mkdir(parents=True)
        _ip("netns", "add", self._name)
        _ip("link", "add", self._cable, "type", "veth", "peer", "eth0", "netns", self._name)
        _ip("link", "set", self._cable, "master", BRIDGE, "up")
        _ip("-n", self._name, "address", "add", f"{self.address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            _ip("-n", self._name, "link", "set", link, "up")

    @property
    def within(self) -> list[str]:
        """What a command begins with, to run on this host."""
        return ["nsenter", f"--net=/run/netns/{self._name}"]

    def start(self, *command: str, **environment: str) -> "subprocess.Popen[bytes]":
        """Start ``python -m`` of some words; what it prints is added to `said`."""
        empty = "".join(f"mount -t tmpfs none '{folder}' && " for folder in self._hidden)
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [
                    *(*self.within, "unshare", "--mount", "sh", "-c", f'{empty}exec "$@"', "sh"),
                    *(sys.executable, "-m", *command),
                ],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"} | environment,
                stdout=log,
                stderr=log,
            )
        self._started.append(process)
        return process

    def said(self) -> str:
        """All that its processes have printed."""
        return self._log.read_text()

    def shut_off(self, other: "Host") -> None:
        """Let nothing reach another host from here, for good."""
        _ip("-n", self._name, "route", "add", "blackhole", f"{other.address}/32")

    def reaches(self, other: "Host", port: int) -> bool:
        """Whether a connection to another host can be made."""
        connect = f"import socket; socket.create_connection(('{other.address}', {port}), 5)"
        ran = subprocess.run([*self.within, sys.executable, "-c", connect], capture_output=True)
        return ran.returncode == 0

    def unplug(self) -> None:
        """Pull the cable."""
        _ip("link", "set", self._cable, "down")

    def plug(self) -> None:
        """Put it back."""
        _ip("link", "set", self._cable, "up")

    def freeze(self) -> None:
        """Stop all processes."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill all processes at once, as when the power fails."""
        self._signal(signal.SIGKILL)
        for process in self._started:
            process.wait(30)

    def remove(self) -> None:
        """Kill all processes and take the host off the network."""
        self.kill()
        _ip("netns", "delete", self._name)

    def _signal(self, number: signal.Signals) -> None:
        told: set[int] = set()
        while new := {*map(int, _ip("netns", "pids", self._name).split())} - told:
            for process in new:
                with suppress(ProcessLookupError):
                    os.kill(process, number)
            told |= new


class Network:
    """A bridge with hosts, and this process at its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hosts: list[Host] = []
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("address", "add", f"{SUBNET}.254/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")

    def host(self, name: str, hidden: Sequence[Path] = ()) -> Host:
        """Add a host."""
        number = len(self._hosts) + 1
        self._hosts.append(Host(number, self._folder / f"{number}-{name}", hidden))
        return self._hosts[-1]

    def close(self) -> None:
        """Kill everything and leave nothing behind."""
        for host in self._hosts:
            host.remove()
        _ip("link", "delete", BRIDGE)


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """Context manager: an empty network; skips the test where none can be made."""
    if sys.platform != "linux" or os.getuid() != 0:
        pytest.skip("making hosts takes root on Linux")
    if missing := [name for name in ("ip", "nsenter", "unshare") if not shutil.which(name)]:
        pytest.skip(f"making hosts takes {missing[0]}: apt-get install iproute2 util-linux")
    made = Network(folder)
    try:
        yield made
    finally:
        made.close()
