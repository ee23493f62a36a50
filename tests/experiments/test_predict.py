"""Images of single characters, read by a network that was trained on the digits."""

import csv
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from mnist_seq.api.trained_run import TrainedRun
from mnist_seq.config.commands import DrawConfig
from mnist_seq.config.settings import TrackingConfig
from mnist_seq.data.digits import read_digits
from mnist_seq.data.images.form import mnist_form
from mnist_seq.data.images.picture import Picture
from mnist_seq.data.images.strokes import drawn
from mnist_seq.driver.character_reader import side_of
from mnist_seq.driver.draw import find_drawing_reader
from mnist_seq.driver.workspace import Workspace
from mnist_seq.errors import DataError, TrackingError
from mnist_seq.tracking.model_folder import ModelFacts
from tests.data.page.layouts import page
from tests.experiments.commands import printed, run, run_alone

TRAINING = ("data=digits", "name=few", "model.units=6", "training.epochs=3", "workers.count=1")
NAMES = ("a (1) b=c.png", "0.5.png", "zero.PNG")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("predict")


@pytest.fixture(scope="module")
def places(root: Path) -> tuple[str, str]:
    """The settings that name the tracking folder and the run."""
    tracking = f"tracking.folder={root / 'mlruns'}"
    printed("train", *TRAINING, tracking)
    results = Workspace(TrackingConfig(folder=str(root / "mlruns"))).results
    (trained,) = results.runs(results.experiment("few"), "training")
    return tracking, f"run={trained.id}"


@pytest.fixture(scope="module")
def letters(root: Path) -> Path:
    """Three digits, four times as large, and files that are no images."""
    folder = root / "letters"
    folder.mkdir()
    for name, image_SF in zip(NAMES, read_digits().test.images_NSF, strict=False):
        Image.fromarray(255 - np.kron(image_SF, np.ones((4, 4), np.uint8))).save(folder / name)
    (folder / "notes.txt").write_text("no image by its name")
    return folder


def test_the_table_holds_what_the_keras_file_says_of_the_form(
    letters: Path, root: Path, places: tuple[str, str]
) -> None:
    ran = run("predict", f"image={letters}", "confidence=0.2", f"folder={root}", *places, "--json")
    assert ran.code == 0
    shown = json.loads(ran.out)
    rows = list(csv.DictReader((root / "predictions.csv").read_text("utf-8").splitlines()))
    results = Workspace(TrackingConfig(folder=str(root / "mlruns"))).results
    model = keras.saving.load_model(results.model_file(shown["run_id"]))
    names = sorted(NAMES)
    assert [row["image"] for row in rows] == [str(letters / name) for name in names]
    for name, row, character in zip(names, rows, shown["characters"], strict=True):
        grey_HW = np.asarray(Image.open(letters / name))
        image_SF, _ = mnist_form(Picture(grey_HW), 8, "dark")
        (probabilities_K,) = model.predict(image_SF[np.newaxis], verbose=0)
        best_C = np.argsort(-probabilities_K)[:3]
        assert [row[f"candidate_{place}"] for place in (1, 2, 3)] == [*map(str, best_C)]
        given = [float(row[f"probability_{place}"]) for place in (1, 2, 3)]
        np.testing.assert_allclose(given, probabilities_K[best_C], rtol=1e-5)
        is_sure = probabilities_K.max() >= 0.2
        assert row["label"] == (str(best_C[0]) if is_sure else "?")
        assert character["label"] == (str(best_C[0]) if is_sure else None)
        assert character["candidates"][1]["label"] == str(best_C[1])
    run_in_python = TrainedRun(
        Workspace(TrackingConfig(folder=str(root / "mlruns"))), results.run(shown["run_id"])
    )
    labels = run_in_python.predict_files([letters]).labels
    assert [*labels] == [row["candidate_1"] for row in rows]
    with pytest.raises(DataError, match=r"notes\.txt: is no PNG"):
        run_in_python.predict_files([letters / "notes.txt"])


def test_what_is_drawn_is_read_as_a_picture_file_of_it_is(
    root: Path, places: tuple[str, str]
) -> None:
    strokes = [[(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)]]
    file = root / "drawn.png"
    Image.fromarray(drawn(strokes).grey_HW).save(file)
    ran = run("predict", f"image={file}", f"folder={root}", *places, "--json")
    (character,) = json.loads(ran.out)["characters"]

    run_id = places[1].removeprefix("run=")
    tracking = TrackingConfig(folder=str(root / "mlruns"))
    config = DrawConfig(study=None, trial=None, run=run_id, port=0, tracking=tracking)
    found, drawings = find_drawing_reader(config)
    assert drawings.read([]) is None
    read = drawings.read(strokes)
    assert read is not None
    assert (read.image_SF.shape, read.beliefs_SK.shape) == ((8, 8), (8, 10))
    np.testing.assert_allclose(read.beliefs_SK.sum(axis=1), 1, rtol=1e-5)
    for candidate in character["candidates"]:
        belief = read.beliefs_SK[-1, found.class_names.index(candidate["label"])]
        assert belief == pytest.approx(candidate["probability"], rel=1e-3)


def test_a_network_of_oblong_images_is_refused() -> None:
    assert side_of(ModelFacts(("a", "b"), (12, 12), np.dtype(np.uint8)), "mine") == 12
    with pytest.raises(TrackingError, match=r"^mine: reads images of 12 rows of 28 pixels; "):
        side_of(ModelFacts(("a", "b"), (12, 28), np.dtype(np.uint8)), "mine")


def test_a_page_is_text_table_and_picture(root: Path, places: tuple[str, str]) -> None:
    layout = page("### ##/####")
    scan = root / "a page.png"
    Image.fromarray(layout.grey_HW).save(scan)
    before = scan.read_bytes()
    ran = run("predict", f"page={scan}", f"folder={root}", *places, "--json")
    assert ran.code == 0
    shown = json.loads(ran.out)
    files = {kind: Path(file) for kind, file in shown["files"].items()}
    assert sorted(file.name for file in files.values()) == [
        f"a-page-read.{ending}" for ending in ("csv", "png", "txt")
    ]
    assert files["text"].read_text("utf-8") == shown["text"]
    assert [len(line) for line in shown["text"].splitlines()] == [6, 4]
    assert shown["text"][3] == " "
    rows = list(csv.DictReader(files["table"].read_text("utf-8").splitlines()))
    assert [(row["line"], row["place"]) for row in rows] == [
        *(("1", str(place)) for place in range(1, 6)),
        *(("2", str(place)) for place in range(1, 5)),
    ]
    assert [row["label"] for row in rows] == [*"".join(shown["text"].split())]
    assert [int(row["left"]) for row in rows] == [each["left"] for each in shown["characters"]]
    drawn = Image.open(files["page with boxes"])
    box = shown["characters"][0]
    colour = drawn.getpixel((box["left"] + box["width"] // 2, box["top"] + box["height"]))
    assert isinstance(colour, tuple)
    assert max(colour) - min(colour) > 100, "the box's lower edge"
    assert scan.read_bytes() == before


@pytest.mark.slow
def test_a_small_network_reads_a_tilted_page_in_a_shadow(root: Path) -> None:
    tracking = f"tracking.folder={root / 'mnist'}"
    small = ("model.units=32", "training.epochs=3", "training.learning_rate=0.005")
    printed("train", "name=mnist", *small, "training.batch_size=64", "workers.count=1", tracking)
    results = Workspace(TrackingConfig(folder=str(root / "mnist"))).results
    (trained,) = results.runs(results.experiment("mnist"), "training")
    layout = page(tilt=3, shadow=0.5, noise=8, specks=40)
    scan = root / "tilted.png"
    Image.fromarray(layout.grey_HW).save(scan)
    ran = run("predict", f"page={scan}", f"run={trained.id}", tracking, "--json")
    text = json.loads(ran.out)["text"]
    assert len(text) == len(layout.text)
    same = sum(read == there for read, there in zip(text, layout.text, strict=True))
    assert same >= 0.9 * len(text), text


def test_no_character_is_guessed(letters: Path, places: tuple[str, str]) -> None:
    """A network of six units, after three epochs, is certain of nothing."""
    named = f"image={letters / NAMES[0]}"
    out = printed("predict", named, "confidence=1", *places)
    assert "1 of 1 marked with ?" in out
    assert "trained on data=digits: unless those images are in MNIST's form" in out
    out = printed("predict", named, "confidence=0", *places)
    assert "marked with ?" not in out


def test_files_that_are_no_images(letters: Path, places: tuple[str, str]) -> None:
    bad, good = letters / "notes.txt", letters / NAMES[1]
    refused = run_alone("predict", f"image=[{good},{bad}]", *places)
    assert refused.errors == [
        f"error: {bad}: is no PNG, JPEG, TIFF, BMP or WebP image; "
        "on_bad_image=skip goes on without such images"
    ]
    assert refused.code == 2
    assert not refused.imported & {"tensorflow", "keras"}
    ran = run("predict", f"image=[{good},{bad}]", "on_bad_image=skip", *places, "--json")
    shown = json.loads(ran.out)
    assert [character["image"] for character in shown["characters"]] == [str(good)]
    assert [each["image"] for each in shown["skipped"]] == [str(bad)]
    none = run("predict", f"image={bad}", "on_bad_image=skip", *places)
    assert (none.code, none.errors[0].partition(": skipped")[0]) == (
        2,
        "error: image: none can be used",
    )


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("image=null", "image or page: must name what is to be read"),
        ("page=not/there.png", "not/there.png: cannot be read (No such file or directory)"),
        (
            "image=a.png page=b.png",
            "page: is read by a command of its own, so not together with image",
        ),
        ("image=not/there.png", "not/there.png: no such file or folder"),
        ("image=docs", "docs: has no PNG, JPEG, TIFF, BMP or WebP files"),
        ("image=[]", "image: must not be empty (got [])"),
    ],
)
def test_a_mistake_is_one_line(word: str, problem: str, places: tuple[str, str]) -> None:
    ran = run("predict", *word.split(), *places)
    assert ran.code == 2
    (line,) = ran.errors
    assert line.startswith(f"error: {problem}")
