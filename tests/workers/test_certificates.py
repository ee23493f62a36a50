"""Certificates that are made for a session."""

import ssl
from datetime import UTC, datetime

import pytest
from cryptography import x509

from mnist_seq.workers.certificates import ROLES, temporary_security


@pytest.mark.parametrize("role", ROLES)
def test_each_side_asks_the_other_for_a_certificate(role: str) -> None:
    context = temporary_security().get_connection_args(role)["ssl_context"]
    assert context.verify_mode == ssl.CERT_REQUIRED


def test_one_is_valid_whatever_the_clock_says() -> None:
    found = x509.load_pem_x509_certificate(temporary_security().tls_ca_file.encode())
    assert found.not_valid_before_utc == datetime(1970, 1, 1, tzinfo=UTC)
    assert found.not_valid_after_utc > datetime(9999, 1, 1, tzinfo=UTC)


def test_each_session_has_its_own() -> None:
    assert temporary_security().tls_ca_file != temporary_security().tls_ca_file
