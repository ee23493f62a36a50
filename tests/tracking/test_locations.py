"""Where MLflow looks for files, after its database came to lie in another folder."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mnist_seq.errors import StoreError
from mnist_seq.tracking.locations import follow, local_path, recorded_folder
from mnist_seq.tracking.store import Store
from tests.names import ODD_NAMES

TABLES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)


@pytest.fixture
def used(empty_store: Store, tmp_path: Path) -> Store:
    """A store that has an experiment, a run and a registered model, in a folder of its own."""
    folder = tmp_path / "mlruns"
    folder.mkdir()
    shutil.copy(empty_store.database, folder)
    store = Store.open(folder)
    follow(store.database, store.artifacts)
    study = store.client.create_experiment("study", (store.artifacts / "study").as_uri())
    run = store.client.create_run(study)
    store.client.log_text(run.info.run_id, "kept", "note.txt")
    model = store.client.create_logged_model(study, "net", run.info.run_id)
    store.client.create_registered_model("net")
    store.client.create_model_version("net", model.artifact_location)
    return store


def stored(folder: Path) -> list[str]:
    """All addresses in the database of a folder."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        return [
            str(address)
            for table, column in TABLES
            for (address,) in connection.execute(f"SELECT {column} FROM {table}")
        ]


def followed(folder: Path) -> list[str]:
    follow(folder / "mlflow.db", folder / "artifacts")
    return stored(folder)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_is_found_by_its_address_whatever_its_folder_is_called(name: str) -> None:
    path = Path("/data") / name / "artifacts"
    assert local_path(path.as_uri()) == path


@pytest.mark.parametrize("name", ["copy", "50% off? #1", "ü\n日"])
def test_addresses_follow_a_copy_and_come_back(used: Store, tmp_path: Path, name: str) -> None:
    before = stored(used.folder)
    copy = tmp_path / name / "mlruns"
    shutil.copytree(used.folder, copy)
    assert recorded_folder(copy / "mlflow.db") == used.folder
    places = [local_path(address) for address in followed(copy)]
    assert len(places) == 5  # with MLflow's own experiment
    assert all(place.is_relative_to(copy / "artifacts") for place in places)
    assert recorded_folder(copy / "mlflow.db") == copy
    assert stored(used.folder) == before
    shutil.rmtree(used.folder)
    shutil.move(copy, used.folder)
    assert followed(used.folder) == before


def test_what_is_kept_elsewhere_on_purpose_stays_there(used: Store, tmp_path: Path) -> None:
    elsewhere = [
        "s3://bucket/artifacts/study",
        (tmp_path / "big disk").as_uri(),
        f"{used.artifacts.as_uri()}2/study",  # begins alike
        str(used.artifacts / "a path, no address"),
    ]
    for number, place in enumerate(elsewhere):
        used.client.create_experiment(f"other {number}", place)
    copy = tmp_path / "copy"
    shutil.copytree(used.folder, copy)
    assert set(elsewhere) < set(followed(copy))


@pytest.mark.parametrize("place", ["s3://bucket/0", "/srv/mlflow/artifacts/0", "file:///srv/0"])
def test_a_store_that_another_program_made_is_left_as_it_is(
    used: Store, tmp_path: Path, place: str
) -> None:
    with closing(sqlite3.connect(used.database)) as connection, connection:
        connection.execute(
            "UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0", (place,)
        )
    before = stored(used.folder)
    shutil.move(used.folder, tmp_path / "moved")
    assert recorded_folder(tmp_path / "moved" / "mlflow.db") is None
    assert followed(tmp_path / "moved") == before


def test_a_database_that_was_copied_without_its_files_is_refused(
    used: Store, tmp_path: Path
) -> None:
    (tmp_path / "copy").mkdir()
    shutil.copy(used.database, tmp_path / "copy")
    with pytest.raises(StoreError) as told:
        followed(tmp_path / "copy")
    assert str(told.value) == (
        f"{tmp_path / 'copy'}: was copied without its files; copy {used.artifacts} as well"
    )
