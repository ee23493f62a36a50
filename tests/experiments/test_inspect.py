"""``experiments.inspect`` and what ``rerun`` keeps, whole, on the digits."""

import re
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.data.load import load
from mnist_seq.driver.workspace import Workspace
from mnist_seq.metrics import classification
from mnist_seq.network.training import predict
from mnist_seq.tracking.results import Results, StoredRun
from tests.examples import config
from tests.experiments.commands import printed
from tests.experiments.commands import run as command

SIDE = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one short training."""
    made = tmp_path_factory.mktemp("mlruns")
    printed(
        "train",
        "name=seen",
        "data=digits",
        "training.epochs=3",
        "training.learning_rate=0.01",
        "workers.count=1",
        f"tracking.folder={made}",
    )
    return made


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return Workspace(TrackingConfig(folder=str(folder))).results


@pytest.fixture(scope="module")
def run(results: Results) -> StoredRun:
    (found,) = results.runs(results.experiment("seen"), "training")
    return found


def test_a_network_is_looked_into_and_all_of_it_kept_with_the_run(
    folder: Path, results: Results, run: StoredRun
) -> None:
    out = printed("inspect", f"run={run.id}", "images=3", f"tracking.folder={folder}")
    kept = results.file(run.id, "inspect/validation")
    assert not (results.file(run.id, "inspect/test")).exists()
    page = folder / "reports" / "seen-training-0-validation-inside.html"
    assert f"page: {page}" in out
    assert page.read_bytes() == (kept / "inside.html").read_bytes()
    with Image.open(kept / "reading.gif") as gif:
        assert getattr(gif, "n_frames", 1) == SIDE

    part = load(config().data).validation
    predicted_N = predict(results.model_file(run.id).read_bytes(), part.images_NSF).argmax(axis=1)
    own = classification.accuracy(predicted_N, part.labels_N)
    by_row = pd.read_csv(kept / "accuracy_by_row.csv")
    assert by_row["row"].tolist() == list(range(1, SIDE + 1))
    assert by_row["accuracy"].iloc[-1] == own
    assert own == pytest.approx(run.metrics["best_validation_accuracy"], abs=1e-6)
    answers = pd.read_csv(kept / "results.csv")
    assert answers["true_label"].tolist() == part.labels_N.tolist()
    assert answers["predicted_label"].tolist() == predicted_N.tolist()
    assert (answers["result"] == "right").mean() == pytest.approx(own)
    lines = [line for line in out.splitlines() if line.startswith("- ")]
    assert len(lines) == 3
    assert f"after all {100 * own:.2f} %" in lines[0]


def test_a_run_of_any_name_has_its_page_among_the_reports(folder: Path, run: StoredRun) -> None:
    client = Workspace(TrackingConfig(folder=str(folder))).store.client
    client.update_run(run.id, name="../../x [/red]\x1b[31m")
    before = set(folder.rglob("*.html"))
    out = printed("inspect", f"run={run.id}", "images=1", f"tracking.folder={folder}")
    client.update_run(run.id, name=run.name)
    assert "seen: inside ../../x [/red]\\x1b[31m, 144 validation images" in out
    (page,) = {file for file in folder.rglob("*.html") if file not in before}
    assert page == folder / "reports" / f"seen-x-red-31m-{run.id[:8]}-validation-inside.html"


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_a_foreign_network_is_refused_in_one_line(
    content: bytes, folder: Path, results: Results, run: StoredRun
) -> None:
    file = results.model_file(run.id)
    whole = file.read_bytes()
    file.write_bytes(content)
    ran = command("inspect", f"run={run.id}", f"tracking.folder={folder}")
    file.write_bytes(whole)
    assert ran.code == 2
    (line,) = ran.errors
    assert line.startswith(f"error: {file}: is not the network of its run (")


def test_rerun_keeps_the_answer_to_each_test_image(
    folder: Path, results: Results, run: StoredRun
) -> None:
    out = printed("rerun", f"run={run.id}", "workers.count=1", f"tracking.folder={folder}")
    (again,) = results.runs(results.experiment("seen"), "rerun")
    kept = results.file(again.id, ".")
    assert f"each answer: {kept / 'test_results.csv'}" in out
    assert (kept / "test_confusion.svg").read_text().startswith("<svg xmlns=")
    answers = pd.read_csv(kept / "test_results.csv")
    test = load(config().data).test
    assert test is not None
    assert answers["index"].tolist() == list(range(len(test)))
    assert answers["true_label"].tolist() == test.labels_N.tolist()
    right = answers["true_label"] == answers["predicted_label"]
    assert (answers["result"] == "right").tolist() == right.tolist()
    assert right.mean() == pytest.approx(again.metrics["test_accuracy"])


@pytest.mark.slow
def test_a_gru_is_not_looked_into_but_exported(tmp_path: Path) -> None:
    where, small = f"tracking.folder={tmp_path}", ("data=digits", "training.epochs=1")
    said = printed("train", *small, "name=other", "model.cell=gru", where)
    (run_id,) = set(re.findall("run=([0-9a-f]{32})", said))
    ran = command("inspect", f"run={run_id}", where)
    assert ran.code == 2
    (line,) = ran.errors
    assert line.endswith("model.cell=gru; only networks with model.cell=lstm can be looked into")
    said = printed("export", f"run={run_id}", "format=onnx", where)
    assert "answers as Keras does" in said
