"""What is typed is what the user means: text as text, several values as a hint."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import ReportConfig, SweepConfig, TrainConfig
from mnist_seq.config.settings import Config, flatten
from mnist_seq.config.validation import is_text, validate
from mnist_seq.config.validation import settings as all_settings
from mnist_seq.errors import ConfigError
from tests.experiments.commands import run

DEFAULT = compose("sweep", SweepConfig, [])["search"]["space"]


def space(*typed: str) -> dict[str, Any]:
    """The searched settings and their dimensions, for what was typed."""
    composed = compose("sweep", SweepConfig, typed)
    validate(SweepConfig, composed)
    return flatten(composed["search"]["space"], {"low", "high", "choices"})


# --- text


@pytest.mark.parametrize(
    "text",
    [
        *("a=b", "a#b", "a(b", "it's", "é", "a b", "a,b", "{a: b}", "$HOME", "${seed}", "a:b"),
        *("2024", "1e5", "true", "NaN", "~x", "\\", "a\\'", "C:\\data\\${x}", "'a'b'", '"', "[1]"),
        *("- x", "*", "!x", "&a", "%", "@", "`x`", "a\nb", "\t", " ", "日本", "choice(1,2)"),
    ],
)
def test_text_is_taken_as_it_was_typed(text: str) -> None:
    typed = [f"data.train_file={text}", f"tracking.folder={text}", f"study={text}"]
    composed = compose("sweep", SweepConfig, typed)
    found = composed["data"]["train_file"], composed["tracking"]["folder"], composed["study"]
    assert found == (text, text, text)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=4, max_size=4))
def test_any_text_is_taken_as_it_was_typed(texts: list[str]) -> None:
    paths = ("data.train_file", "data.test_file", "study", "tracking.folder")
    typed = [f"{path}=x{text}" for path, text in zip(paths, texts, strict=True)]
    composed = flatten(compose("sweep", SweepConfig, typed))
    assert [composed[path] for path in paths] == [f"x{text}" for text in texts]


@pytest.mark.parametrize(
    ("typed", "text"),
    [("file='a b'", "a b"), ('file="x=1"', "x=1"), (r"file='it\'s'", "it's"), ("file=null", None)],
)
def test_hydras_own_quotes_and_null_keep_their_meaning(typed: str, text: str | None) -> None:
    assert compose("report", ReportConfig, [typed])["file"] == text


def test_the_environment_is_read_in_hydras_own_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_URL", "https://host/secret")
    assert compose("sweep", SweepConfig, ['notify="${oc.env:MY_URL}"'])["notify"] == (
        "https://host/secret"
    )


def test_null_is_a_name_where_a_setting_cannot_be_null() -> None:
    assert compose("train", TrainConfig, ["name=null"])["name"] == "null"


def test_text_settings_are_those_that_take_any_text() -> None:
    text = {path for path, field in all_settings(SweepConfig).items() if is_text(field)}
    assert text == {
        *("data.train_file", "data.test_file", "data.label_column", "data.folder"),
        *("study", "search.start_from", "search.storage", "notify"),
        *("tracking.folder", "tracking.uri", "workers.scheduler"),
        *(f"workers.{name}_file" for name in ("ca", "cert", "key")),
    }


@pytest.mark.parametrize("path", ["data.train_file", "data.test_file", "tracking.folder"])
def test_the_home_folder_is_known_by_its_short_name(
    path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    files = [f"data.{part}_file=~/x" for part in ("train", "test")]
    composed = compose("train", TrainConfig, ["data=csv", *files, "tracking.folder=~/x"])
    config = validate(TrainConfig, composed).model_dump()
    group, _, name = path.partition(".")
    assert config[group][name] == str(tmp_path / "x")


# --- search spaces


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (
            ["search.space={model: {units: {low: 8, high: 16}}}"],
            {"model.units": {"low": 8, "high": 16}},
        ),
        (
            ["search.space={model.layers: {choices: [1, 2]}}", "search.space.seed.choices=[1,2]"],
            {"model.layers": {"choices": [1, 2]}, "seed": {"choices": [1, 2]}},
        ),
        (
            ["search.space.training.epochs.high=7", "search.space={seed: {choices: [3]}}"],
            {"seed": {"choices": [3]}},
        ),
    ],
)
def test_a_whole_space_is_that_space_and_no_other(
    typed: list[str], expected: dict[str, Any]
) -> None:
    assert space(*typed) == expected


def test_a_group_of_a_space_takes_the_place_of_that_group_alone() -> None:
    found = space("search.space.model={units: {low: 8, high: 16}}")
    training = {path: found[path] for path in found if path.startswith("training.")}
    assert found == {"model.units": {"low": 8, "high": 16}, **training}
    assert len(training) == len(DEFAULT["training"]) > 0


@pytest.mark.parametrize(
    ("typed", "path", "expected"),
    [
        ("{low: 16, high: 64}", "training.batch_size", {"low": 16, "high": 64}),
        ("{choices: [8, 16]}", "model.units", {"choices": [8, 16]}),
        ("{low: 1, high: 9, step: 2}", "model.units", {"low": 1, "high": 9, "step": 2}),
    ],
)
def test_a_dimension_as_a_mapping_takes_the_place_of_the_defaults(
    typed: str, path: str, expected: dict[str, Any]
) -> None:
    assert space(f"search.space.{path}={typed}")[path] == expected


def test_a_part_of_a_dimension_changes_that_part_alone() -> None:
    assert space("search.space.model.units.high=64")["model.units"] == {
        "low": 16,
        "high": 64,
        "log": True,
    }


def test_a_dimension_can_be_taken_out_and_another_be_added() -> None:
    left = space("~search.space.model.units", "+search.space.model.layers.choices=[1,2]")
    assert "model.units" not in left
    assert left["model.layers"] == {"choices": [1, 2]}


def test_a_condition_on_null_is_kept() -> None:
    condition = "{choices: [1, 2], when: {training.clip_norm: null}}"
    found = space(f"search.space.model.layers={condition}")["model.layers"]
    assert found == {"choices": [1, 2], "when": {"training.clip_norm": None}}


# --- hints


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("model.units=8,16", ["search.space.model.units.choices=[8,16]"]),
        ("model.units=[8,16]", ["search.space.model.units.choices=[8,16]"]),
        ("search.space.model.units=8,16", ["search.space.model.units.choices=[8,16]"]),
        ("search.space.model.units.choices=8,16", ["search.space.model.units.choices=[8,16]"]),
        ("training.optimizer=adam,sgd", ["search.space.training.optimizer.choices=[adam,sgd]"]),
        ("model.units=choice(8, 16)", ["search.space.model.units.choices=[8,16]"]),
        ("model.layers=range(1,4)", ["search.space.model.layers.choices=[1,2,3]"]),
        ("model.units={low: 8, high: 9}", ["search.space.model.units={low: 8, high: 9}"]),
        (
            "model.units=range(8,400)",
            ["search.space.model.units.low=8", "search.space.model.units.high=399"],
        ),
        (
            "model.dropout=interval(0, 0.5)",
            ["search.space.model.dropout.low=0", "search.space.model.dropout.high=0.5"],
        ),
    ],
)
def test_several_values_for_one_setting_are_told_how_they_are_searched(
    typed: str, suggested: list[str]
) -> None:
    ran = run("sweep", typed)
    (line,) = ran.errors
    assert line.startswith(f"error: {typed.partition('=')[0]}: takes one value (got ")
    words = shlex.split(line.partition("to search: ")[2])
    assert (ran.code, words) == (2, suggested)
    space(*suggested)  # what is suggested is accepted


def test_a_command_that_does_not_search_names_the_one_that_does() -> None:
    (line,) = run("train", "model.units=8,16").errors
    assert line.endswith("python -m experiments.sweep 'search.space.model.units.choices=[8,16]'")
    (line,) = run("rerun", "seeds=1,2").errors
    assert line == "error: seeds: takes one value (got 1,2)"


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("search.space.units.low=8", "search.space.model.units.low"),
        ("search.space.model.unit.choices=[8]", "search.space.model.units.choices"),
        ("search.space.batch_size={low: 8, high: 16}", "search.space.training.batch_size"),
        ("search.space={units: {low: 3}}", "search.space.model.units"),
        ("~search.space", "search.space: is missing"),
        ("search.spac.model.units.low=8", "search.space"),
        ("--model.units=8", "model.units=8"),
        ("--batch-size", "training.batch_size=..."),
        ("--multirun", "search.space.model.units.choices=[8,16]"),
        ("-m", "search.space.model.units.choices=[8,16]"),
        ("--config-dir=x", "key=value"),
        ("search.space.training.learning_rate.step=0.001", "log=false"),
    ],
)
def test_a_mistake_is_told_what_was_probably_meant(typed: str, hint: str) -> None:
    ran = run("sweep", typed)
    (line,) = ran.errors
    assert ran.code == 2
    assert hint in line


@pytest.mark.parametrize(
    "typed",
    ["model.units=" + "[" * 5000, "search.space=" + "{a:" * 400 + "1" + "}" * 400, "a\udce9=1"],
)
def test_what_cannot_be_read_is_one_short_line(typed: str) -> None:
    with pytest.raises(ConfigError) as refused:
        validate(SweepConfig, compose("sweep", SweepConfig, [typed]))
    assert len(refused.value.problems) == 1
    assert len(str(refused.value)) < 300


def test_every_setting_of_a_training_can_be_searched_for_by_its_hint() -> None:
    for path in all_settings(Config):
        if not is_text(all_settings(Config)[path]):
            with pytest.raises(ConfigError, match=rf"search\.space\.{path}\.choices=\[1,2\]"):
                compose("sweep", SweepConfig, [f"{path}=1,2"])
