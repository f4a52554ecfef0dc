"""`POST /v1/register`, `/v1/login`, `/v1/logout`: the wire around the accounts service."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from server.accounts.service import SignedIn
from server.contracts.call import Call
from server.http_api.authentication import bearer_token, client_address
from server.http_api.bodies import json_response, read_body
from server.http_api.environment import HttpEnvironment
from server.protocol.errors import ErrorCode
from server.protocol.fields import Password, ShownName, UserName

Device = Annotated[ShownName, Meta(description="What the token is used on, for its owner to recognise.")]


class Register(Struct, frozen=True):
    """A new account."""

    name: UserName
    password: Password
    display_name: ShownName | None = None
    device: Device | None = None


class Login(Struct, frozen=True):
    """An account that exists, and one more device."""

    name: UserName
    password: Password
    device: Device | None = None


class AccountCalls:
    """The calls that make, and end, a token."""

    def __init__(self, environment: HttpEnvironment) -> None:
        self._accounts = environment.accounts
        self._body_bytes = environment.body_bytes

    async def register(self, request: Request) -> Response:
        """Makes an account and signs it in.

        The token in the answer is shown this once; the server keeps only a hash of it.
        """
        asked = await read_body(request, Register, self._body_bytes)
        signed_in = await self._accounts.register(asked.name, asked.password, asked.display_name, asked.device)
        return json_response(signed_in, HTTPStatus.CREATED)

    async def login(self, request: Request) -> Response:
        """A token for one more device.

        A wrong name and a wrong password are one answer. Tries are counted by name and address together, so that nobody
        can lock another out.
        """
        asked = await read_body(request, Login, self._body_bytes)
        address = client_address(request)
        return json_response(await self._accounts.login(asked.name, asked.password, asked.device, address))

    async def logout(self, request: Request) -> Response:
        """Ends the token this call is made with.

        Its websockets close with 4500. Other devices stay signed in.
        """
        await self._accounts.logout(bearer_token(request))
        return Response(status_code=HTTPStatus.NO_CONTENT)


ACCOUNT_CALLS: Final[tuple[Call[AccountCalls], ...]] = (
    Call(
        method="POST",
        path="/v1/register",
        handler=AccountCalls.register,
        tag="accounts",
        body=Register,
        answers={HTTPStatus.CREATED: SignedIn},
        refuses=(ErrorCode.REGISTRATION_CLOSED, ErrorCode.NAME_TAKEN),
    ),
    Call(
        method="POST",
        path="/v1/login",
        handler=AccountCalls.login,
        tag="accounts",
        body=Login,
        answers={HTTPStatus.OK: SignedIn},
        refuses=(ErrorCode.BAD_CREDENTIALS, ErrorCode.FORBIDDEN, ErrorCode.RATE_LIMITED),
    ),
    Call(
        method="POST",
        path="/v1/logout",
        handler=AccountCalls.logout,
        tag="accounts",
        needs_token=True,
        answers={HTTPStatus.NO_CONTENT: None},
    ),
)
