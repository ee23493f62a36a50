"""Check server addresses given as settings: allowed forms, and never a password."""

import re

POSTGRESQL = "postgresql+psycopg"
_HOST = r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_NAME = r"[A-Za-z0-9_.%-]+"
_DATABASE = re.compile(rf"postgresql\+psycopg://(?:{_NAME}@)?(?:{_HOST})?/{_NAME}(?:\?[^@#\s]*)?")
_HTTP = re.compile(rf"https?://{_HOST}(?:/{_NAME})*/?")
_SECRET = re.compile(r"://[^@]*:.*@|[?&][^=&]*(?:password|secret|token)[^=&]*=", re.IGNORECASE)
_USER = re.compile(r"(://[^\s:@/]*):\S*@")


def database_address(address: str) -> str:
    """Check the address of a PostgreSQL database and return it.

    Raises
    ------
    ValueError
        In words that never repeat the address: it may hold a password.
    """
    if _SECRET.search(address):
        raise ValueError(
            "a password is kept out of the address: leave it out there, and give it by PGPASSWORD "
            "or by a file named by PGPASSFILE"
        )
    if not _DATABASE.fullmatch(address):
        raise ValueError(f"must be {POSTGRESQL}://user@host:port/database ({_found(address)})")
    return address


def server_address(address: str) -> str:
    """Check the address of an MLflow server and return it without a slash at its end.

    Raises
    ------
    ValueError
        In words that never repeat the address: it may hold a password.
    """
    if "@" in address or _SECRET.search(address):
        raise ValueError(
            "user name, password and token are kept out of the address: give them by "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or by MLFLOW_TRACKING_TOKEN"
        )
    if not _HTTP.fullmatch(address):
        raise ValueError(
            f"must be the http:// or https:// address of an MLflow server ({_found(address)}); a "
            "database of runs is behind such a server"
        )
    return address.rstrip("/")


def without_password(text: str) -> str:
    """Return a text whose addresses have lost their passwords."""
    return _USER.sub(r"\1:…@", text)


def _found(address: str) -> str:
    scheme, mark, _ = address.partition("://")
    return f"got one that begins with {scheme[:40]}://" if mark else "got one without ://"
