"""The admin listener's application: a server of its own behind the same HTTP adapter, never on the public port."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp

from server.http_api.errors import on_crash, on_disconnect, on_http_exception, on_refusal
from server.http_api.security import SecurityHeaders
from server.operators.calls import OperatorCalls
from server.operators.hosts import OnlyLoopbackHosts
from server.operators.whole import Whole
from server.protocol.errors import Refusal


def make_operators_app(whole: Whole, *, loopback: bool) -> ASGIApp:
    """See docs/operations.md, "The admin listener".

    Parameters
    ----------
    whole
        What it tells of.
    loopback
        Whether it is reached by a loopback address only.
    """
    calls = OperatorCalls(whole)
    endpoints = {
        "/livez": calls.livez,
        "/readyz": calls.readyz,
        "/metrics": calls.metrics,
        "/tree": calls.tree,
        "/top": calls.top,
        "/trace": calls.trace,
    }
    app = Starlette(
        routes=[Route(path, endpoint, methods=["GET"]) for path, endpoint in endpoints.items()],
        exception_handlers={
            Refusal: on_refusal,
            HTTPException: on_http_exception,
            ClientDisconnect: on_disconnect,
            Exception: on_crash,
        },
    )
    app.router.redirect_slashes = False
    guarded = SecurityHeaders(app)
    return OnlyLoopbackHosts(guarded) if loopback else guarded
