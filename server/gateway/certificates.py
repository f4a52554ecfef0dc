"""The certificate a server shows, and its key: read at the start, and again when the operator says so.

Sockets keep the context they were accepted with, so that a new certificate disturbs nobody; and a new one that is no
good changes nothing. What is wrong is one line that names the setting.
"""

from __future__ import annotations

import ssl
from pathlib import Path


class CertificateTrouble(Exception):
    """No certificate to show; the message is one line for the operator."""


class Certificate:
    """What new connections are shown.

    Parameters
    ----------
    file
        A PEM file: the server's certificate, and behind it those that lead to one that clients trust.
    key
        A PEM file: the private key, without a passphrase; it may be the same file.

    Raises
    ------
    CertificateTrouble
    """

    __slots__ = ("context", "file", "key")

    def __init__(self, file: Path, key: Path) -> None:
        self.file = file
        self.key = key
        self.context = _context(file, key)

    def reload(self) -> None:
        """Read both files anew. Raises `CertificateTrouble`; then all stays as it was."""
        self.context = _context(self.file, self.key)


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    _check_certificate(certificate)
    _check_key(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # `tls.py` relies on it
    context.num_tickets = 1  # one to come back with; each costs time and 0.5 KB of memory
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except _Encrypted:
        raise CertificateTrouble(f"`tls_key`: {key} is locked with a passphrase that nobody is here to type") from None
    except ssl.SSLError as error:
        why = (error.reason or "unreadable").replace("_", " ").lower()
        raise CertificateTrouble(f"`tls_key`: {key} does not go with the certificate {certificate}: {why}") from None
    return context


def _check_certificate(file: Path) -> None:
    """What `load_cert_chain` says of a wrong file does not tell which of the two it means."""
    text = _read(file, "tls_cert")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise CertificateTrouble(f"`tls_cert`: {file} holds no certificate in PEM") from None


def _check_key(file: Path) -> None:
    if "PRIVATE KEY-----" not in _read(file, "tls_key"):
        raise CertificateTrouble(f"`tls_key`: {file} holds no private key in PEM")


def _read(file: Path, setting: str) -> str:
    try:
        return file.read_text("ascii", "ignore")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CertificateTrouble(f"`{setting}`: cannot read {file}: {why}") from None


class _Encrypted(Exception):
    pass


def _no_passphrase() -> str:
    """OpenSSL would ask at the terminal."""
    raise _Encrypted
