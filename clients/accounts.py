"""Signing up, in and out: the HTTP calls that give and take a token.

A refused call raises the protocol's own `Refusal`, as refused commands do; a call without an answer raises
`CallFailed`.
"""

from __future__ import annotations

import ssl
from http import HTTPStatus

import msgspec
from msgspec import Struct

from clients.endpoint import endpoint_of
from clients.http_call import CallFailed, Dial, Response, call
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import User


class Account(Struct, frozen=True):
    """A person on a device; whoever holds `token` is that person."""

    user: User
    token: str


class _Credentials(Struct, frozen=True, omit_defaults=True):
    name: str
    password: str
    display_name: str | None = None
    device: str | None = None


class _Problem(Struct, frozen=True):
    code: str
    message: str
    retry_after: int | None = None


class _Failure(Struct, frozen=True):
    error: _Problem


async def register(
    url: str,
    name: str,
    password: str,
    *,
    display_name: str | None = None,
    device: str | None = None,
    tls: ssl.SSLContext | None = None,
    connect: Dial | None = None,
) -> Account:
    """Make an account, and be signed in on `device`.

    Raises
    ------
    Refusal
        `name_taken`, `registration_closed`, `bad_request` with what is wrong, `rate_limited`, `unavailable`.
    CallFailed
        No answer that can be read: the account may exist or not.
    """
    body = msgspec.json.encode(_Credentials(name, password, display_name, device))
    response = await call(endpoint_of(url), "POST", "/v1/register", body, tls=tls, connect=connect)
    return _account(response, HTTPStatus.CREATED)


async def login(
    url: str,
    name: str,
    password: str,
    *,
    device: str | None = None,
    tls: ssl.SSLContext | None = None,
    connect: Dial | None = None,
) -> Account:
    """Sign in on `device`.

    Raises
    ------
    Refusal
        `bad_credentials`, `rate_limited`, `unavailable`.
    CallFailed
        No answer that can be read.
    """
    body = msgspec.json.encode(_Credentials(name, password, None, device))
    response = await call(endpoint_of(url), "POST", "/v1/login", body, tls=tls, connect=connect)
    return _account(response, HTTPStatus.OK)


async def logout(url: str, token: str, *, tls: ssl.SSLContext | None = None, connect: Dial | None = None) -> None:
    """End the token. One that has ended already is `bad_token`."""
    response = await call(endpoint_of(url), "POST", "/v1/logout", token=token, tls=tls, connect=connect)
    if response.status != HTTPStatus.NO_CONTENT:
        raise failure_of(response)


def _account(response: Response, expected: HTTPStatus) -> Account:
    if response.status != expected:
        raise failure_of(response)
    try:
        return msgspec.json.decode(response.body, type=Account)
    except msgspec.DecodeError as error:
        raise CallFailed(f"the server's answer cannot be read: {error}") from None


def failure_of(response: Response) -> Exception:
    """What a failed call says; something that is no Hubbub server does not say it in our words."""
    try:
        problem = msgspec.json.decode(response.body, type=_Failure).error
        return Refusal(ErrorCode(problem.code), problem.message, problem.retry_after)
    except (msgspec.DecodeError, ValueError):
        return CallFailed(f"the server answered {response.status}")
