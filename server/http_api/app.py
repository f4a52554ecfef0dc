"""The HTTP API as one ASGI application: all of its calls, and who answers when something goes wrong.

It runs under any ASGI server on trio, here under `server/gateway/asgi.py`. What a call takes and answers is said once,
in the table at the end of its file: requests are routed by it, and `/v1/openapi.json` is made from it.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from server.contracts.call import Call
from server.http_api.account_calls import ACCOUNT_CALLS, AccountCalls
from server.http_api.contract_calls import CONTRACT_CALLS, ContractCalls
from server.http_api.environment import HttpEnvironment
from server.http_api.errors import on_crash, on_disconnect, on_http_exception, on_refusal
from server.http_api.health_calls import HEALTH_CALLS, HealthCalls
from server.http_api.own_calls import OWN_CALLS, OwnCalls
from server.http_api.page import page_routes
from server.http_api.room_calls import ROOM_CALLS, RoomCalls
from server.http_api.routing import routes_of
from server.http_api.security import SecurityHeaders
from server.protocol.errors import Refusal

CALLS: Final[tuple[Call[Any], ...]] = (*ACCOUNT_CALLS, *OWN_CALLS, *ROOM_CALLS, *HEALTH_CALLS, *CONTRACT_CALLS)


def make_app(environment: HttpEnvironment) -> ASGIApp:
    """The application of docs/protocol.md, section HTTP."""
    app = Starlette(
        routes=make_routes(environment),
        exception_handlers={
            Refusal: on_refusal,
            HTTPException: on_http_exception,
            ClientDisconnect: on_disconnect,
            Exception: on_crash,
        },
    )
    app.router.redirect_slashes = False  # it would redirect to whatever host the request claims
    return SecurityHeaders(app, environment.hsts_days)


def make_routes(environment: HttpEnvironment) -> list[BaseRoute]:
    """Where each request goes."""
    return [
        *routes_of(ACCOUNT_CALLS, AccountCalls(environment)),
        *routes_of(OWN_CALLS, OwnCalls(environment)),
        *routes_of(ROOM_CALLS, RoomCalls(environment)),
        *routes_of(HEALTH_CALLS, HealthCalls(environment.reader, environment.readiness)),
        *routes_of(CONTRACT_CALLS, ContractCalls(CALLS)),
        *page_routes(),
    ]
