"""Being told how those look for whom one has asked, where no room tells it: over real sessions and a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from actors import find_by_name
from server.protocol.account_commands import SetPresence, SubscribePresence
from server.protocol.errors import ErrorCode
from server.protocol.events import Presence
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import CreateRoom, Leave
from server.sessions.watching import WATCHING
from server.store.account_messages import SetBlock
from server.store.opening import Store
from tests.sessions.stage import Guest, Stage, staged


@pytest.fixture
async def stage(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A large room is one of more than two."""
    monkeypatch.setattr("server.sessions.watching.BEAT_SECONDS", 0.02)
    monkeypatch.setattr("server.sessions.watching.CHECK_SECONDS", 0.05)
    async with staged(store, small_room=2) as running:
        yield running


@pytest.fixture
async def people(stage: Stage) -> tuple[str, list[Guest]]:
    """Ann, Bob and Cat in a large room, and Eve outside."""
    ann, bob, cat, eve = guests = [await stage.guest(name) for name in ("ann", "bob", "cat", "eve")]
    for guest in (ann, eve):
        await guest.come()
    made = await ann.ask(CreateRoom, kind="channel", name="large", members=[bob.user, cat.user], nonce="n")
    assert isinstance(made, Ok)
    assert made.room is not None
    return made.room, guests


def told(guest: Guest) -> list[tuple[str, str]]:
    return [(event.user, event.status) for event in guest.heard if isinstance(event, Presence)]


async def asks(guest: Guest, *others: Guest | str, on: bool = True) -> None:
    users = [other if isinstance(other, str) else other.user for other in others]
    assert isinstance(await guest.ask(SubscribePresence, users=users, on=on), Ok)


async def test_who_is_in_a_large_room_with_one_is_told_of(people: tuple[str, list[Guest]]) -> None:
    _, (ann, bob, cat, _) = people
    await bob.come()
    await asks(ann, bob, cat)
    await ann.until(lambda: told(ann) == [(bob.user, "online")])
    await bob.ask(SetPresence, status="busy")
    await ann.until(lambda: told(ann)[-1] == (bob.user, "busy"))
    await cat.come()
    await ann.until(lambda: told(ann)[-1] == (cat.user, "online"))
    await bob.ask(SetPresence, status="invisible")
    await ann.until(lambda: told(ann)[-1] == (bob.user, "offline"))
    await asks(ann, bob, on=False)
    await bob.ask(SetPresence, status="online")
    await cat.go()
    await ann.until(lambda: told(ann)[-1] == (cat.user, "offline"))
    assert told(ann)[-2] == (bob.user, "offline")


async def test_strangers_hear_of_somebody_what_they_hear_of_nobody(
    stage: Stage, people: tuple[str, list[Guest]]
) -> None:
    room, (ann, bob, cat, eve) = people
    for guest in (bob, cat):
        await guest.come()
    await asks(eve, ann, bob, "u_nobody")
    await asks(cat, ann, bob)
    await cat.until(lambda: set(told(cat)) == {(ann.user, "online"), (bob.user, "online")})
    assert told(eve) == []
    await stage.desk.write(SetBlock, user=bob.user, who="cat", on=True)
    await cat.until(lambda: told(cat)[-1] == (bob.user, "offline"))
    await cat.ask(Leave, room=room)
    await cat.until(lambda: told(cat)[-1] == (ann.user, "offline"))
    assert told(eve) == []


async def test_it_ends_with_the_session_and_outlives_who_looks_after_it(
    stage: Stage, people: tuple[str, list[Guest]]
) -> None:
    _, (ann, bob, _, _) = people
    await asks(ann, bob)
    watching = find_by_name(stage.system, WATCHING)
    assert watching is not None
    watching.tell("what it does not understand")
    await bob.come()
    await ann.until(lambda: told(ann) == [(bob.user, "online")])
    await ann.go()
    await ann.come()
    await bob.go()
    await asks(ann, bob)
    await bob.come()
    await ann.until(lambda: told(ann) == [(bob.user, "online")])


@pytest.mark.parametrize("users", [[], ["u_1"] * 101, ["no id"], ["\0"], ["\ud800"]])
async def test_what_names_nobody_is_refused(people: tuple[str, list[Guest]], users: list[str]) -> None:
    _, (ann, *_) = people
    answer = await ann.ask(SubscribePresence, users=users)
    assert isinstance(answer, Error)
    assert answer.code is ErrorCode.BAD_REQUEST
