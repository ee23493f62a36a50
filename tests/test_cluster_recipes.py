"""The files of examples/cluster: the commands in them are taken, the manifests are Kubernetes'."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mnist_seq.composition.compose import load_config
from tests.examples import COMMANDS

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "cluster"
MODULE = "experiments."


def lists_in(content: object) -> Iterator[list[Any]]:
    """All lists in a file, however deep."""
    if isinstance(content, list):
        yield content
    if isinstance(content, dict | list):
        for each in content.values() if isinstance(content, dict) else content:
            yield from lists_in(each)


def commands_of(file: Path) -> Iterator[list[str]]:
    """The words of each command of ours in a file: its name, its settings."""
    text = file.read_text()
    if file.suffix == ".sbatch":
        text = text.replace('"$1"', "tcp://host:8786").replace('"$SLURM_CPUS_PER_TASK"', "4")
        lists = [shlex.split(line) for line in text.splitlines() if not line.startswith("#")]
    else:
        lists = list(lists_in(list(yaml.safe_load_all(text))))
    for words in lists:
        for at, word in enumerate(words):
            if str(word).startswith(MODULE):
                yield [word.removeprefix(MODULE), *words[at + 1 :]]


def test_commands_are_composed_and_valid() -> None:
    found = [
        words
        for file in FOLDER.glob("*.[ys]*")
        if file.suffix != ".sql"
        for words in commands_of(file)
    ]
    assert sorted(name for name, *_ in found) == [
        *("scheduler",) * 2,
        *("sweep",) * 2,
        *("worker",) * 3,
    ]
    for name, *settings in found:
        load_config(name, COMMANDS[name], settings)


def test_each_file_is_told_of_in_the_docs() -> None:
    told = (FOLDER.parents[1] / "docs" / "cluster.md").read_text()
    files = {file.name for file in FOLDER.iterdir()}
    assert files <= set(re.findall(r"[\w-]+(?:\.\w+)?", told))


@pytest.mark.parametrize("name", ["kubernetes.yaml", "kubernetes-sweep.yaml"])
def test_manifests_follow_the_schema_of_kubernetes(name: str) -> None:
    kubernetes = pytest.importorskip(
        "kubernetes_validate", reason="pip install kubernetes-validate"
    )
    for manifest in yaml.safe_load_all((FOLDER / name).read_text()):
        kubernetes.validate(manifest, "1.33", strict=True)
