"""Whose call this is: `Authorization: Bearer <token>`, and nothing else.

No cookies, so no request forgery; never a token in a URL, where logs and histories would keep it.
"""

from __future__ import annotations

import trio
from starlette.requests import Request

from server.http_api.environment import HttpEnvironment
from server.pacing import rate_limited
from server.protocol.errors import ErrorCode, Refusal
from server.store.user_messages import Identity


def bearer_token(request: Request) -> str:
    """The token of the call. Raises `Refusal` (401) where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refusal(ErrorCode.BAD_TOKEN, "this call needs `Authorization: Bearer <token>`")
    return token.strip()


async def caller(request: Request, environment: HttpEnvironment) -> Identity:
    """Who that is, and on which device, if it is not too soon for another call. Raises `Refusal`."""
    identity = await environment.accounts.identify(bearer_token(request))
    size = int(request.headers.get("content-length", 0))
    wait = environment.pace.charge(identity.user.user, size, trio.current_time())
    if wait:
        raise rate_limited(wait)
    return identity


def client_address(request: Request) -> str:
    """Where the call comes from, as the gateway says (`server/gateway/peer.py`); no header is looked at here."""
    return request.client.host if request.client else ""
