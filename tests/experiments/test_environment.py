"""What a user's environment may say, and what it changes: nothing."""

import errno
import json
import multiprocessing
import os
from pathlib import Path

import pytest

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.driver.session import data_of
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import FaultError
from mnist_seq.network import training
from mnist_seq.workers import forkserver
from tests.examples import config
from tests.experiments.commands import run_alone

SMALL = ["data=digits", "model.units=6", "training.epochs=2", "training.learning_rate=0.01"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keras", "others"),
    [
        ({"floatx": "float16", "backend": "tensorflow"}, {}),
        ({"floatx": "float64", "backend": "jax", "epsilon": 0.1}, {"KERAS_BACKEND": "torch"}),
        ({"floatx": "int8"}, {"HOME": "/nonexistent", "KERAS_NNX_ENABLED": "true"}),
    ],
    ids=["float16", "float64 on jax", "int8, no home"],
)
def test_the_environment_changes_no_curve(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keras: dict[str, object],
    others: dict[str, str],
) -> None:
    (tmp_path / "home" / ".keras").mkdir(parents=True)
    (tmp_path / "home" / ".keras" / "keras.json").write_text(json.dumps(keras))
    temporary = tmp_path / ("so long a name that no socket fits into it " * 3)
    temporary.mkdir()
    names = {"KERAS_HOME": str(tmp_path / "home" / ".keras"), "TMPDIR": str(temporary)}
    with monkeypatch.context() as hostile:
        for name, value in ({"HOME": str(tmp_path / "home")} | names | others).items():
            hostile.setenv(name, value)
        ran = run_alone("train", *SMALL, "workers.count=1", f"tracking.folder={tmp_path / 'runs'}")
    assert (ran.code, ran.errors) == (0, [])
    results = Workspace(TrackingConfig(folder=str(tmp_path / "runs"))).results
    (run,) = results.runs(results.experiment("training"), "training")
    small = config(*SMALL)
    expected = [record for record, _ in training.train(small, data_of(small))]
    curve = results.curve(run.id)
    assert all(a.same_curve(b) for a, b in zip(curve, expected, strict=True))
    assert list(temporary.rglob("*")) == [], "what it has put there is gone"


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOENT, errno.ENOSYS, errno.ENOSPC])
def test_a_machine_without_semaphores_is_one_line(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(multiprocessing, "Lock", refuse)
    with pytest.raises(FaultError, match=rf"^/dev/shm: {os.strerror(number)}; .*$"):
        forkserver.start()
