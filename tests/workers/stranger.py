"""Another user of this machine, who tries all doors: ``python -m tests.workers.stranger PORT...``.

Prints each that opened.
"""

import asyncio
import http.client
import os
import sys
import tempfile
from collections.abc import Awaitable

import dask
from distributed import Client, Security, Worker

NOBODY = 65534
SECONDS = 5.0
PAGES = ("/", "/info/main/workers.html", "/status", "/health", "/metrics", "/json/identity.json")


async def ran_code(port: int, security: Security | None) -> None:
    """Run code behind a port, as at a scheduler."""
    address = f"{'tls' if security else 'tcp'}://127.0.0.1:{port}"
    client = await Client(address, security=security, timeout=SECONDS, asynchronous=True)
    await client.run_on_scheduler(os.getuid)


async def joined(port: int) -> None:
    """Be given work, data and all, by the scheduler behind a port."""
    async with Worker(f"tcp://127.0.0.1:{port}", host="127.0.0.1", death_timeout=SECONDS):
        pass


async def read_a_page(port: int) -> None:
    """Be told anything by the server behind a port."""
    await asyncio.to_thread(_read_a_page, port)


def _read_a_page(port: int) -> None:
    for page in PAGES:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        connection.request("GET", page)
        if connection.getresponse().status != http.client.NOT_FOUND:
            return
        connection.close()
    raise LookupError("there is no page")


async def opens(door: Awaitable[None]) -> bool:
    try:
        await asyncio.wait_for(door, SECONDS)
    except Exception as error:
        print(f"refused: {type(error).__name__}", file=sys.stderr)
        return False
    return True


async def main(ports: list[int]) -> None:
    mine = Security.temporary()
    doors = {
        f"{port}: {name}": opens(door)
        for port in ports
        for name, door in (
            ("a client", ran_code(port, None)),
            ("a client with a certificate", ran_code(port, mine)),
            ("a worker", joined(port)),
            ("a browser", read_a_page(port)),
        )
    }
    for name, is_open in zip(doors, await asyncio.gather(*doors.values()), strict=True):
        if is_open:
            print(name, flush=True)


if __name__ == "__main__":
    folder = tempfile.mkdtemp()
    os.chown(folder, NOBODY, NOBODY)
    os.chdir(folder)
    tempfile.tempdir = folder
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    dask.config.set({"distributed.comm.timeouts.connect": f"{SECONDS:g}s"})
    asyncio.run(asyncio.wait_for(main([int(port) for port in sys.argv[1:]]), 60))
    os._exit(0)  # some that were refused would try again
