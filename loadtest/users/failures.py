"""Why a websocket, or something that was asked of it, failed: one name for each reason.

Locust counts failures by the `repr` of their exception. So what is in an exception's arguments here is a close code, an
HTTP status, the name of an errno or of a step: never an address, a time or a server's text, which would make every
failure a kind of its own. Such details are attributes.

All of them end locust's task quietly, and the user goes on with another one: whatever has failed was reported as a
request, and a traceback for each of ten thousand cut connections helps nobody. What has no name here is a fault of the
test, and locust shows its traceback.
"""

from __future__ import annotations

import errno
import socket
import ssl

from locust.exception import RescheduleTask


class WebSocketFailure(RescheduleTask):
    """Any of them."""


class ConnectFailed(WebSocketFailure):
    """No connection: `ConnectFailed('ECONNREFUSED')`, for TLS the reason in OpenSSL's words."""


class UpgradeRefused(WebSocketFailure):
    """The server answered the upgrade with another status than 101: `UpgradeRefused(503)`.

    Parameters
    ----------
    retry_after
        Seconds, where the server named a time.
    body
        The beginning of the answer's body.
    """

    def __init__(self, status: int, retry_after: float | None = None, body: bytes = b"") -> None:
        super().__init__(status)
        self.status = status
        self.retry_after = retry_after
        self.body = body


class Closed(WebSocketFailure):
    """The websocket has ended: `Closed(4002)`; 1006 where the connection ended without a close frame.

    Parameters
    ----------
    by_us
        Whether this side began it.
    """

    def __init__(self, code: int, reason: str = "", *, by_us: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason
        self.by_us = by_us


class ConnectionLost(WebSocketFailure):
    """The connection broke: `ConnectionLost('ECONNRESET')`."""


class TimedOut(WebSocketFailure):
    """Not in the time given: `TimedOut('connect')`, `('send')`, `('receive')`, `('expect')`."""


class InboxFull(WebSocketFailure):
    """Messages came faster than they were taken, and the oldest were dropped."""


def name_of(error: OSError) -> str:
    """A name of an error of the network that is the same for each of its kind."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return error.reason or "TLS"
    if isinstance(error, socket.gaierror):
        return _RESOLVING.get(error.errno or 0, "EAI")
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


_RESOLVING = {value: name for name, value in vars(socket).items() if name.startswith("EAI_")}
