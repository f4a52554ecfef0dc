"""Whose call this is: `Authorization: Bearer <token>`, and nothing else.

No cookies, so no request forgery; never a token in a URL, where logs and histories would keep it.
"""

from __future__ import annotations

from starlette.requests import Request

from server.protocol.errors import ErrorCode, Refusal


def bearer_token(request: Request) -> str:
    """The token of the call. Raises `Refusal` (401) where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refusal(ErrorCode.BAD_TOKEN, "this call needs `Authorization: Bearer <token>`")
    return token.strip()


def client_address(request: Request) -> str:
    """Where the call comes from, as the gateway says (`server/gateway/peer.py`); no header is looked at here."""
    return request.client.host if request.client else ""
