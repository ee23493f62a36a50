"""Imported by the fork server only: loads the workers' libraries before they are forked."""

import ctypes
import gc
import os
import signal

from mnist_seq.workers.forkserver import DRIVER, ENVIRONMENT, IGNORED_SIGNALS

PR_SET_PDEATHSIG = 1  # of Linux, where alone there is a fork server

os.environ.update(ENVIRONMENT)
# Ctrl-C and a closed terminal reach every process of the terminal, and who ends a job ends each of
# its processes; the driver alone decides what it means: it still has to fetch what was trained.
for number in IGNORED_SIGNALS:
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, IGNORED_SIGNALS)
# A driver that ends while this loads takes it along; its workers notice by themselves. Not a server
# that Dask has started in place of a dead one: it would end with the thread that did.
driver = os.environ.pop(DRIVER, None)
if driver is not None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if driver != str(os.getppid()):
        os._exit(0)  # it has ended already

import distributed  # noqa: E402, F401

from mnist_seq.network import training  # noqa: E402

try:
    training.warm_up()
except Exception as error:  # passed over as an ImportError: each worker will say it of itself
    raise ImportError("the workers' libraries cannot be loaded") from error
# What is loaded stays: every process that collects garbage would otherwise copy the memory that it
# shares with the others.
gc.freeze()
