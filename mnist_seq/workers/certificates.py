"""Certificates of TLS connections: from the user's files, or made for one session."""

from datetime import datetime
from pathlib import Path

import dask
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from distributed import Security

from mnist_seq.config.settings import Certificates
from mnist_seq.errors import InputError

ROLES = ("client", "scheduler", "worker")


def security(config: Certificates, role: str, prefix: str = "", *, is_tls: bool) -> Security:
    """Return Dask's security settings.

    Without files in the config they are what Dask's own settings say.

    Parameters
    ----------
    role : str
        What this process is: client, scheduler or worker.
    prefix : str
        What stands before the names of the settings, as in ``workers.``.
    is_tls : bool
        Whether a connection must be encrypted.

    Raises
    ------
    InputError
        If a file is not there or is no certificate, if there are none for ``tls://``, or if there
        are some for ``tcp://``.
    """
    own = config.ca_file is not None
    names = ("ca_file", "cert_file", "key_file")
    for name in names:
        file = getattr(config, name)
        if file is not None and not Path(file).is_file():
            raise InputError(f"{prefix}{name}: {file}: no such file")
    if own and not is_tls:
        raise InputError(f"{prefix}ca_file: is for tls://, and the address is tcp://")
    files = {"tls_ca_file": config.ca_file}
    for each in ROLES:
        files |= {f"tls_{each}_cert": config.cert_file, f"tls_{each}_key": config.key_file}
    found = Security(**files, require_encryption=True) if own else Security()
    if is_tls:
        try:
            context = found.get_connection_args(role)["ssl_context"]
        except OSError as error:  # of one that is missing or no certificate, without its name
            of_dask = ", ".join(filter(None, map(_of_dask, ("ca-file", f"{role}.cert"))))
            where = (
                f"{prefix}ca_file, cert_file, key_file" if own else f"Dask's settings ({of_dask})"
            )
            reason = getattr(error, "reason", None) or error.strerror
            raise InputError(f"{where}: these certificates cannot be used: {reason}") from None
        if context is None:
            needed = " and ".join(f"{prefix}{name}" for name in names[:2])
            raise InputError(f"tls:// needs {needed}")
    return found


def temporary_security() -> Security:
    """Return Dask's security settings with a new self-signed certificate, kept in memory.

    Unlike that of Dask's ``Security.temporary``, it stays valid when the clock is set back.

    References
    ----------
    RFC 5280, section 4.1.2.5: the year 9999 stands for no end.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mnist-seq")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("mnist-seq")]), critical=False)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(1970, 1, 1))
        .not_valid_after(datetime(9999, 12, 31, 23, 59, 59))
        .sign(key, hashes.SHA256())
    )
    its_key = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    itself = certificate.public_bytes(serialization.Encoding.PEM).decode()
    files = {"tls_ca_file": itself}
    for each in ROLES:
        files |= {f"tls_{each}_cert": itself, f"tls_{each}_key": its_key}
    return Security(**files, require_encryption=True)


def _of_dask(name: str) -> str | None:
    found: str | None = dask.config.get(f"distributed.comm.tls.{name}", None)
    return found
