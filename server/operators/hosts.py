"""Only who means this machine is answered, where only this machine can ask.

A browser here runs pages from anywhere, and such a page can have its own name lead to 127.0.0.1 (DNS rebinding); the
`Host` it then sends is that name. Programs that mean a listener on the loopback address name it so.
"""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


def is_loopback(host: str) -> bool:
    """Whether this is a name or an address of this machine for itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def without_port(host: str) -> str:
    """The host of a `Host` field (RFC 9110, 7.2)."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


class OnlyLoopbackHosts:
    """ASGI middleware: any other `Host` is answered 421."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "localhost")
        if is_loopback(without_port(host)):
            await self._app(scope, receive, send)
        else:
            answer = PlainTextResponse("not a name of this machine for itself\n", HTTPStatus.MISDIRECTED_REQUEST)
            await answer(scope, receive, send)
