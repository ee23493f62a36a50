"""A folder of images through the commands: searched, looked at, changed, moved."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_seq.config.settings import TrackingConfig
from mnist_seq.data import load as loading
from mnist_seq.data.digits import read_digits
from mnist_seq.driver.workspace import Workspace
from tests.experiments.commands import printed, run

NAMES = "૦૧૨૩૪૫૬૭૮૯"
SEARCH = (
    "data=images",
    "data.size=14",
    "study=folder",
    "search.trials=1",
    "search.baselines=[]",
    "search.pruner=none",
    "search.space={model: {units: {low: 4, high: 8}}}",
    "model.units=4",
    "training.epochs=2",
)


def written(folder: Path, shift: int = 0) -> Path:
    """200 digits as dark ink on light paper, twice as large; with a shift, of other classes."""
    digits = read_digits().pool.take(slice(200))
    for n, (image_SF, label) in enumerate(zip(digits.images_NSF, digits.labels_N, strict=True)):
        path = folder / NAMES[(label + shift) % 10] / f"{n:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - np.kron(image_SF, np.ones((2, 2), np.uint8))).save(path)
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("folder")


@pytest.fixture(autouse=True)
def _own_cache(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))
    loading._load_once.cache_clear()  # a command of its own would read the folder again


@pytest.fixture(scope="module")
def places(root: Path) -> tuple[str, ...]:
    return f"tracking.folder={root / 'mlruns'}", "workers.count=1"


@pytest.fixture(scope="module")
def letters(root: Path) -> Path:
    return written(root / "letters")


@pytest.fixture(scope="module")
def swept(letters: Path, places: tuple[str, ...]) -> str:
    """What a search of one trial has printed."""
    return printed("sweep", *SEARCH, f"data.folder={letters}", *places)


def test_a_search_says_what_it_took_the_images_for(swept: str, letters: Path) -> None:
    assert "1 trial on images, 153 images to train on, 17 to choose by" in swept
    assert f"{letters}: 10 classes, 200 images, 15 % of them kept for the test" in swept
    assert "dark ink on light paper; 255 is full ink" in swept


@pytest.mark.slow
@pytest.mark.usefixtures("swept")
def test_a_folder_that_moved_is_asked_for_and_can_be_named(
    letters: Path, root: Path, places: tuple[str, ...]
) -> None:
    moved = letters.rename(root / "else where")
    try:
        ran = run("inspect", "study=folder", "images=1", places[0])
        assert (ran.code, ran.errors) == (
            2,
            [
                f"error: trial 0: {letters}: no such file; if it was moved, say where it is now: "
                "data.folder=..."
            ],
        )
        printed("inspect", "study=folder", "images=1", places[0], f"data.folder={moved}")
    finally:
        moved.rename(letters)


@pytest.mark.slow
@pytest.mark.usefixtures("swept")
def test_a_study_goes_on_where_its_folder_is_now(
    letters: Path, root: Path, places: tuple[str, ...]
) -> None:
    moved = letters.rename(root / "moved")
    try:
        out = printed("rerun", "study=folder", "trial=0", *places, f"data.folder={moved}")
        assert "reproduced exactly: all 2 epochs, to the last bit" in out
        assert "test accuracy" in out
        out = printed("sweep", *SEARCH, f"data.folder={moved}", *places, "search.trials=2")
        assert "1 of them is done; going on" in out
    finally:
        moved.rename(letters)


@pytest.mark.slow
@pytest.mark.usefixtures("swept")
def test_the_network_takes_images_in_the_form(letters: Path, places: tuple[str, ...]) -> None:
    results = Workspace(TrackingConfig(folder=places[0].partition("=")[2])).results
    trial = results.runs(results.experiment("folder"), "trial")[0]
    assert results.config(trial.id)["data"]["folder"] == str(letters)
    # Imported late: what TensorFlow changes in this process is no matter of the other tests.
    from mnist_seq.network.inspection import load_model

    model = load_model(results.model_file(trial.id))
    assert model.input_shape == (None, 14, 14)
    assert model.output_shape == (None, 10)


@pytest.mark.usefixtures("swept")
def test_a_folder_that_changed_is_refused(letters: Path, places: tuple[str, ...]) -> None:
    here = f"(data.folder={letters})"
    spoiled = letters / NAMES[0] / "more.png"
    Image.fromarray(np.pad(np.zeros((9, 9), np.uint8), 4, constant_values=255)).save(spoiled)
    try:
        sweep = run("sweep", *SEARCH, f"data.folder={letters}", *places, "search.trials=9")
        loading._load_once.cache_clear()
        rerun = run("rerun", "study=folder", "trial=0", *places)
    finally:
        spoiled.unlink()
    assert sweep.code == rerun.code == 2
    assert f"study folder: its training, validation and test images {here}" in sweep.errors[0]
    assert "or begin a new study with study=NAME" in sweep.errors[0]
    assert f"trial 0: its training, validation and test images {here}" in rerun.errors[0]


# --- python -m experiments.data


def test_data_shows_counts_and_doubts(root: Path, places: tuple[str, ...]) -> None:
    """A repeated image under another name, and a class that is nearly absent."""
    folder = root / "doubtful"
    for part, shift in (("train", 0), ("test", 1)):
        written(folder / part, shift)
    for path in sorted((folder / "train" / NAMES[9]).iterdir())[3:]:
        path.unlink()
    (folder / "train" / "notes.txt").touch()
    out = printed("data", "data=images", f"data.folder={folder}", "images=2", places[0])
    assert f"{folder}: left out, as no class and no image: notes.txt" in out
    counts = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    assert f"fewer than 10 training images: class '૯' ({counts['૯'][0]})" in out
    digits = np.bincount(read_digits().pool.labels_N[:200])
    trained = [*digits[:9], 3]
    assert [sum(map(int, counts[name][:2])) for name in NAMES] == trained
    assert [int(counts[name][2]) for name in NAMES] == [digits[9], *digits[:9]]
    kept = sum(trained)
    assert (
        f"{kept} of 200 test images are training or validation images as well, pixel by pixel; "
        f"{kept} of them as another class"
    ) in out
    page = (root / "mlruns" / "reports" / "data-images.html").read_text("utf-8")
    assert page.count('src="data:image/png;base64,') == 20
    assert all(name in page for name in NAMES)


def test_data_needs_no_earlier_run(tmp_path: Path) -> None:
    out = printed("data", "data=digits", f"tracking.folder={tmp_path / 'new'}")
    assert "8 rows of 8 pixels, grey values 0 to 255" in out
    assert (tmp_path / "new" / "reports" / "data-digits.html").exists()
    assert not (tmp_path / "new" / "mlflow.db").exists()
