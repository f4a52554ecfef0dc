"""Requests and responses as typed values: JSON in, JSON out.

A body is read up to its limit and no further, whatever length the client announces. Fields nobody defined are
ignored, as on the websocket. The Content-Type is not looked at: without cookies there is nothing to forge, and
`curl -d` should just work.
"""

from __future__ import annotations

from contextlib import aclosing
from http import HTTPStatus
from typing import TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from server.protocol.errors import ErrorCode, Refusal

T = TypeVar("T", bound=Struct)


async def read_body(request: Request, kind: type[T], limit: int) -> T:
    """The request's JSON as a `kind`.

    Parameters
    ----------
    limit
        Bytes.

    Raises
    ------
    Refusal
        `too_long`, or `bad_request` with what is wrong.
    """
    try:
        return msgspec.json.decode(await _bytes(request, limit), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(ErrorCode.BAD_REQUEST, f"the body is not what it should be: {error}") from None


def read_query(request: Request, kind: type[T]) -> T:
    """The request's query string as a `kind`. Raises `Refusal`."""
    try:
        return msgspec.convert(dict(request.query_params), kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refusal(ErrorCode.BAD_REQUEST, f"the query is not what it should be: {error}") from None


def json_response(value: Struct, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


async def _bytes(request: Request, limit: int) -> bytearray:
    body = bytearray()
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > limit:
                raise Refusal(ErrorCode.TOO_LONG, f"a request's body is limited to {limit} bytes")
    return body
