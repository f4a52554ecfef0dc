"""What operators can ask, by HTTP: health, metrics, the tree, who has most, and what one actor is told.

The rules: nothing changes by asking, so everything is a GET; and nothing that people said, nor any token, is in an
answer. That is why the state of an actor (`actors.get_state`) is not among them: it holds both.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from actors import AlreadyTraced, Lifeless
from server.http_api.bodies import json_response, read_query
from server.metrics.exposition import OPEN_METRICS, TEXT, exposition
from server.operators.environment import OperatorEnvironment
from server.operators.families import families
from server.operators.tracing import TraceResponse
from server.protocol.errors import ErrorCode, Refusal


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A call without parameters."""


class TreeQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`most` children of each dynamic supervisor are shown."""

    most: Annotated[int, Meta(ge=0, le=1_000)] = 10


class TopQuery(Struct, frozen=True, forbid_unknown_fields=True):
    by: Literal["time", "mailbox", "messages"] = "time"
    n: Annotated[int, Meta(ge=1, le=1_000)] = 10


class TraceQuery(Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    seconds: Annotated[float, Meta(gt=0, le=300)] = 10.0
    most: Annotated[int, Meta(ge=1, le=100_000)] = 1_000


class Ranked(Struct, frozen=True):
    """An actor and how much it has: seconds of CPU, or messages."""

    path: str
    actor: str
    state: str
    amount: float


class Top(Struct, frozen=True):
    by: str
    actors: list[Ranked]


class OperatorCalls:
    def __init__(self, environment: OperatorEnvironment) -> None:
        self._environment = environment
        self._system = environment.system

    async def metrics(self, request: Request) -> Response:
        """All metrics, in the format that the reader prefers."""
        read_query(request, NoQuery)
        wants_open = OPEN_METRICS.partition(";")[0] in request.headers.get("accept", "")
        media_type = OPEN_METRICS if wants_open else TEXT
        text = exposition(await families(self._environment), media_type)
        return Response(text, headers={"content-type": media_type})

    async def tree(self, request: Request) -> Response:
        """The supervision tree, a line a child."""
        query = read_query(request, TreeQuery)
        return PlainTextResponse(self._system.tree_text(query.most) + "\n")

    async def top(self, request: Request) -> Response:
        """Who has most. Goes through all actors in one go (0.1 us for each), but by time."""
        query = read_query(request, TopQuery)
        ranked = []
        for address, amount in self._system.top(query.n, query.by):
            now = address.statistics()
            ranked.append(Ranked(now.path, now.actor, now.state, amount))
        return json_response(Top(query.by, ranked))

    async def trace(self, request: Request) -> Response:
        """What one actor is told, as it is told it: redacted, a JSON object a line."""
        query = read_query(request, TraceQuery)
        address = self._system.find(query.path)
        if address is None:
            raise Refusal(ErrorCode.NOT_FOUND, "there is no actor at this path: see /tree and /top")
        if request.method == "HEAD":
            return Response(status_code=HTTPStatus.OK, media_type=TraceResponse.media_type)
        try:
            return TraceResponse(address, query.seconds, query.most)
        except AlreadyTraced:
            raise Refusal(ErrorCode.CONFLICT, "somebody else traces this actor already") from None
        except Lifeless:
            raise Refusal(ErrorCode.NOT_FOUND, "this actor has stopped") from None
