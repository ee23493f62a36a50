"""Experiment files as people write them: read, or refused with file and line."""

import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mnist_seq.composition import compose as composing
from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.settings import flatten
from mnist_seq.config.validation import validate
from mnist_seq.errors import ConfigError

HEAD = "# @package _global_\n"
LAUGHS = (
    HEAD
    + "a0: &a0 [x, x]\n"
    + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
)


@pytest.fixture
def experiments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of experiment files, in a copy of the project's ``conf/``."""
    shutil.copytree(composing.CONF, tmp_path / "conf")
    monkeypatch.setattr(composing, "CONF", tmp_path / "conf")
    return tmp_path / "conf" / "experiment"


def load_config(content: str | bytes, folder: Path, *typed: str) -> dict[str, Any]:
    """The values of a search with an experiment file of the given content."""
    (folder / "mine.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    values = compose("sweep", SweepConfig, ["experiment=mine", *typed])
    validate(SweepConfig, values)
    return values


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        (HEAD + "training:\n\tepochs: 2\n", ", line 3", "'\\t'"),
        (HEAD + "training:\n  epochs: 2\n  epochs: 3\n", ", line 4", "duplicate key epochs"),
        (HEAD + "training:\n  epochs: 2\n model:\n  units: 3\n", ", line 4", "block"),
        (HEAD.encode() + b"training: {epochs: 2}\n\n# caf\xe9\n", ", line 4", "not UTF-8"),
        ((HEAD + "training: {epochs: 2}\n").encode("utf-16"), ", line 1", "not UTF-8"),
        (HEAD + "training:\n  epochs: 2\x01\n", ", line 3", "#x0001"),
        (HEAD + "study: 'abc\n", ", line 3", "unexpected end"),
        (HEAD + "training: *other\n", ", line 2", "alias"),
        (HEAD + "training\n  epochs 2\n", ", line 2", "key: value"),
        (HEAD + "a: !!python/object/apply:os.getcwd []\n", ", line 2", "constructor"),
        (HEAD + "study: ${\n", "", "${"),
        (HEAD + "seed: " + "9" * 5000 + "\n", "", "digits"),
    ],
)
def test_a_mistake_in_a_file_is_one_line_with_file_and_line(
    content: str | bytes, place: str, reason: str, experiments: Path
) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(content, experiments)
    (line,) = refused.value.problems
    assert line.startswith(f"conf/experiment/mine.yaml{place}: ")
    assert reason in line


def test_a_broken_file_is_no_obstacle_where_it_is_not_used(experiments: Path) -> None:
    (experiments / "broken.yaml").write_text("a: [\n")
    assert load_config(HEAD + "training: {epochs: 2}\n", experiments)["training"]["epochs"] == 2
    with pytest.raises(ConfigError, match=r"search\.space\.model\.x: "):
        compose("sweep", SweepConfig, ["~search.space.model.x"])


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_marks_and_line_ends_of_windows_are_read(mark: str, end: str, experiments: Path) -> None:
    text = (HEAD + "training:\n  epochs: 2\n").replace("\n", end)
    assert load_config(text.encode(mark), experiments)["training"]["epochs"] == 2


@pytest.mark.parametrize(
    ("content", "path", "expected"),
    [
        (
            "training:\n      batch_size: {low: 16, high: 64}\n",
            "training.batch_size",
            {"low": 16, "high": 64},
        ),
        ("model: {units: {choices: [8, 16]}}\n", "model.units", {"choices": [8, 16]}),
        ("model.units: {choices: [8, 16]}\n", "model.units", {"choices": [8, 16]}),
        ("model: {units: {high: 64}}\n", "model.units", {"low": 16, "high": 64, "log": True}),
    ],
)
def test_a_dimension_in_a_file_takes_the_place_of_the_defaults(
    content: str, path: str, expected: dict[str, Any], experiments: Path
) -> None:
    values = load_config(f"{HEAD}search:\n  space:\n    {content}", experiments)
    found = flatten(values["search"]["space"], {"low", "high", "choices"})
    assert found[path] == expected
    assert len(found) == 6, "all others are the default's"


def test_the_last_of_several_files_and_the_command_line_says_what_is_searched(
    experiments: Path,
) -> None:
    space = "search: {space: {training: {batch_size: {%s}}}}\n"
    (experiments / "first.yaml").write_text(HEAD + space % "low: 16, high: 64")
    second = HEAD + "defaults: [first]\n" + space % "choices: [8]"
    assert batch_size(load_config(second, experiments)) == {"choices": [8]}
    low, high = (f"search.space.training.batch_size.{end}" for end in ("low=2", "high=4"))
    assert batch_size(load_config(second, experiments, low, high)) == {"low": 2, "high": 4}


def batch_size(values: dict[str, Any]) -> Any:
    """The searched batch sizes."""
    return values["search"]["space"]["training"]["batch_size"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(LAUGHS, id="aliases of aliases in lists"),
        pytest.param(
            HEAD
            + "a0: &a0 {x: 1, y: 2}\n"
            + "".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, 40)),
            id="aliases of aliases in mappings",
        ),
        pytest.param(HEAD + "a: &a [*a]\n", id="an alias of itself"),
        pytest.param(HEAD + "a: " + "[" * 30_000 + "\n", id="nesting"),
        pytest.param(HEAD + "a: " + "x" * 10_000_000 + "\n", id="size"),
        pytest.param(
            HEAD
            + "search: {baselines: ['${training}', '${training}']}\n"
            + "seed: ['${search.baselines}', '${search.baselines}']\n",
            id="references to references",
        ),
        pytest.param(HEAD + "study: ${name}\nname: ${study}\n", id="references in a circle"),
    ],
)
def test_a_bomb_is_refused_within_5_seconds_and_a_gibibyte(content: str, experiments: Path) -> None:
    (experiments / "mine.yaml").write_text(content)
    script = (
        "import sys; from pathlib import Path; from experiments import sweep;"
        "from mnist_seq.composition import compose as composing;"
        f"composing.CONF = Path({str(experiments.parent)!r});"
        "sys.argv = ['sweep.py', 'experiment=mine']; sweep.main()"
    )

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
        resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        preexec_fn=limits,
        env={"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith("error: ")
