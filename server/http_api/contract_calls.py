"""`/v1/openapi.json` and `/v1/asyncapi.json`: what this server speaks, for the authors and generators of clients.

Built at the first question, since most processes are never asked. They change only with the code, so whoever has one
asks with its ETag and is told 304.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.contracts.asyncapi import MEDIA_TYPE, asyncapi
from server.contracts.call import Call
from server.contracts.openapi import Conventions, openapi
from server.http_api.errors import STATUS, Failure
from server.http_api.examples import EXAMPLES

Document = dict[str, Any]

CONVENTIONS: Final = Conventions(failure=Failure, statuses=STATUS, examples=EXAMPLES)


class Contract:
    """One document, as it is sent."""

    def __init__(self, build: Callable[[], Document], media_type: str) -> None:
        self._build = build
        self._media_type = media_type

    @cached_property
    def _body(self) -> bytes:
        return msgspec.json.encode(self._build())

    @cached_property
    def _tag(self) -> str:
        return f'"{hashlib.sha256(self._body).hexdigest()[:32]}"'

    def response(self, request: Request) -> Response:
        """The document, or 304 for who has it already."""
        headers = {"ETag": self._tag, "Cache-Control": "no-cache"}
        if self._is_known(request.headers.get("if-none-match", "")):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(self._body, headers=headers, media_type=self._media_type)

    def _is_known(self, condition: str) -> bool:
        """By weak comparison, which is the one for this header (RFC 9110, section 13.1.2)."""
        tags = {tag.strip().removeprefix("W/") for tag in condition.split(",")}
        return bool(tags & {"*", self._tag})


class ContractCalls:
    """The calls that describe all calls.

    Parameters
    ----------
    calls
        All of them, these included.
    """

    def __init__(self, calls: Iterable[Call[Any]]) -> None:
        self._openapi = Contract(lambda: openapi(calls, CONVENTIONS), "application/json")
        self._asyncapi = Contract(asyncapi, MEDIA_TYPE)

    async def openapi(self, request: Request) -> Response:
        """This document: the HTTP API, as OpenAPI 3.1."""
        return self._openapi.response(request)

    async def asyncapi(self, request: Request) -> Response:
        """The websocket, as AsyncAPI 3.0."""
        return self._asyncapi.response(request)


CONTRACT_CALLS: Final[tuple[Call[ContractCalls], ...]] = (
    Call(
        method="GET",
        path="/v1/openapi.json",
        handler=ContractCalls.openapi,
        tag="contract",
        answers={HTTPStatus.OK: dict, HTTPStatus.NOT_MODIFIED: None},
    ),
    Call(
        method="GET",
        path="/v1/asyncapi.json",
        handler=ContractCalls.asyncapi,
        tag="contract",
        answers={HTTPStatus.OK: dict, HTTPStatus.NOT_MODIFIED: None},
        media_type=MEDIA_TYPE,
    ),
)
