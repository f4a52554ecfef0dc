"""What one process says of itself to operators; the admin listener of a server that is one process asks nobody else.

The rule: nothing changes by asking, and nothing that people said, nor any token, is in an answer. That is why the state
of an actor (`actors.get_state`) is not among them: it holds both.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.responses import Response

from actors import Address, AlreadyTraced, Lifeless
from server.http_api.health_calls import HealthCalls
from server.metrics.exposition import Family
from server.operators.environment import OperatorEnvironment
from server.operators.families import families
from server.operators.tracing import TraceResponse
from server.protocol.errors import ErrorCode, Refusal

Most = Annotated[int, Meta(ge=0, le=1_000)]
By = Literal["time", "mailbox", "messages"]


class Tracing(Struct, frozen=True, forbid_unknown_fields=True):
    """Which actor is to be traced, and for how long at the most."""

    path: str
    seconds: Annotated[float, Meta(gt=0, le=300)] = 10.0
    most: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    worker: int | None = None
    """Whose actor it is, where several workers have one of this path."""


class Ranked(Struct, frozen=True, omit_defaults=True):
    """An actor and how much it has: seconds of CPU, or messages."""

    path: str
    actor: str
    state: str
    amount: float
    worker: int | None = None
    """Where it lives, if there are several."""


class Oneself:
    """This process."""

    def __init__(self, environment: OperatorEnvironment) -> None:
        self._environment = environment
        self._system = environment.system
        self._health = HealthCalls(environment.inboxes["reader"], environment.readiness)

    async def check(self) -> None:
        """Raises `Refusal` while this process wants no traffic."""
        await self._health.check()

    async def families(self) -> list[Family]:
        """All metrics."""
        return await families(self._environment)

    async def tree(self, most: int) -> str:
        """The supervision tree, a line a child, with at most so many children of each dynamic supervisor."""
        return self._system.tree_text(most) + "\n"

    async def top(self, by: By, most: int) -> list[Ranked]:
        """Who has most."""
        ranked = []
        for address, amount in self._system.top(most, by):
            now = address.statistics()
            ranked.append(Ranked(now.path, now.actor, now.state, amount))
        return ranked

    async def has(self, path: str) -> bool:
        """Whether an actor of this path lives here."""
        return self._system.find(path) is not None

    async def trace(self, tracing: Tracing) -> Response:
        """What one actor is told, as it is told it: redacted, a JSON object a line. Raises `Refusal`."""
        return trace_of(self._system.find(tracing.path), tracing)


def trace_of(address: Address | None, tracing: Tracing) -> TraceResponse:
    """A trace that begins here. Raises `Refusal`."""
    if address is None:
        raise nowhere()
    try:
        return TraceResponse(address, tracing.seconds, tracing.most)
    except AlreadyTraced:
        raise Refusal(ErrorCode.CONFLICT, "somebody else traces this actor already") from None
    except Lifeless:
        raise Refusal(ErrorCode.NOT_FOUND, "this actor has stopped") from None


def nowhere() -> Refusal:
    """What the wrong path is answered."""
    return Refusal(ErrorCode.NOT_FOUND, "there is no actor at this path: see /tree and /top")
