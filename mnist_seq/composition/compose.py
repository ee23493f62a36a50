"""Compose a command's settings from the YAML files of ``conf/`` and overrides, and validate them.

Hydra composes the settings, and no more.
"""

import threading
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any, TypeVar

from mnist_seq.config.settings import Certificates, Settings
from mnist_seq.config.validation import validate
from mnist_seq.errors import ConfigError
from mnist_seq.invocation import command_text

_PACKAGE = Path(__file__).resolve().parent.parent
# Installed, they are in the package; in a clone they lie where people look for them.
CONF = next(folder for folder in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if folder.is_dir())
_HYDRA = threading.Lock()  # its state is that of the process
AnySettings = TypeVar("AnySettings", bound=Settings)


def load_config(name: str, kind: type[AnySettings], overrides: Sequence[str]) -> AnySettings:
    """Return a command's validated settings.

    Parameters
    ----------
    name : str
        The command's; ``conf/<name>.yaml`` holds its defaults.
    kind : type of Settings
        What the command takes.
    overrides : sequence of str
        As on the command line: ``model.units=128``.

    Raises
    ------
    ConfigError
        If an override names no setting or no file, or a value is not allowed.
    """
    return validate(kind, compose(name, kind, overrides))


def compose(name: str, kind: type[Settings], overrides: Sequence[str]) -> dict[str, Any]:
    """Compose a command's settings from its YAML files and the overrides, as plain values.

    Raises
    ------
    ConfigError
        If an override names no setting or no file, or cannot be read.
    """
    # Here, for the processes that train import this file as well, and need none of these.
    from hydra import compose as hydra_compose
    from hydra import initialize
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from mnist_seq.composition.config_files import (
        CHOICES,
        RANGE,
        UNREADABLE,
        check_references,
        offer,
    )
    from mnist_seq.composition.overrides import overrides_for_hydra

    groups = config_groups(name)
    prepared = overrides_for_hydra(kind, groups, overrides)
    try:
        with _HYDRA, initialize(config_path=None, version_base="1.3"):
            unreadable = offer(CONF)
            if unreadable:  # of a file in use nothing else can be said
                chosen = [word for word in prepared if word.partition("=")[0] in groups]
                files = hydra_compose(name, chosen)
                if UNREADABLE in files:
                    raise ConfigError(unreadable[files[UNREADABLE]])
            composed = hydra_compose(name, prepared)
        check_references(OmegaConf.to_container(composed, resolve=False))
        values = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise ConfigError(" ".join(str(error).split())) from None
    assert isinstance(values, dict)  # the top of every file is a mapping
    if "search" in values and "search" not in kind.model_fields:
        experiments = (word for word in overrides if word.startswith("experiment="))
        experiment = next(experiments, f"{CONF / name}.yaml")
        raise ConfigError(f"{experiment}: is a search, for {command_text('sweep')}")
    _check_workers(values.get("workers"))
    space = values.get("search", {}).get("space")
    if isinstance(space, dict):
        values["search"]["space"] = _without_null(space, {*RANGE, *CHOICES})
    return values  # type: ignore[return-value]  # its keys are texts


def _check_workers(workers: Any) -> None:
    """Raise a ConfigError if a setting does not apply to local workers, or to a cluster's.

    Not in `WorkersConfig`: the config of an earlier sweep may have one, and is still read.
    """
    if not isinstance(workers, Mapping):
        return
    scheduler = workers.get("scheduler")
    if scheduler is None:
        names = tuple(Certificates.model_fields)
        rule = "goes with workers.scheduler=tls://host:8786"
    else:
        names = ("count", "memory_gib")
        rule = f"is for local processes, so not together with workers.scheduler={scheduler}"
    problems = [f"workers.{name}: {rule}" for name in names if workers.get(name) is not None]
    if problems:
        raise ConfigError(*problems)


def _without_null(space: Mapping[Any, Any], parts: Set[str]) -> dict[Any, Any]:
    """Return a search space without those parts of its dimensions that are null."""
    return {
        key: _without_null(value, parts) if isinstance(value, Mapping) and key != "when" else value
        for key, value in space.items()
        if value is not None or key not in parts
    }


def config_groups(name: str) -> dict[str, list[str]]:
    """Return the Hydra config groups in a command's defaults list, and the options of each."""
    lines = (CONF / f"{name}.yaml").read_text("utf-8", "replace").splitlines()
    named = [line.removeprefix("  - ").partition(":")[0] for line in lines if "  - " in line]
    return {
        group: sorted(file.stem for file in (CONF / group).glob("*.yaml"))
        for group in named
        if (CONF / group).is_dir()
    }
