"""`/healthz`: the process lives. `/readyz`: it wants traffic, and its database answers."""

from __future__ import annotations

from http import HTTPStatus

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from server.accounts.asking import answer_to
from server.http_api.bodies import json_response
from server.http_api.environment import HttpEnvironment
from server.http_api.errors import refused
from server.protocol.errors import Refusal, unavailable
from server.store.messages import Ready

_READY_SECONDS = 2.0  # a balancer that asks every few seconds must not pile up questions


class Health(Struct, frozen=True):
    status: str


class HealthCalls:
    """What balancers and orchestrators ask."""

    def __init__(self, environment: HttpEnvironment) -> None:
        self._reader = environment.reader
        self._readiness = environment.readiness

    async def healthz(self, _request: Request) -> Response:
        return json_response(Health("alive"))

    async def readyz(self, _request: Request) -> Response:
        if not self._readiness.ready:
            return refused(unavailable())
        try:
            await answer_to(self._reader, lambda to: Ready(reply_to=to), bool, _READY_SECONDS)
        except Refusal as refusal:
            return refused(refusal)
        return json_response(Health("ready"), HTTPStatus.OK)
