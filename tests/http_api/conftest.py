"""The HTTP application over the real store, rooms and hashing task; only the socket is missing.

Whatever a test is answered is held against the document: no answer may come that a client author was not told of.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from actors import Actor, DynamicSpec, Inbox, SupervisorSpec, System, TaskContext, TaskSpec, open_system
from server.accounts.blocking import tell_blocked
from server.accounts.departing import Departing
from server.accounts.export import Exports
from server.accounts.own import OwnAccounts
from server.accounts.passwords import run_hashing
from server.accounts.service import Accounts
from server.accounts.throttle import LoginThrottle
from server.accounts.usage import TokenUsage
from server.http_api.app import make_app
from server.http_api.environment import HttpEnvironment, Readiness
from server.rooms.actor import RoomActor, RoomEnvironment
from server.store.opening import open_store
from server.store.reader import run_reader
from server.store.writer import run_writer
from tests.harness.documented import check_documented
from tests.harness.fresh import make_fresh

PASSWORD = "correct horse battery"
LOGIN_ATTEMPTS = 3


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def problem_of(response: httpx.Response) -> tuple[int, str]:
    """Status and code of an error, which has the shape of all errors."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) - {"retry_after"} == {"code", "message"}
    return response.status_code, body["error"]["code"]


class Broken:
    """A reader that is a bug."""

    def tell(self, message: object, /) -> bool:
        return bool(1 // 0)


@dataclass(frozen=True)
class House:
    """A running server without sockets, and a client in front of it."""

    system: System
    environment: HttpEnvironment
    api: httpx.AsyncClient
    login_attempts: int = LOGIN_ATTEMPTS

    @property
    def app(self) -> Any:
        return make_app(self.environment)

    @property
    def readiness(self) -> Readiness:
        return self.environment.readiness

    def client_from(self, address: str) -> httpx.AsyncClient:
        return client(self.environment, address=address)

    def client_with(
        self,
        *,
        registration_open: bool = True,
        hashing_queue_full: bool = False,
        reader_full: bool = False,
        reader_broken: bool = False,
        raise_app_exceptions: bool = True,
    ) -> httpx.AsyncClient:
        """A client of the same house with something amiss."""
        environment = self.environment
        accounts = replace(environment.accounts, registration_open=registration_open)
        if hashing_queue_full:
            accounts = replace(accounts, hashing=full_inbox())
        if reader_full:
            environment = replace(environment, reader=full_inbox())
        if reader_broken:
            environment = replace(environment, reader=Broken())
        return client(replace(environment, accounts=accounts), raise_app_exceptions=raise_app_exceptions)

    async def person(self, name: str) -> dict[str, str]:
        """Somebody who is signed up: the headers of their calls."""
        answer = await self.api.post("/v1/register", json={"name": name, "password": PASSWORD})
        return bearer(answer.json()["token"])


def full_inbox() -> Inbox:
    inbox = Inbox(1)
    inbox.tell("something that waits")
    return inbox


def client(
    environment: HttpEnvironment,
    address: str = "192.0.2.1",
    raise_app_exceptions: bool = True,
    scheme: str = "http",
) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(
        make_app(environment), client=(address, 40_000), raise_app_exceptions=raise_app_exceptions
    )
    return httpx.AsyncClient(
        transport=transport, base_url=f"{scheme}://hubbub.test", event_hooks={"response": [check_documented]}
    )


async def call(
    app: Any, method: str, path: str, receive: Callable[[], Awaitable[dict[str, object]]]
) -> list[dict[str, object]]:
    """What the application sends to a client that behaves as `receive` says."""
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    return sent


class Open(Actor):
    """An open session, which only has to be there."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        pass


def milliseconds() -> int:
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def open_house(data: Path) -> AsyncIterator[House]:
    writer, reader, hashing = Inbox(1_000), Inbox(1_000), Inbox(10)
    rooms = RoomEnvironment(writer=writer, reader=reader)
    departing = Departing(writer, reader, 10.0)

    async def departures(context: TaskContext) -> None:
        await departing.run(context, context.system.dynamic("rooms"), unasked=True)

    make_fresh(data)
    with open_store(data) as store:
        children = [
            TaskSpec("writer", partial(run_writer, store=store, inbox=writer, clock=milliseconds)),
            TaskSpec("reader", partial(run_reader, store=store, inbox=reader, clock=milliseconds, token_days=90)),
            DynamicSpec("rooms", partial(RoomActor, rooms)),
            DynamicSpec("sessions", Open),
            TaskSpec("departing", departures),
            TaskSpec("hashing", partial(run_hashing, inbox=hashing)),
        ]
        async with open_system(SupervisorSpec("house", children)) as system:
            readiness = Readiness()
            readiness.ready = True
            accounts = Accounts(
                writer=writer,
                reader=reader,
                hashing=hashing,
                sessions=system.dynamic("sessions"),
                throttle=LoginThrottle(LOGIN_ATTEMPTS),
                usage=TokenUsage(),
                registration_open=True,
                seconds=10.0,
                now=trio.current_time,
            )
            own_accounts = OwnAccounts(
                accounts,
                named=lambda user: system.broadcast(user.user, user),
                deleted=departing.ring,
                blocked=partial(tell_blocked, system.dynamic("rooms")),
            )
            environment = HttpEnvironment(
                accounts,
                own_accounts,
                Exports(reader, 10.0),
                reader,
                system.dynamic("rooms"),
                readiness,
                64 * 1024,
                10.0,
            )
            async with client(environment) as api:
                yield House(system, environment, api)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path / "data") as opened:
        yield opened
