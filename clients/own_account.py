"""One's own account, by HTTP: what one is called, the password, the devices, whom one has blocked, and the end of it.

As the calls of `accounts.py`, a refused one raises the protocol's own `Refusal`, and one without an answer that can be
read raises `CallFailed`: then it may have been done or not, and all of them can simply be made again.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from clients.accounts import failure_of
from clients.endpoint import endpoint_of
from clients.http_call import CALL_WITHIN, LARGEST_BODY, CallFailed, Dial, call
from server.protocol.objects import User

EXPORT_WITHIN: Final = 600.0  # seconds; the server gathers it while it is sent
LARGEST_EXPORT: Final = 256 * 1024 * 1024  # bytes

T = TypeVar("T")


class Device(Struct, frozen=True):
    """Where somebody is signed in. `device` is the `session` of its `welcome`; `current`: it is this one."""

    device: str
    created_at: str
    last_used: str
    current: bool
    name: str | None = None


class _Devices(Struct, frozen=True):
    devices: tuple[Device, ...]


class _Blocked(Struct, frozen=True):
    blocked: tuple[User, ...]


class _Profile(Struct, frozen=True):
    display_name: str | None


class _NewPassword(Struct, frozen=True):
    password: str
    new_password: str
    keep_devices: bool


class _Farewell(Struct, frozen=True):
    password: str


class OwnAccount:
    """The account of whoever holds `token`.

    Parameters
    ----------
    url
        The server, `http(s)://host:port`.
    connect
        Opens the stream, instead of TCP and TLS.
    """

    def __init__(
        self, url: str, token: str, *, tls: ssl.SSLContext | None = None, connect: Dial | None = None
    ) -> None:  # fmt: skip
        self._endpoint = endpoint_of(url)
        self._token = token
        self._tls = tls
        self._connect = connect

    async def me(self) -> User:
        return _read(await self._call("GET", "/v1/me"), User)

    async def rename(self, display_name: str | None) -> User:
        """Be called something else; None: by the user name."""
        return _read(await self._call("PATCH", "/v1/me", _Profile(display_name)), User)

    async def change_password(self, password: str, new_password: str, *, keep_devices: bool = False) -> None:
        """`password` is the present one. The other devices are signed out, unless they are kept."""
        await self._call("POST", "/v1/password", _NewPassword(password, new_password, keep_devices))

    async def devices(self) -> Sequence[Device]:
        """Where one is signed in: the 200 that were used last, the newest first."""
        return _read(await self._call("GET", "/v1/devices"), _Devices).devices

    async def sign_out(self, device: str) -> None:
        """End the token of one device."""
        await self._call("DELETE", f"/v1/devices/{_in_path(device)}")

    async def sign_out_everywhere(self, *, keep_this: bool = False) -> None:
        """End all tokens, or all but this one."""
        await self._call("DELETE", "/v1/devices?keep_this=true" if keep_this else "/v1/devices")

    async def blocked(self) -> Sequence[User]:
        """Whom one has blocked, by name."""
        return _read(await self._call("GET", "/v1/blocks"), _Blocked).blocked

    async def block(self, user: str) -> None:
        """`user`: an id or a name."""
        await self._call("PUT", f"/v1/blocks/{_in_path(user)}")

    async def unblock(self, user: str) -> None:
        await self._call("DELETE", f"/v1/blocks/{_in_path(user)}")

    async def export(self, *, largest: int = LARGEST_EXPORT, within: float = EXPORT_WITHIN) -> bytes:
        """Everything the server has of one: a zip of JSON files, at most `largest` bytes of it, in `within` seconds."""
        return await self._call("POST", "/v1/export", within=within, largest=largest)

    async def delete(self, password: str) -> None:
        """The end of the account. What was said stays, by a deleted user."""
        await self._call("POST", "/v1/me/delete", _Farewell(password))

    async def _call(
        self, method: str, path: str, body: Struct | None = None, *, within: float = CALL_WITHIN,
        largest: int = LARGEST_BODY,
    ) -> bytes:  # fmt: skip
        response = await call(
            self._endpoint, method, path, b"" if body is None else msgspec.json.encode(body), token=self._token,
            tls=self._tls, within=within, largest=largest, connect=self._connect,
        )  # fmt: skip
        if response.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            raise failure_of(response)
        return response.body


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise CallFailed(f"the server's answer cannot be read: {error}") from None


def _in_path(name: str) -> str:
    return quote(name, safe="")
