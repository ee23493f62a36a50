"""Connect to an MLflow server, check that it is usable, report its errors in one line.

Credentials never pass through here: MLflow takes them from MLFLOW_TRACKING_USERNAME,
MLFLOW_TRACKING_PASSWORD and MLFLOW_TRACKING_TOKEN.
"""

import re
from urllib.parse import urlsplit

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request
from requests.exceptions import RequestException

from mnist_seq.errors import ServerUnavailableError, StoreError

PROXIED = "mlflow-artifacts:"  # begins the addresses of files that pass through the server
REFUSED, FORBIDDEN = 401, 403
PASSING = {408, 429}  # and all from 500 on: these go away by waiting
OURS = 3  # the version of MLflow whose calls are used


def open_client(address: str) -> MlflowClient:
    """Return a client of an MLflow server that can be used.

    Raises
    ------
    StoreError
        In one line, if it cannot: not reachable, not allowed, or of another version.
    """
    client = MlflowClient(tracking_uri=address, registry_uri=address)
    try:
        client.search_experiments(max_results=1)
        found = _version(address)
    except MlflowException as error:
        raise refusal(address, error) from error
    release = re.match(r"(\d+)\.\d+", found)
    if release is None or int(release[1]) != OURS:
        raise StoreError(
            f"{address}: is a server of MLflow {found[:20]!r}, this is {mlflow.__version__}; both "
            f"must be of {OURS}.x"
        )
    return client


def is_transient(error: Exception) -> bool:
    """Whether a request may succeed later: the server is away, or refuses who asks.

    A user whose token has run out loses nothing: the same command stores with a fresh one what is
    missing.
    """
    status = _status(error)
    return status is not None and (status in {*PASSING, REFUSED, FORBIDDEN} or status >= 500)


def refusal(address: str, error: Exception) -> StoreError:
    """Convert a failed request to an error that says in one line what to do."""
    status, words = _status(error), _words(error)
    if status == REFUSED:
        return StoreError(
            f"{address}: refuses user or password (401); they come from MLFLOW_TRACKING_USERNAME "
            "and MLFLOW_TRACKING_PASSWORD, or from MLFLOW_TRACKING_TOKEN"
        )
    if status == FORBIDDEN and "Host" in words:
        host = urlsplit(address).netloc
        return StoreError(
            f"{address}: refuses to be called by this name (403): start the server with "
            f"mlflow server --allowed-hosts {host}"
        )
    if status == FORBIDDEN:
        return StoreError(f"{address}: forbids this user to do so (403): {words}")
    if _cause(error) is not None:
        return ServerUnavailableError(f"{address}: cannot be reached ({words})")
    if status is not None and status >= 500:
        return ServerUnavailableError(f"{address}: has a fault of its own ({status}: {words})")
    return StoreError(f"{address}: is not a usable MLflow server ({words})")


def _version(address: str) -> str:
    credentials = get_default_host_creds(address)  # type: ignore[no-untyped-call]
    answer = http_request(credentials, "/version", "GET")  # type: ignore[no-untyped-call]
    return str(answer.text).strip()


def _cause(error: Exception) -> BaseException | None:
    """Return the network error behind a failed request; None if the server has answered."""
    if isinstance(error, RequestException):
        found: BaseException | None = error
    else:
        found = error.__cause__ or error.__context__
    is_answer = getattr(found, "response", None) is not None
    return found if isinstance(found, RequestException) and not is_answer else None


def _status(error: Exception) -> int | None:
    """The HTTP status of an answer; 503 where there was none."""
    if _cause(error) is not None:
        return 503
    if isinstance(error, RequestException):
        return int(error.response.status_code) if error.response is not None else 503
    # MLflow's own codes lose the status of a proxy's answer.
    if isinstance(error, MlflowException) and not isinstance(error, RestException):
        named = re.search(r"failed with error code (\d{3}) != ", str(error))
        return int(named[1]) if named else None
    if isinstance(error, RestException):
        return int(error.get_http_status_code())  # type: ignore[no-untyped-call]
    return None


def _words(error: Exception) -> str:
    """Return the innermost words about a failed request, without the addresses around them."""
    found = str(_cause(error) or error)
    innermost = re.search(r"\[Errno -?\d+\] [A-Za-z ]+|timed out|Response body: '([^']*)'", found)
    text = (innermost[1] or innermost[0]) if innermost else found
    return text.splitlines()[0][:200] if text else type(error).__name__
