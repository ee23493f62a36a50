"""What the commands refuse, and what they say of themselves."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import RerunConfig, SweepConfig
from mnist_seq.config.settings import Settings
from mnist_seq.config.validation import settings, validate
from tests.examples import COMMANDS
from tests.experiments.commands import SLOW, run, run_alone


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("model.unit=3", "model.unit: is not a setting; did you mean model.units?"),
        ("units=3", "units: is not a setting; did you mean model.units?"),
        ("+training.momentum=1", "training.momentum: is not a setting"),
        ("dat=digits", "dat: is not a setting; did you mean data?"),
        (
            "data=digit",
            "data=digit: must be csv or digits or images or mnist or npz; did you mean digits?",
        ),
        ("model.units", "model.units: is not of the form key=value"),
        ("model.units=0", "model.units: must be at least 1 (got 0)"),
        ("model.units=true", "model.units: must be a whole number (got true)"),
        (
            "training.learning_rate=nan",
            "training.learning_rate: must be a finite number (got nan)",
        ),
        ("model.readout=mean", "model.readout=mean needs model.return_sequences=true"),
        ("data=csv", "data=csv needs data.train_file and data.test_file"),
        ("workers=cluster", "Missing mandatory value: scheduler full_key: workers.scheduler"),
        # search spaces
        (
            "search.space.model.unitz.choices=[1]",
            "search.space.model.unitz.choices: model.unitz is not a setting; "
            "did you mean search.space.model.units.choices?",
        ),
        (
            "search.space.model.layers.choices=[]",
            "search.space.model.layers.choices: must not be empty (got [])",
        ),
        (
            "search.space.model.units={low: 200, high: 100}",
            "search.space.model.units: low must not be above high (got 200 and 100)",
        ),
        (
            "search.space.model.units.high=4096",
            "search.space.model.units: must be at most 2048 (got 4096)",
        ),
        (
            "search.space.training.learning_rate.low=0",
            "search.space.training.learning_rate: log needs low above 0 (got 0)",
        ),
        (
            "search.space.model.layers={low: 1, high: 2, when: {model.bidirectional: true}}",
            "search.space.model.layers.when: model.bidirectional is not searched",
        ),
        (
            "search.space.model.return_sequences.when={model.readout: mean}",
            "search.space: conditions go round in a circle: model.return_sequences, model.readout",
        ),
        (
            "search.sampler=grid",
            "search.space.model.units: search.sampler=grid needs a step or choices",
        ),
        ("model.units=[1", "no viable alternative at input '[1' (in model.units=[1)"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    tmp_path: Path, arguments: str, error: str
) -> None:
    ran = run("sweep", arguments, folder=tmp_path)
    assert ran.code == 2
    (line,) = ran.errors
    assert line.startswith(f"error: {error}")
    assert ran.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "arguments"), [("sweep", "search.sampler=grid"), ("inspect", "--help")]
)
def test_nothing_slow_is_loaded_for_a_mistake_or_for_help(command: str, arguments: str) -> None:
    ran = run_alone(command, arguments)
    assert ran.code == (0 if arguments == "--help" else 2)
    assert not ran.imported & SLOW
    assert {"pydantic", "hydra"} <= ran.imported, "else this check could not fail"


def test_several_mistakes_are_one_line_each(tmp_path: Path) -> None:
    ran = run("sweep", "model.units=0", "seed=-1", folder=tmp_path)
    assert ran.code == 2
    assert sorted(ran.errors) == [
        "error: model.units: must be at least 1 (got 0)",
        "error: seed: must be at least 0 (got -1)",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_in_one_line(command: str, tmp_path: Path) -> None:
    empty = "tracking.folder" if "tracking.folder" in settings(COMMANDS[command]) else "ca_file"
    ran = run(command, f"{empty}=''", folder=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.errors[0] == f"error: {empty}: must not be empty (got '')"


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (None, "letters.csv: no such file"),
        ("", "letters.csv: has no images"),
        ("a,1,2,3\n", "letters.csv, row 1: has 3 pixels besides the label; a square image has "),
        ("a,1,2,3,4\nb,1,2,300,4\n", "letters.csv, row 2, column 4: "),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, rows: str | None, error: str) -> None:
    if rows is not None:
        (tmp_path / "letters.csv").write_text(rows)
    files = ("data.train_file=letters.csv", "data.test_file=letters.csv")
    ran = run("train", "data=csv", *files, folder=tmp_path)
    assert ran.code == 2
    (line,) = ran.errors
    assert line.startswith(f"error: {error}")


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("rerun", ["study=never-made"]),
        ("train", ["data=csv", "data.train_file=not-there.csv", "data.test_file=not-there.csv"]),
    ],
)
def test_what_is_not_there_is_told_before_tensorflow_is_loaded(
    command: str, arguments: list[str], tmp_path: Path
) -> None:
    ran = run_alone(command, *arguments, folder=tmp_path)
    assert ran.code == 2
    (line,) = ran.errors
    assert line.startswith("error: ")
    assert not ran.imported & {"tensorflow", "keras"}


@pytest.mark.parametrize(("command", "kind"), COMMANDS.items())
def test_help_tells_every_setting_and_what_it_means(command: str, kind: type[Settings]) -> None:
    ran = run(command, "--help")
    assert (ran.code, ran.errors) == (0, [])
    lines = ran.out.splitlines()
    for path, field in settings(kind).items():
        (line,) = (line for line in lines if re.match(rf" +{re.escape(path)}[ =]", line))
        assert str(field.description) in line
    examples = [line.strip() for line in lines if line.startswith("  python -m experiments.")]
    for example in examples:
        _, _, module, *overrides = shlex.split(re.split(" {2,}", example)[0])
        assert module == f"experiments.{command}"
        validate(kind, compose(command, kind, overrides))


@pytest.mark.parametrize(("command", "kind"), [("sweep", SweepConfig), ("rerun", RerunConfig)])
def test_cfg_job_prints_a_config_that_is_valid_as_it_stands(
    tmp_path: Path, command: str, kind: type[Settings]
) -> None:
    ran = run(command, "--cfg", "job", "workers.count=2", folder=tmp_path)
    assert (ran.code, ran.errors) == (0, [])
    printed = yaml.safe_load(ran.out)
    assert validate(kind, printed).model_dump()["workers"]["count"] == 2
    assert not list(tmp_path.iterdir())


def test_choices_on_the_command_line_take_the_place_of_a_range() -> None:
    values = compose("sweep", SweepConfig, ["search.space.model.units.choices=[50,100]"])
    assert values["search"]["space"]["model"]["units"] == {"choices": [50, 100]}
    values = compose(
        "sweep",
        SweepConfig,
        ["search.space.training.batch_size.low=16", "search.space.training.batch_size.high=64"],
    )
    assert values["search"]["space"]["training"]["batch_size"] == {"low": 16, "high": 64}
