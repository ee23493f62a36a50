"""TLS between the machines of a cluster: from files of certificates to Dask's security settings."""

from pathlib import Path

import dask
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


def _of_dask(name: str) -> str | None:
    found: str | None = dask.config.get(f"distributed.comm.tls.{name}", None)
    return found
