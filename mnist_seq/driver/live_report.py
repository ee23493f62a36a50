"""A process of low priority beside a sweep's driver, which writes the study's page meanwhile."""

import contextlib
import multiprocessing
import multiprocessing.resource_tracker
import os
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.checkpoints import unfinished_file
from mnist_seq.driver.signals import hold_stop_signals, ignore_stop_signals
from mnist_seq.errors import InputError
from mnist_seq.workers.forkserver import without_main_module

NICENESS = 5  # beside two busy cores it gets a quarter of one; at 10, a tenth
SECONDS_TO_END = 30.0


@contextlib.contextmanager
def live_report(tracking: TrackingConfig, study: str, path: Path) -> Iterator[Callable[[], None]]:
    """Context manager: a study's page is written while the block runs.

    At the end of the block the page is written once more, as the report; the caller waits for it.

    Yields
    ------
    callable
        Ends the writing at once, and leaves the page to the caller.
    """
    # Nothing is ever sent: the end of the pipe is the end of the sweep, however that comes.
    read_end, write_end = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(
        target=_write_pages, args=(tracking, study, path, read_end), name="report", daemon=True
    )
    multiprocessing.resource_tracker.ensure_running()  # it would lift the block below
    with without_main_module(), hold_stop_signals():
        process.start()
    read_end.close()
    try:
        yield lambda: _kill(process, path)
    finally:
        write_end.close()
        try:
            process.join(SECONDS_TO_END)
        finally:
            _kill(process, path)


def _kill(process: BaseProcess, path: Path) -> None:
    process.kill()
    process.join()
    if process.pid:
        unfinished_file(path.resolve(), process.pid).unlink(missing_ok=True)


def _write_pages(tracking: TrackingConfig, study: str, path: Path, sweep: Connection) -> None:
    """Write a study's page until its sweep has ended, then its report."""
    ignore_stop_signals()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    # Only now, at this priority, are the slow libraries loaded.
    from mnist_seq.driver.live_page import LivePage, read_study, write_while_running
    from mnist_seq.driver.report import write_page
    from mnist_seq.driver.workspace import Workspace
    from mnist_seq.report.pages.report import render

    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.suppress(InputError),  # the sweep meets the same, and says so
    ):
        workspace = Workspace(tracking)
        write_while_running(LivePage(workspace, study, path), sweep.poll)
        report = render(read_study(workspace, study).ended)
        parent = multiprocessing.parent_process()
        # After a driver that was killed, the same command may go on already.
        if (parent and parent.is_alive()) or not workspace.is_running(study):
            write_page(path, report)
