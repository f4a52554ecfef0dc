"""How the HTTP API says no: one shape of body for everything, and one table from error codes to statuses.

`{"error": {"code", "message"}}`, with `retry_after` (ms) in the body and `Retry-After` (s) in the head where
trying again makes sense. Also for what the router refuses (404, 405) and for a crash of our own (500), which says
nothing about its cause: that is in the log.
"""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.fields import Milliseconds

STATUS: Final[dict[ErrorCode, HTTPStatus]] = {
    ErrorCode.BAD_REQUEST: HTTPStatus.BAD_REQUEST,
    ErrorCode.UNKNOWN_OP: HTTPStatus.BAD_REQUEST,
    ErrorCode.NOT_READY: HTTPStatus.CONFLICT,
    ErrorCode.NO_SUCH_ROOM: HTTPStatus.NOT_FOUND,
    ErrorCode.NO_SUCH_USER: HTTPStatus.NOT_FOUND,
    ErrorCode.NO_SUCH_MESSAGE: HTTPStatus.NOT_FOUND,
    ErrorCode.NO_SUCH_INVITE: HTTPStatus.NOT_FOUND,
    ErrorCode.NOT_A_MEMBER: HTTPStatus.FORBIDDEN,
    ErrorCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorCode.TOO_LONG: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.LIMIT_REACHED: HTTPStatus.CONFLICT,
    ErrorCode.CONFLICT: HTTPStatus.CONFLICT,
    ErrorCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.NAME_TAKEN: HTTPStatus.CONFLICT,
    ErrorCode.BAD_CREDENTIALS: HTTPStatus.UNAUTHORIZED,
    ErrorCode.BAD_TOKEN: HTTPStatus.UNAUTHORIZED,
    ErrorCode.REGISTRATION_CLOSED: HTTPStatus.FORBIDDEN,
    ErrorCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    ErrorCode.INTERNAL_ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class Problem(Struct, frozen=True, omit_defaults=True):
    """Programs act on `code`, people read `message`."""

    code: str
    message: str
    retry_after: Annotated[Milliseconds | None, Meta(description="Milliseconds until a retry makes sense.")] = None


class Failure(Struct, frozen=True):
    """The body of every call that failed."""

    error: Problem


def refused(refusal: Refusal) -> Response:
    """The response to a refused call."""
    status = STATUS[refusal.code]
    headers = {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(refusal.retry_after / 1000))
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"  # RFC 9110, section 11.6.1
    return _response(status, Problem(refusal.code, refusal.message, refusal.retry_after), headers)


async def on_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refused(error)


async def on_http_exception(_request: Request, error: Exception) -> Response:
    """What the router and the static files refuse."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = ErrorCode.NOT_FOUND if status is HTTPStatus.NOT_FOUND else status.phrase.lower().replace(" ", "_")
    return _response(status, Problem(code, status.description or status.phrase), dict(error.headers or {}))


async def on_disconnect(_request: Request, _error: Exception) -> Response:
    """The client left in the middle of its request: nobody reads this."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def on_crash(_request: Request, _error: Exception) -> Response:
    """The exception is raised again behind this response, for the server to log."""
    problem = Problem(ErrorCode.INTERNAL_ERROR, "this is our fault, and was logged")
    return _response(HTTPStatus.INTERNAL_SERVER_ERROR, problem, {})


def _response(status: HTTPStatus, problem: Problem, headers: dict[str, str]) -> Response:
    return Response(msgspec.json.encode(Failure(problem)), status, headers, "application/json")
