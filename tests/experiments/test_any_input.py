"""Whatever is typed is accepted or refused in clear lines; nothing else comes out."""

import functools
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnist_seq.composition.compose import compose
from mnist_seq.config.commands import SweepConfig
from mnist_seq.config.validation import settings as all_settings
from mnist_seq.config.validation import validate
from mnist_seq.errors import ConfigError
from mnist_seq.search.samplers import distribution
from mnist_seq.search.space import check, grid

PATHS = sorted(all_settings(SweepConfig))
MANY = settings(
    max_examples=1000,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)

numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0, 1, 2, 28, 50, 0.001, 1e-4, 1e-2]),
)
words = st.one_of(
    st.sampled_from(["adam", "last", "mean", "mnist", "tpe", "true", "none", "", "../x", "é"]),
    st.text(max_size=12),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, words)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
)
paths = st.one_of(st.sampled_from(PATHS), words)
dimensions = st.one_of(
    st.fixed_dictionaries(
        {"low": scalars, "high": scalars},
        optional={"step": scalars, "log": st.booleans(), "when": anything},
    ),
    st.fixed_dictionaries(
        {"choices": st.lists(scalars, max_size=4)},
        optional={"when": st.dictionaries(paths, scalars, max_size=2)},
    ),
    anything,
)


@functools.cache
def _composed() -> str:
    return json.dumps(compose("sweep", SweepConfig, ["data=digits"]))


def default() -> dict[str, Any]:
    """The default search, as plain values."""
    return json.loads(_composed())  # type: ignore[no-any-return]


def is_clear(error: ConfigError) -> bool:
    """Whether there is something to read in each line."""
    return all(line.strip() and "\n" not in line for line in error.problems)


def accepted_or_refused(values: dict[str, Any]) -> bool:
    """Whether a search would be started; a refusal must be lines of text that say something."""
    try:
        config = validate(SweepConfig, values)
        check(config, config.search)
        if config.search.sampler == "grid":
            grid(config.search.space)
        for path, dimension in config.search.space.items():
            distribution(path, dimension)
    except ConfigError as error:
        if not error.problems or not is_clear(error):
            pytest.fail(str(error))
        return False
    return True


def put(values: dict[str, Any], path: str, value: Any) -> None:
    """Set a value where the path leads, making groups on the way."""
    *groups, name = path.split(".") if path else [path]
    for group in groups:
        inner = values.setdefault(group, {})
        if not isinstance(inner, dict):
            return
        values = inner
    values[name] = value


@pytest.mark.slow
@MANY
@given(st.dictionaries(paths, anything, min_size=1, max_size=4))
def test_any_value_of_any_setting_is_accepted_or_refused(changes: dict[str, Any]) -> None:
    values = default()
    for path, value in changes.items():
        put(values, path, value)
    accepted_or_refused(values)


@pytest.mark.slow
@MANY
@given(st.dictionaries(paths, dimensions, min_size=1, max_size=4), st.booleans())
def test_any_search_space_is_accepted_or_refused(space: dict[str, Any], is_grid: bool) -> None:
    values = default()
    values["search"]["space"] = space
    values["search"]["sampler"] = "grid" if is_grid else "tpe"
    accepted_or_refused(values)


@pytest.mark.slow
@settings(MANY, max_examples=300)
@given(paths, words)
def test_any_override_is_composed_or_refused(path: str, word: str) -> None:
    try:
        values = compose("sweep", SweepConfig, [f"{path}={word}"])
    except ConfigError as error:
        if not is_clear(error):
            pytest.fail(str(error))
    else:
        accepted_or_refused(values)


def test_the_default_search_is_accepted() -> None:
    assert accepted_or_refused(default())
