"""`/healthz`: the process lives. `/readyz`: it wants traffic, and its database answers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from actors import Tell
from server.accounts.asking import answer_to
from server.contracts.call import Call
from server.http_api.bodies import json_response
from server.http_api.environment import Readiness
from server.http_api.errors import refused
from server.protocol.errors import ErrorCode, Refusal, unavailable
from server.store.messages import Ready

_READY_SECONDS = 2.0  # a balancer that asks every few seconds must not pile up questions


class Health(Struct, frozen=True):
    """How the process is."""

    status: Annotated[str, Meta(description="For people; programs look at the call's own status.")]


class HealthCalls:
    """What balancers and orchestrators ask."""

    def __init__(self, reader: Tell, readiness: Readiness) -> None:
        self._reader = reader
        self._readiness = readiness

    async def healthz(self, _request: Request) -> Response:
        """Whether the process lives."""
        return json_response(Health("alive"))

    async def readyz(self, _request: Request) -> Response:
        """Whether it wants traffic: not while it starts or stops, nor while its database does not answer, nor, where it
        is one of several, while it does not reach the others."""
        try:
            await self.check()
        except Refusal as refusal:
            return refused(refusal)
        return json_response(Health("ready"), HTTPStatus.OK)

    async def check(self) -> None:
        """Raises `Refusal` if it does not want traffic."""
        if not self._readiness.ready:
            raise unavailable()
        trouble = self._readiness.trouble()
        if trouble:
            raise Refusal(ErrorCode.UNAVAILABLE, trouble)
        await answer_to(self._reader, lambda to: Ready(reply_to=to), bool, _READY_SECONDS)


HEALTH_CALLS: Final[tuple[Call[HealthCalls], ...]] = (
    Call(
        method="GET",
        path="/healthz",
        handler=HealthCalls.healthz,
        tag="health",
        answers={HTTPStatus.OK: Health},
    ),
    Call(
        method="GET",
        path="/readyz",
        handler=HealthCalls.readyz,
        tag="health",
        answers={HTTPStatus.OK: Health},
        refuses=(ErrorCode.UNAVAILABLE,),
    ),
)
