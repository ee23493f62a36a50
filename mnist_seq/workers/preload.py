"""Imported by the fork server only: loads the workers' libraries before they are forked."""

import gc
import os
import signal

from mnist_seq.workers.forkserver import ENVIRONMENT

os.environ.update(ENVIRONMENT)
# Ctrl-C reaches every process of the terminal, and who ends a job ends each of its processes; the
# driver alone decides what it means: it still has to fetch what was trained.
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)

import distributed  # noqa: E402, F401

from mnist_seq.network import training  # noqa: E402

training.warm_up()
# What is loaded stays: every process that collects garbage would otherwise copy the memory that it
# shares with the others.
gc.freeze()
