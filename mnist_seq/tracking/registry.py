"""MLflow's registry of models: the versions of a name, and which of them is its champion."""

import shlex
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from mlflow.entities.model_registry import ModelVersion

from mnist_seq.errors import TrackingError
from mnist_seq.sqlite.database import exclusive
from mnist_seq.tracking.results import StoredRun
from mnist_seq.tracking.store import Store

CHAMPION = "champion"
PORT = 5001  # MLflow's pages have 5000
MOST_LETTERS = 100_000  # of a tag, by MLflow's rules


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes
    ----------
    number : int
        Versions of a name count from 1.
    run_id : str
        Of the run that has trained it; empty if it was registered without one.
    """

    name: str
    number: int
    run_id: str
    tags: Mapping[str, str]


class Registry:
    """Reads and writes the registered models of a store.

    Raises
    ------
    TrackingError
        From every method, in one line: what is not there, or cannot be read or written.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._client = store, store.client

    def alone(self) -> AbstractContextManager[None]:
        """Return a context manager that keeps other processes from choosing a champion."""
        return exclusive(self._store.database)

    def champion(self, name: str) -> Version | None:
        """The version that has the alias ``champion``; None if there is none."""
        with self._store.tracking_errors():
            for model in self._client.search_registered_models(f"name = '{name}'"):
                if CHAMPION in model.aliases:
                    return _version(self._client.get_model_version_by_alias(name, CHAMPION))
        return None

    def champion_run(self, name: str) -> str:
        """Id of the run that has trained the champion of a name."""
        champion = self.champion(name)
        if champion is None:
            raise TrackingError(
                f"no model {name} with a champion in {self._store.place}: "
                f"rerun register={name} makes one"
            )
        if not champion.run_id:
            raise TrackingError(f"{name}, version {champion.number}: names no run")
        return champion.run_id

    def add(self, name: str, run: StoredRun, tags: Mapping[str, str], description: str) -> Version:
        """Register the network of a run as the next version of a name.

        Parameters
        ----------
        description : str
            In Markdown.
        """
        assert run.model_id is not None  # it has trained one
        kept = {tag: text for tag, text in tags.items() if len(text) <= MOST_LETTERS}
        with self._store.tracking_errors():
            if not self._client.search_registered_models(f"name = '{name}'"):
                self._client.create_registered_model(name)
            logged = self._client.get_logged_model(run.model_id)
            # By its address: MLflow would look models:/<id> up in whichever store is its default.
            made = self._client.create_model_version(
                name,
                logged.artifact_location,
                run.id,
                kept,
                description=description,
                model_id=run.model_id,
            )
        return _version(made)

    def set_champion(self, version: Version) -> None:
        """Make a version the champion of its name."""
        with self._store.tracking_errors():
            self._client.set_registered_model_alias(version.name, CHAMPION, str(version.number))


def serve_command(store: Store, name: str) -> str:
    """The line for a shell that serves the champion of a name over HTTP, to this machine alone."""
    return shlex.join(
        [
            # MLflow would call home, and look the model up in the current folder.
            *("env", "MLFLOW_DISABLE_TELEMETRY=true", f"MLFLOW_TRACKING_URI={store.address}"),
            *("mlflow", "models", "serve", "-m", f"models:/{name}@{CHAMPION}"),
            *("--env-manager", "local", "--host", "127.0.0.1", "--port", str(PORT)),
        ]
    )


def _version(found: ModelVersion) -> Version:
    return Version(found.name, int(found.version), found.run_id or "", found.tags)
