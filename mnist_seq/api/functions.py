"""The commands as Python functions: same settings and runs, but they return objects."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from mnist_seq.api.one_call import one_call
from mnist_seq.api.running import run_rerun, run_sensitivity, run_sweep, run_training
from mnist_seq.api.settings import as_overrides
from mnist_seq.composition.compose import load_config
from mnist_seq.config.commands import RerunConfig, SensitivityConfig, SweepConfig, TrainConfig
from mnist_seq.config.settings import Settings, TrackingConfig
from mnist_seq.config.validation import validate
from mnist_seq.data.arrays import write_npz_file
from mnist_seq.data.load import forget_datasets
from mnist_seq.errors import StoppedError
from mnist_seq.invocation import command_text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from mnist_seq.api.rerun import Rerun
    from mnist_seq.api.sensitivity import Sensitivity
    from mnist_seq.api.study import Study
    from mnist_seq.api.trained_run import TrainedRun

    Arrays: TypeAlias = tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]

AnySettings = TypeVar("AnySettings", bound=Settings)
Result = TypeVar("Result")


def sweep(
    *overrides: str, data: "str | Arrays | None" = None, progress: bool = True, **settings: Any
) -> "Study":
    """Search for the best settings; every trial is a run in MLflow.

    The same call again goes on where it was stopped, as does the same command.

    Parameters
    ----------
    *overrides : str
        Settings as on the command line: ``"search.trials=40"``.
    data : str or tuple of four arrays, optional
        ``"mnist"``, ``"digits"`` and so on; or your own ``(train_images, train_labels, test_images,
        test_labels)``: images as an array of shape (images, rows, pixels of a row), uint8 or floats
        from 0 to 1, labels as whole numbers or text. They are kept in the tracking folder.
    progress : bool
        Show progress and results on the terminal or in the notebook.
    **settings
        More settings, groups as mappings: ``study="mine"``, ``search={"trials": 40}``.

    Raises
    ------
    ConfigError, DataError, TrackingError, StoreError, FaultError, RepeatedFailureError
        What the command would refuse, with the same line.
    StoppedError
        If Ctrl-C or a notebook's stop button has ended it; the same call goes on.

    Examples
    --------
    >>> study = sweep("data=digits", "search.trials=2", study="tried", progress=False)
    >>> study.trials[["trial", "state"]]
       trial     state
    0      0  complete
    1      1  complete
    >>> study.best.config.model.units <= 128
    True
    """
    words = _with_data("sweep", SweepConfig, [*overrides, *as_overrides(settings)], data)
    return _called("sweep", SweepConfig, run_sweep, words, progress=progress)


def train(
    *overrides: str, data: "str | Arrays | None" = None, progress: bool = True, **settings: Any
) -> "TrainedRun":
    """Train one network; its curve and its best weights are kept in MLflow.

    Parameters and errors are those of `sweep`.

    Examples
    --------
    >>> run = train("data=digits", "model.units=16", "training.epochs=2", progress=False)
    >>> run.curve["epoch"].tolist()
    [1, 2]
    >>> import numpy as np
    >>> run.predict(np.zeros((3, 8, 8), np.uint8)).probabilities.shape
    (3, 10)
    """
    words = _with_data("train", TrainConfig, [*overrides, *as_overrides(settings)], data)
    return _called("train", TrainConfig, run_training, words, progress=progress)


def rerun(
    found: "Study | TrainedRun | str | None" = None,
    *overrides: str,
    progress: bool = True,
    **settings: Any,
) -> "Rerun":
    """Train a study's best configs again, and score the test images.

    Parameters
    ----------
    found : Study or TrainedRun or str, optional
        Whose config; a study may be given by its name. The latest study's best by default.
    *overrides, progress, **settings
        As of `sweep`: ``seeds=5``, ``top=3``, ``training={"epochs": 30}``.

    Examples
    --------
    >>> rerun("tried", seeds=2, progress=False).baseline.name
    'trial 0'
    """
    words = [*_chosen(found), *overrides, *as_overrides(settings)]
    return _called("rerun", RerunConfig, run_rerun, words, progress=progress)


def sensitivity(
    found: "Study | TrainedRun | str | None" = None,
    *overrides: str,
    progress: bool = True,
    **settings: Any,
) -> "Sensitivity":
    """Measure what each hyperparameter does: change one at a time, all else as in the best trial.

    Parameters are those of `rerun`, with the settings of ``sensitivity``: ``seeds=5``,
    ``values={"model.units": [16, 64]}``.

    Examples
    --------
    >>> measured = sensitivity("tried", values={"training.epochs": [2]}, progress=False)
    >>> measured.table["hyperparameter"].unique().tolist()
    ['training.epochs']
    """
    words = [*_chosen(found), *overrides, *as_overrides(settings)]
    return _called("sensitivity", SensitivityConfig, run_sensitivity, words, progress=progress)


def study(
    name: str | None = None, *, folder: str | Path = "mlruns", uri: str | None = None
) -> "Study":
    """Look up a study by its name, or the latest.

    Parameters
    ----------
    name : str, optional
        As the sweep's first line says it.
    folder : str or Path
        The tracking folder.
    uri : str, optional
        The address of the MLflow server that has its runs.

    Raises
    ------
    TrackingError
        If it is not there.

    Examples
    --------
    >>> study("tried").trials.shape[0]
    2
    """
    from mnist_seq.api.study import Study
    from mnist_seq.driver.report import sweep_run_of
    from mnist_seq.driver.workspace import Workspace

    workspace = Workspace(validate(TrackingConfig, {"folder": str(folder), "uri": uri}))
    experiment = workspace.experiment(name)
    sweep_run_of(workspace.results, experiment)
    return Study(experiment.study, workspace)


def _called(
    name: str,
    kind: type[AnySettings],
    run: Callable[[AnySettings, str], Result],
    words: Sequence[str],
    *,
    progress: bool,
) -> Result:
    config = load_config(name, kind, words)
    with one_call(progress=progress), _told_to_go_on():
        forget_datasets()  # a file may have been changed since the last call
        return run(config, command_text(name, *words))


def _with_data(
    name: str,
    kind: type[SweepConfig] | type[TrainConfig],
    words: Sequence[str],
    data: "str | Arrays | None",
) -> list[str]:
    """Add the override that names the data; arrays are first saved to a file."""
    if data is None:
        return [*words]
    if isinstance(data, str):
        return [f"data={data}", *words]
    folder = Path(load_config(name, kind, words).tracking.folder, "data")
    return ["data=npz", f"data.train_file={write_npz_file(folder, *data)}", *words]


def _chosen(found: "Study | TrainedRun | str | None") -> list[str]:
    """Return overrides that select an earlier run; a text with ``=`` is passed as it is."""
    if found is None:
        return []
    if isinstance(found, str):
        return [found if "=" in found else f"study={found}"]
    tracking = found.workspace.tracking
    where = [f"tracking.folder={tracking.folder}"]
    where += [] if tracking.uri is None else [f"tracking.uri={tracking.uri}"]
    if hasattr(found, "run_id"):
        return [f"run={found.run_id}", *where]
    return [f"study={found.name}", *where]


@contextmanager
def _told_to_go_on() -> Iterator[None]:
    try:
        yield
    except StoppedError as stopped:
        raise StoppedError(str(stopped) or "stopped; the same call goes on") from None
