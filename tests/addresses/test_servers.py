"""Addresses of servers: which are taken, and that no password gets through or is repeated."""

import re

import pytest

from mnist_seq.errors import ConfigError, InputError
from tests.examples import sweep_config
from tests.experiments.commands import run

SECRET = "geheim"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://me@db.example:5432/studies",
        "postgresql+psycopg://db/studies?sslmode=require",
        "postgresql+psycopg://[::1]:5432/studies",
        "postgresql+psycopg:///studies?host=/var/run/postgresql",
    ],
)
def test_a_database_is_named_with_or_without_user_port_and_host(address: str) -> None:
    assert sweep_config(f"search.storage={address}").search.storage == address


def test_an_mlflow_server_is_named_by_its_address() -> None:
    taken = sweep_config("tracking.uri=https://mlflow.example/runs/").tracking.uri
    assert taken == "https://mlflow.example/runs"


@pytest.mark.parametrize(
    "word",
    [
        f"search.storage=postgresql+psycopg://me:{SECRET}@db/studies",
        f"search.storage=postgresql+psycopg://me:{SECRET}/@:x@db/studies",
        f"search.storage=postgresql+psycopg://me@db/studies?password={SECRET}",
        f"search.storage=mysql://me:{SECRET}@db/studies",
        f"search.storage=me:{SECRET}@db",
        f"tracking.uri=http://me:{SECRET}@mlflow.example",
        f"tracking.uri=http://{SECRET}@mlflow.example",
        f"tracking.uri=http://mlflow.example?token={SECRET}",
        f"search.storag=postgresql+psycopg://me:{SECRET}@db/studies",
        f"--search.storage=postgresql+psycopg://me:{SECRET}@db/studies",
        f"search.storage=['postgresql+psycopg://me:{SECRET}@db/studies']",
        f"model.units=postgresql+psycopg://me:{SECRET}@db/studies",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(word: str) -> None:
    ran = run("sweep", "data=digits", word)
    assert (ran.code, len(ran.errors), ran.out) == (2, 1, "")
    assert SECRET not in ran.errors[0]


def test_who_types_a_password_is_told_where_it_belongs() -> None:
    with pytest.raises(ConfigError, match=r"^search.storage: .* PGPASSWORD .*PGPASSFILE$"):
        sweep_config(f"search.storage=postgresql+psycopg://me:{SECRET}@db/studies")
    with pytest.raises(ConfigError, match=r"^tracking.uri: .*MLFLOW_TRACKING_PASSWORD"):
        sweep_config(f"tracking.uri=http://me:{SECRET}@mlflow.example")


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("search.storage=mysql://db/studies", "mysql://"),
        ("search.storage=sqlite:///optuna.db", "sqlite://"),
        ("search.storage=postgresql://db/studies", "postgresql://"),
        ("tracking.uri=postgresql+psycopg://db/studies", "postgresql+psycopg://"),
        ("tracking.uri=databricks", "without ://"),
    ],
)
def test_any_other_scheme_is_named_with_what_is_allowed(word: str, found: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(found)):
        sweep_config(word)


def test_every_error_loses_the_passwords_of_addresses() -> None:
    assert str(InputError("x://me:a:b@c@db: away, see x://you@db")) == (
        "x://me:…@db: away, see x://you@db"
    )
