"""The commands as functions, on the digits."""

import contextlib
import doctest
import html
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import mnist_seq
from mnist_seq.api import functions, settings
from mnist_seq.api.study import Study
from mnist_seq.commands.output import schema
from mnist_seq.data.digits import read_digits
from mnist_seq.errors import ConfigError, DataError, TrackingError
from tests.experiments.commands import ROOT, printed, run

SCHEMA = ROOT / "docs" / "output.schema.json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the examples of all functions have run, one after the other."""
    made = tmp_path_factory.mktemp("python")
    with contextlib.chdir(made):
        for function in (
            functions.sweep,
            functions.study,
            functions.train,
            functions.rerun,
            functions.sensitivity,
        ):
            examples = doctest.DocTestFinder(recurse=False).find(
                function, function.__name__, globs=vars(mnist_seq) | vars(functions)
            )
            assert sum(len(each.examples) for each in examples), f"{function.__name__} has none"
            for example in examples:
                assert doctest.DocTestRunner().run(example).failed == 0
    return made


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    return mnist_seq.study("tried", folder=folder / "mlruns")


def test_every_public_name_has_its_example() -> None:
    named = [getattr(mnist_seq, name) for name in mnist_seq.__all__ if name[0] != "_"]
    assert all(">>>" in str(each.__doc__) for each in named)
    assert doctest.testmod(settings).attempted > 0
    assert doctest.testmod(settings).failed == 0


def test_tables_are_those_of_the_runs(study: Study) -> None:
    for row in study.trials.itertuples():
        run = study.trial(int(str(row.trial)))
        assert run.run_id == row.run_id
        assert run.value == row.value
        mine = study.curves[study.curves["trial"] == row.trial]
        assert mine["validation_loss"].tolist() == run.curve["validation_loss"].tolist()


def test_the_best_predicts_as_its_keras_file_does(study: Study) -> None:
    best = study.best
    images_NSF = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)[:50]
    model = keras.saving.load_model(best.workspace.results.model_file(best.run_id))
    probabilities_NK = model.predict(images_NSF, verbose=0)
    labels, given_NK = best.predict(images_NSF)
    np.testing.assert_array_equal(given_NK, probabilities_NK)
    assert labels.tolist() == [str(label) for label in probabilities_NK.argmax(axis=1)]
    assert best.predict(images_NSF[7].astype(float)).labels.tolist() == [labels[7]]
    np.testing.assert_array_equal(best.predict_rows(images_NSF)[:, -1], given_NK)
    np.testing.assert_array_equal(best.predict(images_NSF[..., None]).probabilities, given_NK)
    whole = (images_NSF > 127).astype(np.uint8)
    np.testing.assert_array_equal(
        best.predict(whole.astype(bool)).probabilities, best.predict(whole).probabilities
    )
    with pytest.raises(DataError, match=r"^files: must name at least one image"):
        best.predict_files([])


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (np.zeros((2, 28, 28), np.uint8), "uint8 of the shape (2, 28, 28)"),
        (np.full((1, 8, 8), 0.5), "float64 from 0.5 to 0.5"),
        (np.full((1, 8, 8), 256), "int64 from 256 to 256"),
        (np.full((1, 8, 8), np.nan), "float64 from nan to nan"),
        (np.full((1, 8, 8), "x"), "<U1"),
        (np.zeros((0, 8, 8), np.uint8), "uint8 of the shape (0, 8, 8)"),
    ],
)
def test_what_is_no_such_image_is_refused(study: Study, images: object, found: str) -> None:
    with pytest.raises(DataError, match=r"^images: must be") as refused:
        study.best.predict(images)  # type: ignore[arg-type]  # as a user may
    assert found in str(refused.value)


def test_a_study_shows_itself_and_its_page_in_a_notebook(study: Study) -> None:
    assert repr(study).startswith("tried: 2 trials (2 complete)\nbest ")
    assert "<table" in study._repr_html_()
    page = study.report()
    assert page.path.read_text() in html.unescape(page._repr_html_())
    assert "srcdoc" in page._repr_html_()


def test_a_mistake_is_the_line_of_the_command() -> None:
    with pytest.raises(ConfigError, match=r"^model\.unit: is not a setting; did you mean model"):
        mnist_seq.sweep("model.unit=3")
    with pytest.raises(ConfigError, match=r"^seeds: must be at least 1"):
        mnist_seq.rerun(seeds=0)
    with pytest.raises(ConfigError, match=r"^search\.trials: must be a number, text"):
        mnist_seq.sweep(search={"trials": object()})
    assert settings.as_overrides({"values": {"model.units": np.array([16, 64])}}) == [
        "values.model.units=[16,64]"
    ]
    with pytest.raises(TrackingError, match=r"^no runs yet in "):
        mnist_seq.study(folder="not-there")


@pytest.mark.slow
def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    images_NSF, file = np.arange(60 * 16, dtype=np.uint8).reshape(60, 4, 4), tmp_path / "own.npz"
    for names in (["a", "b"], ["a", "c"]):
        labels_N = np.array(names * 30)
        np.savez(file, x_train=images_NSF, y_train=labels_N, x_test=images_NSF, y_test=labels_N)
        run = mnist_seq.train(
            "data=npz",
            f"data.train_file={file}",
            f"tracking.folder={tmp_path / 'mlruns'}",
            training={"epochs": 1},
            progress=False,
        )
        assert list(run.class_names) == names


@pytest.mark.slow
@pytest.mark.parametrize("begins", ["Python", "the command line"])
def test_what_one_begins_the_other_finishes_bit_for_bit(
    begins: str, tmp_path: Path, study: Study
) -> None:
    words = ["data=digits", "study=tried", f"tracking.folder={tmp_path}"]
    for trials, said in ((1, "1 trial on digits"), (2, "2 trials on digits")):
        typed = [*words, f"search.trials={trials}"]
        if (begins == "Python") == (trials == 1):
            mnist_seq.sweep(*typed, progress=False)
        else:
            assert said in printed("sweep", *typed)
    both = mnist_seq.study("tried", folder=tmp_path)
    same = ["trial", "epoch", "train_loss", "validation_loss", "validation_accuracy"]
    assert both.curves[same].equals(study.curves[same])


@pytest.mark.slow
def test_arrays_give_the_curve_of_the_same_images_elsewhere(tmp_path: Path) -> None:
    source = read_digits()
    arrays = [(part.images_NSF, part.labels_N) for part in (source.pool, source.test)]
    tracking = f"tracking.folder={tmp_path}"
    small = ("model.units=6", "training.epochs=1", tracking)
    # As people have them: floats from 0 to 1, and labels as text.
    as_floats = [(images / 255, labels.astype(str)) for images, labels in arrays]
    of_arrays = mnist_seq.train(*small, data=(*as_floats[0], *as_floats[1]), progress=False)
    of_digits = mnist_seq.train(*small, data="digits", progress=False)
    assert of_arrays.run.tags["data_digest"] == of_digits.run.tags["data_digest"]
    assert of_arrays.run.tags["test_digest"] == of_digits.run.tags["test_digest"]
    assert of_arrays.curve["train_loss"].equals(of_digits.curve["train_loss"])
    # The floats go in as they are.
    images_NSF = arrays[1][0][:20]
    np.testing.assert_array_equal(
        of_arrays.predict_rows(images_NSF / 255), of_digits.predict_rows(images_NSF)
    )


SCRIPT = """
import threading
import mnist_seq

def work():
    print(mnist_seq.train("data=digits", "model.units=6", "training.epochs=1").value > 0)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


LIVE_SCRIPT = """
from pathlib import Path
import mnist_seq

with Path("begun").open("a") as file:
    file.write("once ")
small = ("data=digits", "search.trials=2", "model.units=6", "~search.space.model.units")
mnist_seq.sweep(*small, "report=live", "workers.count=1", study="live")
print(Path("begun").read_text())
"""


@pytest.mark.slow
def test_a_script_that_shows_its_sweep_live_runs_once(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(LIVE_SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "once "
    assert (tmp_path / "mlruns" / "reports" / "live.html").exists()


@pytest.mark.slow
def test_a_script_needs_no_guard_and_may_train_in_a_thread(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "True"
    assert done.stdout.count("epoch 1/1") == 1


# --- for programs in other languages


def as_json(name: str, *words: str, code: int = 0) -> dict[str, Any]:
    """What a command prints with ``--json``, after checking it against the schema."""
    ran = run(name, *words, "--json")
    assert ran.code == code
    (line,) = ran.out.splitlines()
    found: dict[str, Any] = json.loads(line, parse_constant=pytest.fail)
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    return found


def test_the_schema_is_that_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text()) == schema()


@pytest.mark.slow
def test_a_study_and_what_follows_it_as_json(study: Study, folder: Path) -> None:
    tracking = f"tracking.folder={folder / 'mlruns'}"
    swept = as_json("sweep", "data=digits", "study=tried", "search.trials=2", tracking)
    assert (swept["study"], swept["trials"], swept["failures"]) == ("tried", {"complete": 2}, [])
    assert swept["best"]["run_id"] == study.best.run_id
    assert swept["best"]["value"] == study.best.value
    assert swept["best"]["settings"]["model.units"] == study.best.config.model.units
    assert Path(swept["report"]).read_text().startswith("<!DOCTYPE html>")

    again = as_json("rerun", "study=tried", tracking)
    (networks,) = again["retrained"]
    assert networks["reproduced"].startswith("reproduced exactly")
    (run_id,) = networks["run_ids"]
    stored = study.workspace.results.run(run_id)
    assert networks["test_accuracies"] == [stored.metrics["test_accuracy"]]
    assert (networks["std"], again["difference"]) == (None, None)

    measured = as_json("sensitivity", "study=tried", "values.training.epochs=[2]", tracking)
    assert {point["hyperparameter"] for point in measured["table"]} == {"training.epochs"}
    written = as_json("export", "study=tried", "format=csv", tracking)
    assert {Path(file).name for file in written["files"].values()} == {"trials.csv", "curves.csv"}
    looked = as_json("inspect", "study=tried", "images=1", tracking)
    assert looked["findings"]


@pytest.mark.slow
def test_pages_and_what_is_read_as_json(study: Study, folder: Path, tmp_path: Path) -> None:
    tracking = f"tracking.folder={folder / 'mlruns'}"
    as_json("sweep", "data=digits", "study=other", "search.trials=1", tracking)
    for words in (
        ("report", "study=tried", tracking),
        ("compare", "studies=[tried,other]", tracking),
        ("data", "data=digits", tracking),
    ):
        found = as_json(*words)
        assert found["command"] == words[0]
        assert Path(found["page"]).read_text().startswith("<!DOCTYPE html>")

    ink_NSF = np.kron(load_digits().images[:6], np.ones((4, 4))) * 16
    written = [Image.fromarray(np.uint8(255 - np.minimum(ink_SF, 255))) for ink_SF in ink_NSF]
    page = Image.new("L", (6 * 50 + 50, 132), 255)
    for place, image in enumerate(written):
        image.save(tmp_path / f"{place}.png")
        page.paste(image, (50 * place + 50, 50))
    page.save(tmp_path / "page.png")
    of_files = as_json("predict", f"image={tmp_path}", "study=tried", tracking)
    assert [Path(each["image"]).name for each in of_files["characters"]] == [
        *(f"{place}.png" for place in range(6)),
        "page.png",
    ]
    chances = [one["probability"] for one in of_files["characters"][0]["candidates"]]
    assert chances == sorted(chances, reverse=True)
    read = as_json("predict", f"page={tmp_path / 'page.png'}", "study=tried", tracking)
    assert len(read["characters"]) == 6
    assert Path(read["files"]["text"]).read_text() == read["text"]


@pytest.mark.slow
def test_what_ui_serves_as_json(study: Study, folder: Path) -> None:
    words = ("study=tried", "port=0", "--json", f"tracking.folder={folder / 'mlruns'}")
    with subprocess.Popen(
        [sys.executable, "-m", "experiments.ui", *words], cwd=ROOT, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        found = json.loads(server.stdout.readline())
        server.terminate()
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    assert found["study"] == study.name
    assert all(each.startswith("http://127.0.0.1:") for each in found["addresses"].values())


def test_a_mistake_as_json() -> None:
    failed = as_json("train", "model.units=0", "seed=-1", code=2)
    assert sorted(failed["error"]) == [
        "model.units: must be at least 1 (got 0)",
        "seed: must be at least 0 (got -1)",
    ]
