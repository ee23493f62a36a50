"""A port for a page that only this machine can reach."""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator

from mnist_seq.errors import TrackingError

HOST = "127.0.0.1"  # the pages ask nobody who they are: not for other machines


@contextlib.contextmanager
def bound(port: int) -> Iterator[tuple[int, socket.socket]]:
    """Context manager: take a port.

    Parameters
    ----------
    port : int
        0: any free one.

    Yields
    ------
    int
        The port.
    socket
        Bound to it, and not listening yet.

    Raises
    ------
    TrackingError
        If it is taken or not allowed.
    """
    with socket.socket() as taken:
        # Where a port just left stays reserved for a minute, a server may take it all the same.
        if os.name == "posix":
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((HOST, port))
        except OSError as error:
            reason = {
                errno.EADDRINUSE: "is taken",
                errno.EACCES: "is for administrators only",
            }.get(error.errno or 0, f"cannot be used ({error.strerror})")
            raise TrackingError(
                f"port {port} {reason}; choose another with port=..., or port=0 for any free one"
            ) from error
        yield int(taken.getsockname()[1]), taken
