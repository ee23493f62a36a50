"""Loads, when it is imported, what a worker needs: only ever imported by the fork server."""

import gc
import os
import signal

from mnist_seq.forkserver import ENVIRONMENT

os.environ.update(ENVIRONMENT)
# Ctrl-C reaches every process of the terminal, and who ends a job ends each of its processes; the
# driver alone decides what it means: it still has to fetch what was trained.
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)

import distributed  # noqa: E402, F401

from mnist_seq import training  # noqa: E402

training.warm_up()
# What is loaded stays. Else every process would look through it for what is not used any more, and
# in doing so copy the memory it shares with the others.
gc.freeze()
