"""``experiments.draw``, whole: from a pen in a browser to a network's belief."""

import json
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.drawing.window import CHART, DRIVER, opened
from tests.experiments.commands import run
from tests.faults.sweeps import start
from tests.report.browser import CHROMIUM


def test_without_nicegui_one_line_says_how_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "nicegui", None)
    ran = run("draw")
    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.errors
    assert line.startswith("error: NiceGUI, which makes the page, is not installed")
    assert "pip install '.[draw]'" in line


def test_a_taken_port_is_told_before_anything_is_loaded() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = run("draw", f"port={port}")
    assert ran.code == 2
    assert ran.errors[0].startswith(f"error: port {port} is taken; ")


@pytest.mark.slow
@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver")
def test_a_one_that_is_drawn_is_read_row_by_row(tmp_path: Path) -> None:
    where = f"tracking.folder={tmp_path}"
    settings = ("model.units=32", "training.epochs=1", "training.learning_rate=0.01")
    trained = run("train", "name=one", "data=mnist", "workers.count=1", *settings, where, "--json")
    run_id = json.loads(trained.out)["run"]["run_id"]
    process = start("experiments.draw", f"run={run_id}", "port=0", where)
    try:
        assert process.stdout is not None
        said = [process.stdout.readline().strip()]
        while "Ctrl-C ends it" not in said[-1]:
            assert process.poll() is None, said
            said.append(process.stdout.readline().strip())
        address = said[-2]
        assert address.startswith("http://127.0.0.1:")
        with opened() as window:
            window.open(address)
            window.draw([(0.52, 0.15), (0.5, 0.5), (0.48, 0.85)])
            window.until(lambda: window.text(".row-read") == "row 28 of 28")
            assert window.text(".best") == "1"
            values, lines = window.run(CHART)
            assert values == 10 * [28]
            assert [line["xAxis"] for line in lines] == [27]
            process.send_signal(signal.SIGINT)  # while the page is open
        output, _ = process.communicate(timeout=60)
        assert (process.returncode, output) == (130, "stopped\n")
    finally:
        process.kill()
