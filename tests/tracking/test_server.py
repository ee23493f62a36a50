"""What an MLflow server's answers mean for a write: waited for, or a mistake."""

import os
from errno import ECONNREFUSED

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from mnist_seq.tracking.server import is_transient, refusal
from tests.servers import HOST, answering, free_port

MISSING = '{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such run"}'
FAULT = '{"error_code": "INTERNAL_ERROR", "message": "the database is away"}'


def failed(address: str) -> MlflowException:
    """What a request to a server raises."""
    with pytest.raises(MlflowException) as caught:
        MlflowClient(tracking_uri=address).search_experiments()
    return caught.value


@pytest.mark.parametrize(
    ("status", "answer", "is_waited_for"),
    [
        (500, FAULT, True),
        (502, "a proxy", True),
        (503, "busy", True),
        (429, "slower", True),
        (401, "who are you", True),  # a token that has run out: the same command goes on
        (403, "not you", True),
        (404, MISSING, False),
        (400, "no", False),
    ],
)
def test_a_write_waits_where_the_server_or_its_gate_may_take_it_later(
    status: int, answer: str, is_waited_for: bool
) -> None:
    with answering(status, answer, version="3.17.2") as address:
        assert is_transient(failed(address)) is is_waited_for


def test_a_server_that_is_not_there_is_waited_for_and_named_in_one_line() -> None:
    address = f"http://{HOST}:{free_port()}"
    error = failed(address)
    assert is_transient(error)
    assert str(refusal(address, error)) == (
        f"{address}: cannot be reached ([Errno {ECONNREFUSED}] {os.strerror(ECONNREFUSED)})"
    )
