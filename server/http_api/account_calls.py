"""`POST /v1/register`, `/v1/login`, `/v1/logout`: the wire around the accounts service."""

from __future__ import annotations

from http import HTTPStatus

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from server.http_api.authentication import bearer_token, client_address
from server.http_api.bodies import json_response, read_body
from server.http_api.environment import HttpEnvironment


class Register(Struct, frozen=True):
    name: str
    password: str
    display_name: str | None = None
    device: str | None = None


class Login(Struct, frozen=True):
    name: str
    password: str
    device: str | None = None


class AccountCalls:
    """The calls that make, and end, a token."""

    def __init__(self, environment: HttpEnvironment) -> None:
        self._accounts = environment.accounts
        self._body_bytes = environment.body_bytes

    async def register(self, request: Request) -> Response:
        asked = await read_body(request, Register, self._body_bytes)
        signed_in = await self._accounts.register(asked.name, asked.password, asked.display_name, asked.device)
        return json_response(signed_in, HTTPStatus.CREATED)

    async def login(self, request: Request) -> Response:
        asked = await read_body(request, Login, self._body_bytes)
        address = client_address(request)
        return json_response(await self._accounts.login(asked.name, asked.password, asked.device, address))

    async def logout(self, request: Request) -> Response:
        await self._accounts.logout(bearer_token(request))
        return Response(status_code=HTTPStatus.NO_CONTENT)
