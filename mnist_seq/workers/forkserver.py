"""Starts the fork server: the process that local workers are forked from, with TensorFlow loaded.

TensorFlow takes seconds to load. So multiprocessing's fork server loads it once, while the driver
loads its own libraries on another core, and not every worker, or one that replaces another. A fork
is safe as long as this process has one thread, and nothing that it has loaded starts another before
it runs.
"""

import contextlib
import multiprocessing
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import multiprocessing.util
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from importlib.machinery import ModuleSpec

from mnist_seq.errors import FaultError
from mnist_seq.network.keras_environment import KERAS_ENVIRONMENT

# On macOS there is one as well, but libraries of the system there that break after a fork.
METHOD = "forkserver" if sys.platform == "linux" else "spawn"
DRIVER = "MNIST_SEQ_DRIVER"  # environment: the number of the process that starts the server
IGNORED_SIGNALS = {
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
}
# The most of a folder's name that leaves room for /pymp-12345678/listener-12345678: the address of
# a socket has 107 bytes on Linux.
LONGEST_FOLDER = 70
# Read when NumPy, TensorFlow and Keras are loaded, or first run something.
ENVIRONMENT = KERAS_ENVIRONMENT | {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Its operations make no validation faster, and it announces itself on stderr.
    "TF_ENABLE_ONEDNN_OPTS": "0",
}


@contextlib.contextmanager
def without_main_module() -> Iterator[None]:
    """Context manager: processes that are started in it do not import the user's script.

    multiprocessing imports the parent's main module in each process. None needs it here, and a
    script without ``if __name__ == "__main__"`` would begin again in every one of them. A package's
    ``__main__`` is never imported: for the time being, the main module is said to be one.
    """
    main = sys.modules["__main__"]
    before = main.__spec__
    main.__spec__ = ModuleSpec("mnist_seq.__main__", None)
    try:
        yield
    finally:
        main.__spec__ = before


def start() -> None:
    """Start the fork server without waiting for it, unless it runs.

    Raises
    ------
    FaultError
        If this machine has no semaphores or sockets for it.
    """
    try:
        multiprocessing.Lock()
    except OSError as error:
        raise FaultError(
            f"/dev/shm: {error.strerror}; the processes that train have their semaphores there"
        ) from error
    if METHOD == "forkserver":
        _make_folder_for_socket()
        multiprocessing.set_forkserver_preload(["mnist_seq.workers.preload"])
        multiprocessing.resource_tracker.ensure_running()  # it would lift the block below
        # Ctrl-C reaches every process of the terminal. This one is to ignore it, but learns so only
        # when it has started: until then it waits, and no Ctrl-C is lost here.
        signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED_SIGNALS)
        os.environ[DRIVER] = str(os.getpid())
        try:
            multiprocessing.forkserver.ensure_running()
        finally:
            del os.environ[DRIVER]
            signal.pthread_sigmask(signal.SIG_UNBLOCK, IGNORED_SIGNALS)


def _make_folder_for_socket() -> None:
    """Have multiprocessing make its folder in /tmp where the temporary folder's name is too long.

    It is made once a process, for its owner alone.
    """
    before = tempfile.tempdir
    if len(tempfile.gettempdir().encode()) > LONGEST_FOLDER:
        tempfile.tempdir = "/tmp"
    multiprocessing.util.get_temp_dir()
    tempfile.tempdir = before
