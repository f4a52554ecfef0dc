"""What operators can ask, by HTTP: health, metrics, the tree, who has most, and what one actor is told.

The rules: nothing changes by asking, so everything is a GET; and nothing that people said, nor any token, is in an
answer.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from server.http_api.bodies import json_response, read_query
from server.http_api.errors import refused
from server.http_api.health_calls import Health
from server.metrics.exposition import OPEN_METRICS, TEXT, exposition
from server.operators.oneself import By, Most, Ranked, Tracing, nowhere
from server.operators.tracing import TraceResponse
from server.operators.whole import Whole
from server.protocol.errors import Refusal


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A call without parameters."""


class TreeQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`most` children of each dynamic supervisor are shown."""

    most: Most = 10


class TopQuery(Struct, frozen=True, forbid_unknown_fields=True):
    by: By = "time"
    n: Annotated[int, Meta(ge=1, le=1_000)] = 10


class Top(Struct, frozen=True):
    by: str
    actors: list[Ranked]


class OperatorCalls:
    def __init__(self, whole: Whole) -> None:
        self._whole = whole

    async def livez(self, request: Request) -> Response:
        """Whether there is anybody."""
        return json_response(Health("alive"))

    async def readyz(self, request: Request) -> Response:
        """Whether traffic is wanted; where not, why."""
        try:
            await self._whole.check()
        except Refusal as refusal:
            return refused(refusal)
        return json_response(Health("ready"))

    async def metrics(self, request: Request) -> Response:
        """All metrics, in the format that the reader prefers."""
        read_query(request, NoQuery)
        wants_open = OPEN_METRICS.partition(";")[0] in request.headers.get("accept", "")
        media_type = OPEN_METRICS if wants_open else TEXT
        text = exposition(await self._whole.families(), media_type)
        return Response(text, headers={"content-type": media_type})

    async def tree(self, request: Request) -> Response:
        """The supervision tree, a line a child."""
        query = read_query(request, TreeQuery)
        return PlainTextResponse(await self._whole.tree(query.most))

    async def top(self, request: Request) -> Response:
        """Who has most. Goes through all actors in one go (0.1 us for each), but by time."""
        query = read_query(request, TopQuery)
        return json_response(Top(query.by, await self._whole.top(query.by, query.n)))

    async def trace(self, request: Request) -> Response:
        """What one actor is told, as it is told it: redacted, a JSON object a line."""
        tracing = read_query(request, Tracing)
        if request.method == "HEAD":
            if not await self._whole.has(tracing.path):
                raise nowhere()
            return Response(status_code=HTTPStatus.OK, media_type=TraceResponse.media_type)
        return await self._whole.trace(tracing)
