"""Every actor and every task of the tree crashes, again and again, while people do all sorts of things.

In the end everybody must have the same, and all that was acknowledged: what was said, edited and deleted, reactions,
pins, marks, what is unread, mentions, what is found, who looks how, and the log itself. The whole server is here, with
its store and its sockets, and clients on them. What crashes is enumerated from the running tree, so that a new actor
is covered without anybody thinking of it. `HUBBUB_STORM` says how many seconds it lasts, and `HUBBUB_SEED` from which
seed: the same seed draws the same, but threads and sockets go their own ways.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
from pysqlite3 import dbapi2 as sqlite3

from actors import System, open_system
from clients.accounts import Account, login, register
from clients.client import open_client
from clients.own_account import OwnAccount
from server import parts
from server.accounts.tokens import token_hash
from server.listening import open_listener, url_of
from server.parts import Ground
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import Message
from server.rooms.sizes import Sizes
from server.settings import Settings
from server.store.batches import Batch, commit
from server.store.direct import NOBODY
from server.store.opening import Store, open_store
from server.store.questions import Done
from server.store.user_messages import AddToken, AddUser
from server.tree import tree
from tests.harness.busy_people import WORDS, BusyPerson, expect, insisted
from tests.harness.fresh import make_fresh
from tests.harness.saboteur import Saboteur, leaves
from tests.store.desk import database_file

SECONDS = float(os.environ.get("HUBBUB_STORM", "3"))
SEED = int(os.environ.get("HUBBUB_SEED", "1"))
MOST = 45 if SECONDS <= 3 else 1_000_000
PAUSE = 0.15
PATIENCE = 90.0

NAMES = ("ann", "bob", "cyd", "dan", "eve")
SMALL = 3
SPARED = {"hubbub/reactor": "all sockets go with it, and the process: tests/test_tree.py"}

SETTINGS = Settings(
    presence_grace=0.0, passive_above=SMALL, activity=0.3, commands_per_second=1_000_000,
    commands_per_second_per_user=1_000_000, bytes_per_second=2**30, bytes_per_second_per_user=2**30,
)  # fmt: skip
PASSWORD = "correct horse battery"


def soon() -> float:
    """How long clients wait before they come back: 10 ms, and 0.6 s after many tries."""
    return 0.02


@dataclass
class Scene:
    """The server, and who is there."""

    system: System
    store: Store
    url: str
    saboteur: Saboteur
    people: list[BusyPerson]
    rooms: dict[str, str]

    async def until_well(self, look: Callable[[], Awaitable[None]]) -> None:
        """Until it is as it must be; what is wrong with it after a long time is the finding."""
        with trio.move_on_after(PATIENCE):
            while True:
                try:
                    await look()
                except AssertionError:
                    await trio.sleep(0.1)
                else:
                    return
        await look()

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(database_file(self.store))) as database:
            return list(database.execute(query, values))


@asynccontextmanager
async def served(folder: Path, chance: Random, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(parts, "Sizes", partial(Sizes, small=SMALL))
    make_fresh(folder)
    saboteur = Saboteur(chance)
    with (
        open_store(folder) as store,
        closing(open_listener("127.0.0.1", 0)) as listener,
        closing(open_listener("127.0.0.1", 0)) as admin,
    ):
        tokens = {name: _account(store, name) for name in NAMES}
        whole = saboteur.wrapped(tree(Ground(SETTINGS, store, listener, admin=admin)))
        trio.lowlevel.add_instrument(saboteur)
        try:
            async with open_system(whole) as system, AsyncExitStack() as stack:
                url = url_of(listener)
                clients = [
                    await stack.enter_async_context(open_client(url, tokens[name], passive=name == "eve", chance=soon))
                    for name in NAMES
                ]
                scene = Scene(system, store, url, saboteur, [], {})
                ann = clients[0]
                for key, kind, name, others in (
                    ("friends", "group", "Friends", NAMES[1:3]), ("hall", "channel", "hall", NAMES[1:]),
                    ("dm", "dm", None, NAMES[1:2]), ("brief", "group", "Brief", NAMES[1:3]),
                    ("doomed", "group", "Doomed", NAMES[1:3]),
                ):  # fmt: skip
                    scene.rooms[key] = (await ann.create_room(kind, name, others)).room
                await ann.set_rights(scene.rooms["brief"], ttl=5)
                nursery = await stack.enter_async_context(trio.open_nursery())
                for client, name in zip(clients, NAMES, strict=True):
                    talked_in = {scene.rooms[key] for key in (() if name == "eve" else ("friends", "hall", "dm"))}
                    rooms = [room for room in await client.rooms() if room.room in talked_in]
                    person = BusyPerson(client, rooms, NAMES, chance)
                    scene.people.append(person)
                    nursery.start_soon(person.listen)
                yield scene
                nursery.cancel_scope.cancel()
        finally:
            trio.lowlevel.remove_instrument(saboteur)


def _account(store: Store, name: str) -> str:
    """Somebody signs up without a password, of which each costs as much as a hundred posts."""

    def made(change: AddUser | AddToken) -> Any:
        [answer] = commit(store.writing, Batch((), {}, (change,), (), ()), parts.now()).answers
        assert isinstance(answer, Done)
        return answer.value

    token = f"token of {name}"
    user = made(AddUser(reply_to=NOBODY, name=name, display_name=None, password_hash="-")).user
    made(AddToken(reply_to=NOBODY, user=user, token_hash=token_hash(token), device=None))
    return token


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # of who was let in when the listener crashed
async def test_whatever_crashes_all_that_was_acknowledged_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path / "data", Random(SEED), monkeypatch) as scene:
        kinds = [path for path in leaves(scene.system.describe()) if path not in SPARED]
        end = trio.current_time() + SECONDS
        with trio.fail_after(SECONDS + PATIENCE):
            async with trio.open_nursery() as busy:
                for person in scene.people:
                    await person.client.subscribe_presence([other.user for other in scene.people])
                    if person.rooms:
                        busy.start_soon(person.be_busy, end, MOST, PAUSE)
                busy.start_soon(_somebody_comes_and_goes_for_good, scene)
                busy.start_soon(_a_room_disappears_and_another_ends, scene)
                async with trio.open_nursery() as storm:
                    for path in kinds:
                        storm.start_soon(scene.saboteur.pester, path, min(1.0, SECONDS / 6))
                    await trio.sleep_until(end)
                    while not all(scene.saboteur.struck[path] for path in kinds):  # noqa: ASYNC110 - nobody is told
                        await trio.sleep(0.05)
                    storm.cancel_scope.cancel()
                scene.saboteur.rest()
        await scene.until_well(partial(_all_is_well, scene))
        await _everybody_is_told_as_ever(scene)


async def _somebody_comes_and_goes_for_good(scene: Scene) -> None:
    """Signs up, joins, says something, and deletes the account; whatever of it is not answered is done again."""

    async def sign_up() -> Account:
        try:
            return await register(scene.url, "fay", PASSWORD)
        except Refusal as refusal:
            if refusal.code is not ErrorCode.NAME_TAKEN:
                raise
            return await login(scene.url, "fay", PASSWORD)

    account = await insisted(sign_up)
    async with open_client(scene.url, account.token, chance=soon) as client:
        await insisted(lambda: client.join(name="hall"))
        await client.post(scene.rooms["hall"], "farewell")
    try:
        await insisted(lambda: OwnAccount(scene.url, account.token).delete(PASSWORD))
    except Refusal as refusal:
        expect(refusal, ErrorCode.BAD_TOKEN)  # it was done, and nobody said so


async def _a_room_disappears_and_another_ends(scene: Scene) -> None:
    """What was said in one is gone after its time; the other one an operator deletes."""
    ann = scene.people[0].client
    for number in range(3):
        await ann.post(scene.rooms["brief"], f"brief {number}")
    await trio.to_thread.run_sync(_wish, database_file(scene.store), scene.rooms["doomed"])


def _wish(file: Path, room: str) -> None:
    with closing(sqlite3.connect(file, timeout=PATIENCE)) as database, database:
        database.execute("INSERT INTO endings (room_id) VALUES (?)", (room,))


async def _all_is_well(scene: Scene) -> None:
    for person in scene.people:
        assert person.faults == []
    for room in scene.rooms.values():
        await _the_log_is_whole(scene, room)
    for person in scene.people:
        for room in person.rooms:
            await _they_have_it(scene, person, room)
            await _others_know(scene, person, room)
    await _who_does_not_look_knows_how_it_stands(scene)
    ann, bob, cyd, *_ = scene.people
    assert {message.deleted for message in await ann.everything_of(scene.rooms["brief"])} == {True}
    assert scene.rooms["doomed"] not in await ann.known_rooms()
    assert all(scene.rooms["doomed"] in person.left for person in (ann, bob, cyd))
    members = await insisted(lambda: ann.client.members(scene.rooms["hall"]))
    assert {member.user.user for member in members.members} == {person.user for person in scene.people}


async def _others_know(scene: Scene, person: BusyPerson, room: str) -> None:
    """What they have pinned, how far they have read, and how many have said something in a thread."""
    known = await person.read_by_others(room)
    for other in scene.people:
        if room in other.rooms:
            assert known[other.user] == other.doings[room].told, (person.name, other.name)
    messages = await person.everything_of(room)
    there = {message.seq for message in messages if not message.deleted}
    pinned = {pin.message.seq for pin in await insisted(lambda: person.client.pins(room))}
    said = [one.doings[room].pinned for one in scene.people if room in one.rooms]
    assert pinned == {seq for one in said for seq, on in one.items() if on} & there, person.name
    for thread in (await insisted(lambda: person.client.threads(room))).threads:
        replies = [message for message in messages if message.thread == thread.root.seq and not message.deleted]
        assert thread.replies == len(replies), person.name
        assert thread.read_seq >= person.doings[room].threads.get(thread.root.seq, 0), person.name


async def _who_does_not_look_knows_how_it_stands(scene: Scene) -> None:
    ann, eve, hall = scene.people[0], scene.people[-1], scene.rooms["hall"]
    known = eve.client.rooms_known[hall]
    [(last_seq,)] = scene.rows("SELECT max(seq) FROM entries WHERE room_id = ?", hall)
    unread = [one for one in await ann.everything_of(hall) if not one.deleted and one.from_.user != eve.user]
    mentions = [message for message in unread if {eve.user, "*"} & set(message.mentions)]
    assert (known.last_seq, known.unread, known.mentions) == (last_seq, len(unread), len(mentions))


async def _everybody_is_told_as_ever(scene: Scene) -> None:
    """Nobody hangs: what happens now is told to all whom it concerns."""
    ann, *others = scene.people
    eve = others[-1]
    friends = [person for person in others if scene.rooms["friends"] in person.rooms]
    await eve.client.subscribe_presence([ann.user])
    for status in ("busy", "online"):
        await ann.client.presence(status)
        await scene.until_well(partial(_looks, [*friends, eve], ann.user, status))
    seq = await ann.post(scene.rooms["friends"])
    for person in friends:
        await person.read(scene.rooms["friends"], seq)
    await scene.until_well(partial(_ticks, ann, scene.rooms["friends"], friends, seq))
    await scene.until_well(partial(_all_is_well, scene))


async def _looks(people: list[BusyPerson], user: str, status: str) -> None:
    assert [person.looks.get(user) for person in people] == [status] * len(people)


async def _ticks(author: BusyPerson, room: str, readers: list[BusyPerson], seq: int) -> None:
    assert [author.receipts.get((room, reader.user)) for reader in readers] == [seq] * len(readers)


async def _the_log_is_whole(scene: Scene, room: str) -> None:
    rows = scene.rows("SELECT seq FROM entries WHERE room_id = ? ORDER BY seq", room)
    assert [seq for (seq,) in rows] == list(range(1, len(rows) + 1))
    nonces = scene.rows(
        "SELECT user_id, nonce FROM entries WHERE room_id = ? AND kind = 'message' AND nonce IS NOT NULL", room
    )
    assert len(nonces) == len(set(nonces)), "nothing is there twice"


async def _they_have_it(scene: Scene, person: BusyPerson, room: str) -> None:
    messages = await person.everything_of(room)
    there = {message.seq: message for message in messages if not message.deleted}
    doings = person.doings[room]
    own = {seq: text for seq, text in doings.said.items() if text is not None}
    assert {seq: one.text for seq, one in there.items() if one.from_.user == person.user} == own, person.name
    view = list(person.views[room])
    assert [_shown(message) for message in view] == [_shown(message) for message in messages], person.name
    reacted = {(seq, emoji) for (seq, emoji), on in doings.reacted.items() if on and seq in there}
    shown = {(seq, each.emoji) for seq, message in there.items() for each in message.reactions or () if each.me}
    assert shown == reacted, person.name
    known = (await person.known_rooms())[room]
    assert known.read_seq == doings.read, (person.name, room)
    others = [message for message in there.values() if message.from_.user != person.user and message.seq > doings.read]
    assert known.unread == len(others), (person.name, room)
    assert known.mentions == sum(bool({person.user, "*"} & set(message.mentions)) for message in others)
    for word in WORDS:
        said = {seq for seq, message in there.items() if word in str(message.text).split()}
        assert await person.found(room, word) == said, (person.name, word)


def _shown(message: Message) -> object:
    reactions = sorted((each.emoji, each.count, each.me) for each in message.reactions or ())
    return (
        message.seq, message.from_.user, message.text, message.deleted, message.by, message.thread, message.reply_to,
        message.edited_at, sorted(message.mentions), reactions,
    )  # fmt: skip
