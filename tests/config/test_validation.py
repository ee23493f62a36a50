import copy
import math
from typing import Any

import pytest

from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import RerunConfig, SweepConfig, UiConfig
from mnist_seq.config.validation import allowed, is_integer, nearest, settings, validate
from mnist_seq.errors import ConfigError
from tests.examples import sweep_config


def values(**changes: Any) -> dict[str, Any]:
    """A valid search as plain values, with some replaced by path: dots are written as __."""
    plain = copy.deepcopy(sweep_config("data=digits").model_dump())
    for path, value in changes.items():
        *groups, name = path.split("__")
        target = plain
        for group in groups:
            target = target[group]
        target[name] = value
    return plain


def lines(plain: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        validate(SweepConfig, plain)
    assert all("\n" not in line for line in refused.value.problems)
    return refused.value.problems


def test_what_was_composed_is_valid() -> None:
    assert validate(SweepConfig, values()) == sweep_config("data=digits")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"model__units": 0}, "model.units: must be at least 1 (got 0)"),
        ({"model__units": 4096}, "model.units: must be at most 2048 (got 4096)"),
        ({"model__units": 50.0}, "model.units: must be a whole number (got 50.0)"),
        ({"model__units": 50.5}, "model.units: must be a whole number (got 50.5)"),
        ({"model__units": "50"}, "model.units: must be a whole number (got '50')"),
        ({"model__units": None}, "model.units: must be a whole number (got null)"),
        ({"model__units": True}, "model.units: must be a whole number (got true)"),
        ({"model__units": [50]}, "model.units: must be a whole number (got [50])"),
        ({"model__units": {"low": 1}}, "model.units: must be a whole number (got {'low': 1})"),
        ({"seed": -1}, "seed: must be at least 0 (got -1)"),
        ({"seed": 2**32}, "seed: must be at most 4294967295 (got 4294967296)"),
        ({"model__dropout": 1}, "model.dropout: must be below 1.0 (got 1)"),
        ({"model__dropout": -0.1}, "model.dropout: must be at least 0.0 (got -0.1)"),
        ({"model__dropout": False}, "model.dropout: must be a number (got false)"),
        ({"training__learning_rate": 0}, "training.learning_rate: must be above 0.0 (got 0)"),
        (
            {"training__learning_rate": math.nan},
            "training.learning_rate: must be a finite number (got nan)",
        ),
        (
            {"training__learning_rate": math.inf},
            "training.learning_rate: must be a finite number (got inf)",
        ),
        (
            {"training__clip_norm": math.nan},
            "training.clip_norm: must be a finite number (got nan)",
        ),
        ({"training__clip_norm": "1"}, "training.clip_norm: must be a number (got '1')"),
        ({"model__bidirectional": 1}, "model.bidirectional: must be true or false (got 1)"),
        ({"model__bidirectional": "yes"}, "model.bidirectional: must be true or false (got 'yes')"),
        ({"data__scaling": "min"}, "data.scaling: must be unit, minmax or standard (got 'min')"),
        ({"data__scaling": True}, "data.scaling: must be unit, minmax or standard (got true)"),
        ({"data__train_file": 3}, "data.train_file: must be text (got 3)"),
        ({"tracking__folder": ""}, "tracking.folder: must not be empty (got '')"),
        ({"workers__count": 0}, "workers.count: must be at least 1 (got 0)"),
        ({"workers__memory_gib": 0.5}, "workers.memory_gib: must be at least 1.0 (got 0.5)"),
        ({"search__baselines": {}}, "search.baselines: must be a list (got {})"),
        ({"model": 3}, "model: must be a group of settings (got 3)"),
        ({"search__space": {}}, "search.space: must not be empty (got {})"),
        ({"search__space": [1]}, "search.space: must be a group of settings (got [1])"),
        (
            {"search__space": {"model.units": {"choices": []}}},
            "search.space.model.units.choices: must not be empty (got [])",
        ),
        (
            {"search__space": {"model.units": {"low": 9, "high": 1}}},
            "search.space.model.units: low must not be above high (got 9 and 1)",
        ),
        (
            {"search__space": {"model.units": {"low": 0, "high": 1, "log": True}}},
            "search.space.model.units: log needs low above 0 (got 0)",
        ),
        (
            {"search__space": {"model.units": {"low": 1, "high": 9, "log": True, "step": 2}}},
            "search.space.model.units: log and step exclude each other: "
            "add log=false where the default has log=true",
        ),
        (
            {"search__space": {"model.units": {"low": 1, "high": 9, "step": 0}}},
            "search.space.model.units.step: must be above 0 (got 0)",
        ),
        (
            {"search__space": {"model.units": {"low": 1}}},
            "search.space.model.units.high: is missing",
        ),
        (
            {"search__space": {"model.units": {"low": 1, "high": math.nan}}},
            "search.space.model.units.high: must be a finite number (got nan)",
        ),
        (
            {"search__space": {"model.units": {"low": "1", "high": 9}}},
            "search.space.model.units.low: must be a number (got '1')",
        ),
        (
            {"search__space": {"model.units": {"choices": [1], "low": 1}}},
            "search.space.model.units.low: is not a part of choices",
        ),
        (
            {"search__space": {"model.units": {"low": 1, "high": 9, "logg": True}}},
            "search.space.model.units.logg: is not a part of a range",
        ),
        (
            {"search__space": {"model.units": 3}},
            "search.space.model.units: must be a group of settings (got 3)",
        ),
    ],
)
def test_a_refused_value_is_one_line_with_setting_rule_and_finding(
    change: dict[str, Any], line: str
) -> None:
    assert lines(values(**change)) == (line,)


@pytest.mark.parametrize(
    ("path", "value", "beginning"),
    [
        ("study", "with space", "study: must match "),
        ("study", "", "study: must match "),
        ("study", "../up", "study: must match "),
        ("workers__scheduler", "localhost:8786", "workers.scheduler: must be an address as tcp://"),
    ],
)
def test_a_name_that_does_not_match_is_said_with_what_does(
    path: str, value: str, beginning: str
) -> None:
    (line,) = lines(values(**{path: value}))
    assert line.startswith(beginning)
    assert line.endswith(f"(got {value!r})")


def test_a_missing_setting_is_one_line() -> None:
    plain = values()
    del plain["model"]["units"], plain["seed"]
    assert set(lines(plain)) == {"model.units: is missing", "seed: is missing"}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("model__unit", "model.unit: is not a setting; did you mean model.units?"),
        ("model__learning_rate", "model.learning_rate: is not a setting; did you mean training."),
        ("units", "units: is not a setting; did you mean model.units?"),
        ("xyzzy", "xyzzy: is not a setting"),
    ],
)
def test_a_wrong_key_is_said_with_the_nearest(path: str, line: str) -> None:
    (found,) = lines(values(**{path: 1}))
    assert found.startswith(line)


def test_all_problems_are_said_at_once() -> None:
    many = {"seed": -1, "model__units": 0, "training__optimizer": "x", "xyzzy": 1}
    found = lines(values(**many))
    assert len(found) == 4
    assert sorted(line.partition(":")[0] for line in found) == sorted(
        path.replace("__", ".") for path in many
    )


def test_a_long_value_is_cut() -> None:
    (line,) = lines(values(model__units="9" * 1000))
    assert len(line) < 120


# --- rules between settings


@pytest.mark.parametrize("readout", ["each_step", "mean", "max", "flatten", "attention"])
def test_a_readout_of_all_states_needs_return_sequences(readout: str) -> None:
    assert lines(values(model__readout=readout)) == (
        f"model.readout={readout} needs model.return_sequences=true",
    )
    validate(SweepConfig, values(model__readout=readout, model__return_sequences=True))


def test_return_sequences_needs_a_readout_of_all_states() -> None:
    assert lines(values(model__return_sequences=True)) == (
        "model.return_sequences=true needs model.readout="
        "each_step, mean, max, flatten or attention (got last)",
    )


def test_files_go_with_csv_and_csv_with_files() -> None:
    both = {"data__train_file": "a.csv", "data__test_file": "b.csv"}
    validate(SweepConfig, values(data__source="csv", **both))
    needs = ("data=csv needs data.train_file and data.test_file",)
    assert lines(values(data__source="csv")) == needs
    assert lines(values(data__source="csv", data__train_file="a.csv")) == needs
    assert lines(values(data__source="csv", data__test_file="b.csv")) == needs
    for one in both:
        assert lines(values(**{one: "a.csv"})) == (
            "data.train_file and data.test_file go with data=csv or data=npz",
        )
    assert lines(values(data__label_column="letter")) == ("data.label_column goes with data=csv",)


def test_settings_of_a_folder_go_with_images() -> None:
    validate(SweepConfig, values(data__source="images", data__folder="letters", data__size=20))
    assert lines(values(data__source="images")) == ("data=images needs data.folder",)
    for name, value in {"folder": "a", "ink": "dark", "size": 20, "on_bad_image": "skip"}.items():
        assert lines(values(**{f"data__{name}": value})) == (f"data.{name} goes with data=images",)


# --- settings and hints


def test_settings_are_the_leaves_of_the_tree() -> None:
    paths = settings(UiConfig)
    assert set(paths) == {
        "study",
        "port",
        "tracking.folder",
        "tracking.uri",
        "tracking.system_metrics",
    }
    assert "model.units" in settings(SweepConfig)
    assert "model" not in settings(SweepConfig)
    assert "search.space" in settings(SweepConfig)


def test_every_setting_has_a_meaning() -> None:
    for kind in (SweepConfig, RerunConfig, UiConfig):
        assert all(field.description for field in settings(kind).values())


def test_a_hint_is_near_or_of_the_same_name_or_none() -> None:
    known = ["model.units", "training.batch_size"]
    assert nearest("model.unts", known) == "; did you mean model.units?"
    assert nearest("batch_size", known) == "; did you mean training.batch_size?"
    assert nearest("something.batch_size", known).endswith("training.batch_size?")
    assert nearest("xyzzy", known) == ""


def test_a_setting_says_what_it_takes() -> None:
    fields = settings(SweepConfig)
    assert allowed(fields["data.source"]) == "mnist | digits | csv | npz | images"
    assert "1" in allowed(fields["model.units"])
    assert "2048" in allowed(fields["model.units"])
    assert allowed(fields["model.bidirectional"]) == ""


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        sweep_config("data=digits").model.units = 3  # type: ignore[misc]  # this is the claim


def test_numbers_in_yaml_arrive_as_numbers() -> None:
    # PyYAML alone reads 1e-3 as text; a config is not read by PyYAML alone.
    found = compose("sweep", SweepConfig, ["training.learning_rate=1e-3", "model.units=010"])
    assert found["training"]["learning_rate"] == 0.001


def test_only_whole_numbers_are_integers() -> None:
    assert [path for path in ("model.units", "training.epochs", "seed") if is_integer(path)] == [
        "model.units",
        "training.epochs",
        "seed",
    ]
    assert not is_integer("training.learning_rate")
    assert not is_integer("model.bidirectional")
    assert not is_integer("training.clip_norm")
