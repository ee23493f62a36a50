"""A registered network of three classes, served by MLflow with the line that rerun prints."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_seq.data.arrays import write_npz_file
from tests.experiments.commands import printed, run

pytestmark = pytest.mark.slow

NAMES = ("ક", "ખ", "ગ")
TRAINING = ("model.units=8", "training.epochs=6", "training.batch_size=16")
DIRECT = build_opener(ProxyHandler({}))


def images(of_each: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Images of 6 by 5 pixels: a bright bar above, in the middle or below, in noise."""
    random = np.random.default_rng(seed)
    labels_N = np.arange(3 * of_each) % 3
    images_NSF = random.integers(0, 60, (len(labels_N), 6, 5), dtype=np.uint8)
    for image_SF, label in zip(images_NSF, labels_N, strict=True):
        image_SF[2 * label : 2 * label + 2] += 180
    return images_NSF, np.array(NAMES)[labels_N]


@contextmanager
def served(line: str, folder: Path) -> Iterator[str]:
    """Run a line as a shell does; yield the address once the server answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert "--port 5001" in line
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (folder.parent / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            ["bash", "-c", line.replace("--port 5001", f"--port {port}")],
            cwd=folder,
            env=os.environ | {"PATH": path},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 180
        while True:
            assert server.poll() is None, "it has ended"
            assert time.monotonic() < until, "it does not answer"
            try:
                DIRECT.open(f"{address}/ping", timeout=5).close()
            except OSError:
                time.sleep(0.5)
            else:
                break
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def asked(address: str, pixels: Any) -> Any:
    body = json.dumps({"inputs": pixels}).encode()
    headers = {"Content-Type": "application/json"}
    with DIRECT.open(Request(f"{address}/invocations", body, headers), timeout=60) as answer:
        return json.load(answer)


def test_the_printed_line_serves_labels_for_raw_pixels(tmp_path: Path) -> None:
    folder = tmp_path / "my mlruns? 100 %"
    train, test = images(100, 0), images(20, 1)
    file = write_npz_file(tmp_path, *train, *test)
    where = f"tracking.folder={folder}"
    data = ("data=npz", f"data.train_file={file}", "training.learning_rate=0.02")
    ran = run("train", *data, *TRAINING, "workers.count=1", "name=bars", where, "--json")
    run_id = json.loads(ran.out)["run"]["run_id"]
    out = printed("rerun", f"run={run_id}", "register=bars", "workers.count=1", where)
    (line,) = [each.strip() for each in out.splitlines() if "mlflow models serve" in each]
    (elsewhere := tmp_path / "elsewhere").mkdir()
    with served(line, elsewhere) as address:
        answers = asked(address, test[0].tolist())["predictions"]
        with pytest.raises(HTTPError) as refused:
            asked(address, [[[300] * 5] * 6])
        with refused.value as error:
            assert error.code == 400
            assert "300 out of bounds" in error.read().decode()
    assert list(elsewhere.iterdir()) == []
    assert [answer["label"] for answer in answers] == [*test[1]]
    assert answers[0]["label"] == "ક"
    for answer in answers:
        assert tuple(answer["probabilities"]) == NAMES
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-6)
        assert answer["probability"] == max(answer["probabilities"].values())
