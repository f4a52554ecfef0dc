"""What people do with their own accounts: `/v1/me`, `/v1/password`, `/v1/devices`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from msgspec import Meta, Raw, Struct
from starlette.requests import Request
from starlette.responses import Response

from server.contracts.call import Call
from server.http_api.authentication import caller, client_address
from server.http_api.bodies import json_response, read_body, read_query
from server.http_api.environment import HttpEnvironment
from server.http_api.streamed_zip import ZIP, StreamedZip
from server.protocol.errors import ErrorCode
from server.protocol.fields import Password, ShownName, Time
from server.protocol.objects import User
from server.protocol.times import rfc3339
from server.store.account_messages import DeviceRow

DeviceId = Annotated[str, Meta(description="A device that is signed in: opaque, and the `session` of its `welcome`.")]


class Profile(Struct, frozen=True):
    """How others see the caller."""

    display_name: Annotated[ShownName | None, Meta(description="null: none, the user name is shown.")]


class NewPassword(Struct, frozen=True):
    """Another password, and the present one."""

    password: Password
    new_password: Password
    keep_devices: Annotated[bool, Meta(description="Whether the other devices stay signed in.")] = False


class Farewell(Struct, frozen=True):
    """That one means it."""

    password: Password


class OfPerson(Struct, frozen=True):
    """Whom a call is about."""

    user: Annotated[str, Meta(description="A user's id, or name.")]


class Blocked(Struct, frozen=True):
    """People, by name."""

    blocked: tuple[User, ...]


class OfDevice(Struct, frozen=True):
    """Which device a call is about."""

    device: DeviceId


class SignOut(Struct, frozen=True):
    """Which devices stay signed in."""

    keep_this: Annotated[bool, Meta(description="Whether the one that the call is made with does.")] = False


class Device(Struct, frozen=True, omit_defaults=True):
    """Where somebody is signed in. `last_used` is coarse: it may lie back by two hours."""

    device: DeviceId
    created_at: Time
    last_used: Time
    current: Annotated[bool, Meta(description="Whether this call was made with it.")]
    name: Annotated[ShownName | None, Meta(description="As it was called at the login.")] = None


class Devices(Struct, frozen=True):
    """The 200 that were used last, the newest first."""

    devices: tuple[Device, ...]


class OwnCalls:
    """The calls about the caller's own account."""

    def __init__(self, environment: HttpEnvironment) -> None:
        self._environment = environment
        self._own = environment.own_accounts

    async def me(self, request: Request) -> Response:
        """Who the caller is."""
        return json_response((await caller(request, self._environment)).user)

    async def rename(self, request: Request) -> Response:
        """Gives the caller another display name, or none."""
        identity = await caller(request, self._environment)
        wanted = await read_body(request, Profile, self._environment.body_bytes)
        return json_response(await self._own.rename(identity, wanted.display_name))

    async def change_password(self, request: Request) -> Response:
        """Sets another password.

        All other devices are signed out, unless they are to be kept. A wrong `password` counts as a try to log in.
        """
        identity = await caller(request, self._environment)
        asked = await read_body(request, NewPassword, self._environment.body_bytes)
        await self._own.change_password(
            identity, asked.password, asked.new_password, client_address(request), keeps_others=asked.keep_devices
        )
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def delete_account(self, request: Request) -> Response:
        """Deletes the caller's account, for good.

        The name, the password and all tokens are gone at once, and the rooms are left one after the other. What was
        said stays, by a deleted user. A wrong `password` counts as a try to log in.
        """
        identity = await caller(request, self._environment)
        asked = await read_body(request, Farewell, self._environment.body_bytes)
        await self._own.delete(identity, asked.password, client_address(request))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def list_devices(self, request: Request) -> Response:
        """Where the caller is signed in."""
        identity = await caller(request, self._environment)
        rows = await self._own.devices(identity)
        return json_response(Devices(tuple(_shown(row, identity.session) for row in rows)))

    async def sign_device_out(self, request: Request) -> Response:
        """Ends the token of one device.

        Its websockets close with 4500. One that is signed out already is no error.
        """
        identity = await caller(request, self._environment)
        await self._own.sign_out(identity, request.path_params["device"])
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def sign_out_everywhere(self, request: Request) -> Response:
        """Ends all tokens of the caller, or all but the one of this call."""
        identity = await caller(request, self._environment)
        wanted = read_query(request, SignOut)
        await self._own.sign_out_everywhere(identity, but_here=wanted.keep_this)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def export(self, request: Request) -> Response:
        """Everything the server has of the caller, as a zip of JSON files.

        `account.json`, `devices.json`, `blocked.json`, `rooms.json`, and for each room `messages/<room>.json`: what the
        caller said there, ordered by nothing. One at a time.
        """
        identity = await caller(request, self._environment)
        exports = self._environment.exports
        return StreamedZip(exports, await exports.account(identity.user.user))

    async def block(self, request: Request) -> Response:
        """Blocks somebody.

        Neither can write to the other then, nor see whether they are there, and nobody blocked brings the caller into a
        room. In rooms that both are in, everything goes on.
        """
        identity = await caller(request, self._environment)
        await self._own.block(identity, request.path_params["user"], on=True)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def unblock(self, request: Request) -> Response:
        """Blocks somebody no more."""
        identity = await caller(request, self._environment)
        await self._own.block(identity, request.path_params["user"], on=False)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def list_blocked(self, request: Request) -> Response:
        """Whom the caller has blocked. Nobody learns who has blocked them."""
        identity = await caller(request, self._environment)
        return json_response(Blocked(await self._own.blocked_people(identity)))


def _shown(row: DeviceRow, current: str) -> Device:
    return Device(
        device=row.session,
        created_at=rfc3339(row.created_at),
        last_used=rfc3339(row.last_used),
        current=row.session == current,
        name=row.name,
    )


OWN_CALLS: Final[tuple[Call[OwnCalls], ...]] = (
    Call(
        method="GET",
        path="/v1/me",
        handler=OwnCalls.me,
        tag="accounts",
        needs_token=True,
        answers={HTTPStatus.OK: User},
        refuses=(ErrorCode.RATE_LIMITED,),
    ),
    Call(
        method="PATCH",
        path="/v1/me",
        handler=OwnCalls.rename,
        tag="accounts",
        needs_token=True,
        body=Profile,
        answers={HTTPStatus.OK: User},
        refuses=(ErrorCode.RATE_LIMITED,),
    ),
    Call(
        method="POST",
        path="/v1/password",
        handler=OwnCalls.change_password,
        tag="accounts",
        needs_token=True,
        body=NewPassword,
        answers={HTTPStatus.NO_CONTENT: None},
        refuses=(ErrorCode.BAD_CREDENTIALS, ErrorCode.RATE_LIMITED),
    ),
    Call(
        method="POST",
        path="/v1/me/delete",
        handler=OwnCalls.delete_account,
        tag="accounts",
        needs_token=True,
        body=Farewell,
        answers={HTTPStatus.NO_CONTENT: None},
        refuses=(ErrorCode.BAD_CREDENTIALS, ErrorCode.RATE_LIMITED, ErrorCode.NO_SUCH_USER),
    ),
    Call(
        method="POST",
        path="/v1/export",
        handler=OwnCalls.export,
        tag="accounts",
        needs_token=True,
        answers={HTTPStatus.OK: Raw},
        refuses=(ErrorCode.NO_SUCH_USER, ErrorCode.RATE_LIMITED),
        media_type=ZIP,
    ),
    Call(
        method="GET",
        path="/v1/blocks",
        handler=OwnCalls.list_blocked,
        tag="accounts",
        needs_token=True,
        answers={HTTPStatus.OK: Blocked},
        refuses=(ErrorCode.RATE_LIMITED,),
    ),
    Call(
        method="PUT",
        path="/v1/blocks/{user}",
        handler=OwnCalls.block,
        tag="accounts",
        needs_token=True,
        in_path=OfPerson,
        answers={HTTPStatus.NO_CONTENT: None},
        refuses=(ErrorCode.NO_SUCH_USER, ErrorCode.BAD_REQUEST, ErrorCode.LIMIT_REACHED, ErrorCode.RATE_LIMITED),
    ),
    Call(
        method="DELETE",
        path="/v1/blocks/{user}",
        handler=OwnCalls.unblock,
        tag="accounts",
        needs_token=True,
        in_path=OfPerson,
        answers={HTTPStatus.NO_CONTENT: None},
        refuses=(ErrorCode.NO_SUCH_USER, ErrorCode.BAD_REQUEST, ErrorCode.RATE_LIMITED),
    ),
    Call(
        method="GET",
        path="/v1/devices",
        handler=OwnCalls.list_devices,
        tag="accounts",
        needs_token=True,
        answers={HTTPStatus.OK: Devices},
        refuses=(ErrorCode.RATE_LIMITED,),
    ),
    Call(
        method="DELETE",
        path="/v1/devices/{device}",
        handler=OwnCalls.sign_device_out,
        tag="accounts",
        needs_token=True,
        in_path=OfDevice,
        answers={HTTPStatus.NO_CONTENT: None},
        refuses=(ErrorCode.NOT_FOUND, ErrorCode.BAD_REQUEST, ErrorCode.RATE_LIMITED),
    ),
    Call(
        method="DELETE",
        path="/v1/devices",
        handler=OwnCalls.sign_out_everywhere,
        tag="accounts",
        needs_token=True,
        query=SignOut,
        answers={HTTPStatus.NO_CONTENT: None},
        refuses=(ErrorCode.RATE_LIMITED,),
    ),
)
