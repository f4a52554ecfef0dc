"""Opening a stream to a server: TCP, and TLS where the URL says so. Time-outs are OSErrors like every failure."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Final

import trio

from clients.endpoint import Endpoint

DIAL_WITHIN: Final = 10.0  # seconds, TLS included

_KEEPALIVE: Final = {"TCP_KEEPIDLE": 120, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 180_000}
"""A server may leave a quarter of an hour between two heartbeats. One whose machine is gone is found by our kernel, in
three minutes. Not every system has a name for all of these, and then has its own times: seconds, but for the last."""


async def dial(endpoint: Endpoint, tls: ssl.SSLContext | None = None, within: float = DIAL_WITHIN) -> trio.abc.Stream:
    """A connected stream.

    Parameters
    ----------
    tls
        What to trust; by default what the machine trusts. Only used for https.

    Raises
    ------
    OSError
        No address, refused, a certificate that does not fit, or no connection `within` seconds.
    """
    try:
        with trio.fail_after(within):
            stream = await _connect(endpoint)
            return await _secure(stream, endpoint, tls) if endpoint.tls else stream
    except trio.TooSlowError:
        raise TimeoutError(f"no connection within {within:g} s") from None


class BadAuthority(ValueError):
    """A file that should say whom to trust does not; the message says why."""


def trusting(authority: Path) -> ssl.SSLContext:
    """To trust the certificates of `authority`, a PEM file, and no others: such as one that somebody signed alone.

    Raises
    ------
    BadAuthority
    """
    try:
        return ssl.create_default_context(cafile=authority)
    except ssl.SSLError:
        raise BadAuthority(f"{authority} holds no certificate in PEM") from None
    except OSError as error:
        raise BadAuthority(f"cannot read {authority}: {error.strerror}") from None


async def _connect(endpoint: Endpoint) -> trio.SocketStream:
    try:
        stream = await trio.open_tcp_stream(endpoint.host, endpoint.port)
    except OSError as error:
        raise ConnectionError(_reason(error)) from error
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            stream.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return stream


def _reason(error: OSError) -> str:
    """What went wrong, in the system's words; trio hides them in a cause, or in several for several addresses."""
    cause: BaseException = error.__cause__ or error
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return (cause.strerror if isinstance(cause, OSError) else None) or str(cause)


async def _secure(
    stream: trio.SocketStream, endpoint: Endpoint, tls: ssl.SSLContext | None
) -> trio.SSLStream[trio.SocketStream]:
    context = tls or ssl.create_default_context()
    secured = trio.SSLStream(stream, context, server_hostname=endpoint.host, https_compatible=True)
    try:
        await secured.do_handshake()
    except trio.BrokenResourceError as error:
        await trio.aclose_forcefully(stream)
        raise ConnectionError(f"TLS: {_complaint(error.__cause__)}") from error
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return secured


def _complaint(cause: BaseException | None) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {cause.verify_message}"
    return str(cause or "the server hung up")
