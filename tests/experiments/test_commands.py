"""What the commands refuse, and what they say of themselves."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import ChosenRun, RerunConfig, SweepConfig
from mnist_seq.config.settings import Settings
from mnist_seq.config.validation import settings, validate
from tests.examples import COMMANDS
from tests.experiments.commands import ROOT, SLOW, run, run_alone

FILES = sorted(
    file.name
    for file in (ROOT / "experiments").glob("[!_]*.py")
    if file.name != "experiments.py"  # it is what the others find
)


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


@pytest.mark.parametrize("file", FILES)
def test_a_command_started_by_its_path_says_how_to_type_it(file: str) -> None:
    done = subprocess.run(
        [sys.executable, f"experiments/{file}", "seed=3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    typed = f"python -m experiments.{file.removesuffix('.py')} seed=3"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: type {typed}\n")


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


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        pytest.param(*each, marks=[] if each[0] in {"sweep", "predict"} else pytest.mark.slow)
        for each in COMMANDS.items()
    ],
)
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


@pytest.mark.parametrize(
    "words",
    [
        ["--cfg", "search.trials=3"],
        ["--cfg", "job", "search.trials=3"],
        ["search.trials=3", "--cfg"],
        ["search.trials=3", "--cfg", "job"],
        ["--cfg", "--json", "search.trials=3"],
    ],
)
def test_cfg_takes_no_setting_for_its_own_word(words: list[str], tmp_path: Path) -> None:
    ran = run("sweep", *words, folder=tmp_path)
    said = ran.errors if "--json" in words else ran.out.splitlines()
    assert ran.code == 0
    assert yaml.safe_load("\n".join(said))["search"]["trials"] == 3


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--cfg", "hydra"], "--cfg hydra: must be --cfg job"),
        (["--cfg", "search.trials"], "--cfg search.trials: must be --cfg job"),
        (["--cfg", "-c"], "-c: is not an option; there are key=value, --cfg job and --help"),
    ],
)
def test_cfg_takes_no_other_word(words: list[str], line: str) -> None:
    ran = run("sweep", *words)
    assert (ran.code, ran.out, ran.errors) == (2, "", [f"error: {line}"])


def test_cfg_leaves_the_word_that_a_command_takes_alone() -> None:
    ran = run("worker", "--cfg", "tcp://there:8786")
    assert (ran.code, ran.errors) == (0, [])
    assert yaml.safe_load(ran.out)["scheduler"] == "tcp://there:8786"


CHOOSING = [name for name, kind in COMMANDS.items() if issubclass(kind, ChosenRun)]


@pytest.mark.parametrize("other", ["study=b", "trial=7"])
@pytest.mark.parametrize("command", CHOOSING)
def test_a_run_is_chosen_by_its_id_alone(command: str, other: str) -> None:
    ran = run(command, f"run={32 * 'a'}", other)
    assert (ran.code, ran.out) == (2, "")
    assert f"error: run: means one run, so not together with {other}" in ran.errors


def test_choices_on_the_command_line_take_the_place_of_a_range() -> None:
    values = compose("sweep", SweepConfig, ["search.space.model.units.choices=[50,100]"])
    assert values["search"]["space"]["model"]["units"] == {"choices": [50, 100]}
    values = compose(
        "sweep",
        SweepConfig,
        ["search.space.training.batch_size.low=16", "search.space.training.batch_size.high=64"],
    )
    assert values["search"]["space"]["training"]["batch_size"] == {"low": 16, "high": 64}
