import json
import os
import socket
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from mnist_seq.errors import StoreError, TrackingError
from mnist_seq.tracking.results import Experiment
from mnist_seq.tracking.store import Store
from mnist_seq.tracking.tracker import Tracker
from mnist_seq.tracking.ui import addresses, local_address, serve_ui, ui_command


def test_the_pages_of_the_store_are_served_on_a_free_port_and_then_gone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):  # nobody answers there
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    urlopen = build_opener(ProxyHandler({})).open
    with Tracker(store) as tracker:
        study = tracker.experiment("study")
        run = tracker.start(study, "training", "training", {}, {})
        run.artifact("figures/note.txt", "kept")
    with serve_ui(store, port=0) as (port, server):
        assert server.poll() is None
        api = f"http://127.0.0.1:{port}"
        with urlopen(f"{api}/api/2.0/mlflow/experiments/get?experiment_id={study}") as answer:
            assert json.load(answer)["experiment"]["name"] == "study"
        with urlopen(f"{api}/get-artifact?path=figures/note.txt&run_uuid={run.id}") as answer:
            assert answer.read() == b"kept"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_taken_port_is_told_in_one_line(store: Store) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(TrackingError, match=f"port {port} is taken"), serve_ui(store, port):
            pass


def test_a_port_for_administrators_is_told_in_one_line(store: Store) -> None:
    first = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if os.geteuid() != 0 or not first.exists() or int(first.read_text()) <= 80:
        pytest.skip("every port is allowed here")
    os.seteuid(65534)
    try:
        with pytest.raises(TrackingError, match="port 80 is for administrators only"):
            serve_ui(store, 80).__enter__()
    finally:
        os.seteuid(0)


def test_a_log_that_cannot_be_written_is_told_in_one_line(store: Store) -> None:
    (store.folder / "ui.log").mkdir()
    with (
        pytest.raises(StoreError, match=r"cannot keep results here \(Is a directory\)$"),
        serve_ui(store, 0),
    ):
        pass


def test_the_server_answers_this_machine_only(store: Store) -> None:
    command = ui_command(store, 5000)
    assert command[command.index("--host") + 1] == "127.0.0.1"


RUNS = "http://127.0.0.1:5000/#/experiments/7/runs?workflowType=machine_learning"


def test_addresses_name_the_views_that_there_are_and_no_others() -> None:
    # MLflow takes a reader who comes with another key to its overview.
    assert addresses(Experiment("7", "a", "a"), local_address(5000)) == {
        "curves": f"{RUNS}&compareRunsMode=CHART",
        "table": f"{RUNS}&orderByKey=metrics.%60best_validation_accuracy%60&orderByAsc=false",
    }
    search = Experiment("7", "b", "b", views=frozenset({"trials", "reruns"}))
    assert addresses(search, local_address(5000)) == {
        "curves": f"{RUNS}&compareRunsMode=CHART&viewStateShareKey=trials",
        "table": f"{RUNS}&viewStateShareKey=trials",
        "reruns": f"{RUNS}&viewStateShareKey=reruns",
    }
