"""Opening a stream to a server: TCP, and TLS where the URL says so. Time-outs are OSErrors like every failure."""

from __future__ import annotations

import ssl
from typing import Final

import trio

from clients.endpoint import Endpoint

DIAL_WITHIN: Final = 10.0  # seconds, TLS included


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


async def _connect(endpoint: Endpoint) -> trio.SocketStream:
    try:
        return await trio.open_tcp_stream(endpoint.host, endpoint.port)
    except OSError as error:
        raise ConnectionError(_reason(error)) from error


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
        raise ConnectionError(f"TLS: {error.__cause__ or 'the server hung up'}") from error
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return secured
