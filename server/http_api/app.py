"""The HTTP API as one ASGI application: the table of its routes, and who answers when something goes wrong.

It runs under any ASGI server on trio, here under `server/gateway/asgi.py`. What a call means stands in its file.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import ASGIApp

from server.http_api.account_calls import AccountCalls
from server.http_api.environment import HttpEnvironment
from server.http_api.errors import on_crash, on_disconnect, on_http_exception, on_refusal
from server.http_api.health_calls import HealthCalls
from server.http_api.page import page_routes
from server.http_api.room_calls import RoomCalls
from server.http_api.security import SecurityHeaders
from server.protocol.errors import Refusal


def make_app(environment: HttpEnvironment) -> ASGIApp:
    """The application of docs/protocol.md, section HTTP."""
    accounts, rooms, health = AccountCalls(environment), RoomCalls(environment), HealthCalls(environment)
    app = Starlette(
        routes=[
            Route("/v1/register", accounts.register, methods=["POST"]),
            Route("/v1/login", accounts.login, methods=["POST"]),
            Route("/v1/logout", accounts.logout, methods=["POST"]),
            Route("/v1/rooms", rooms.list_rooms),
            Route("/v1/rooms/{room}/messages", rooms.messages, methods=["GET", "POST"]),
            Route("/healthz", health.healthz),
            Route("/readyz", health.readyz),
            *page_routes(),
        ],
        exception_handlers={
            Refusal: on_refusal,
            HTTPException: on_http_exception,
            ClientDisconnect: on_disconnect,
            Exception: on_crash,
        },
    )
    app.router.redirect_slashes = False  # it would redirect to whatever host the request claims
    return SecurityHeaders(app)
