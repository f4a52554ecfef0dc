"""The Python client and the terminal against the real server, as a process of its own."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import trio

from clients.accounts import login, logout, register
from clients.answers import ConversationOver
from clients.checker import Checker
from clients.client import Client, open_client
from clients.facts import Acknowledged, Fact, Stored
from clients.own_account import OwnAccount
from server.protocol.closing import CloseCode
from server.protocol.entries import Joined, MessageEntry
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.events import AskedToJoin
from tests.harness.server import ServerProcess
from tests.harness.witness import talk_and_watch

PASSWORD = "correct horse battery"
PATIENCE = 60.0  # seconds until a test gives up

Arrive = Callable[[], AbstractAsyncContextManager[Client]]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture
def arrive(server: ServerProcess) -> Arrive:
    """Signs up somebody new and opens a client."""

    @asynccontextmanager
    async def arrived() -> AsyncIterator[Client]:
        account = await register(server.url, f"client{next(_numbers)}", PASSWORD)
        async with open_client(server.url, account.token, answer_within=PATIENCE) as client:
            yield client

    return arrived


async def texts(client: Client, count: int) -> list[str]:
    """The texts of the next messages."""
    found: list[str] = []
    with trio.fail_after(PATIENCE):
        while len(found) < count:
            event = await anext(client)
            if isinstance(event, MessageEntry):
                found.append(event.text)
    return found


async def test_two_people_talk(arrive: Arrive) -> None:
    async with arrive() as ann, arrive() as bob:
        room = await ann.create_room("channel", "client-garden")
        assert (await bob.join(name="client-garden")).room == room.room
        posted = await ann.post(room.room, "good morning")
        assert not posted.duplicate
        await bob.post(room.room, "good evening")
        assert await texts(ann, 2) == await texts(bob, 2) == ["good morning", "good evening"]
        page = await bob.history(room.room)
        assert [message.text for message in page.messages] == ["good morning", "good evening"]
        log = await bob.log(room.room, after=0)
        assert [entry.seq for entry in log.entries] == [1, 2, 3, 4]
        people = {member.user.user for member in (await bob.members(room.room)).members}
        await bob.subscribe_presence([*people, "u_nobody"])
        await bob.subscribe_presence(["u_nobody"], on=False)
        with pytest.raises(Refusal, match="1 to 100"):
            await bob.subscribe_presence([])
        names = {member.user.name for member in (await bob.members(room.room)).members}
        assert names == {ann.me.name, bob.me.name}
        await bob.read(room.room, posted.seq)
        await bob.received(room.room, posted.seq)
        bob.typing(room.room)
        await bob.ping()


async def test_somebody_invited_learns_of_the_room(arrive: Arrive) -> None:
    async with arrive() as ann, arrive() as bob:
        room = await ann.create_room("group", "Plans")
        assert bob.me.name is not None
        await ann.invite(room.room, bob.me.name)
        await ann.post(room.room, "welcome")
        with trio.fail_after(PATIENCE):
            async for event in bob:
                if isinstance(event, Joined):
                    break
        assert await texts(bob, 1) == ["welcome"]
        assert [known.name for known in await bob.rooms()] == ["Plans"]
        await bob.leave(room.room)
        with pytest.raises(Refusal) as refusal:
            await bob.post(room.room, "still here")
        assert refusal.value.code is ErrorCode.NO_SUCH_ROOM


async def test_people_come_by_a_code_or_because_somebody_lets_them_in(arrive: Arrive) -> None:
    async with arrive() as ann, arrive() as bob, arrive() as eve:
        room = (await ann.create_room("group", "behind the hedge")).room
        code = await ann.create_invite(room, uses=5, seconds=600, nonce="n")
        assert code == await ann.create_invite(room, uses=5, seconds=600, nonce="n")
        assert (await bob.invite_info(code)).name == "behind the hedge"
        come = await bob.join_by_code(code)
        assert come is not None
        assert (come.room, [link.used for link in await ann.invites(room)]) == (room, [1])
        await ann.set_rights(room, approval=True)
        assert await eve.join_by_code(code) is None
        with trio.fail_after(PATIENCE):
            while not isinstance(await anext(ann), AskedToJoin):
                continue
        (waiting,) = await ann.join_requests(room)
        await ann.refuse(room, waiting.user.user)
        with pytest.raises(Refusal, match="asks to come in"):
            await ann.approve(room, waiting.user.user)
        await ann.revoke_invite(room, code)
        with pytest.raises(Refusal, match="this invite is not good"):
            await eve.join_by_code(code)
        acts, _ = await ann.audit(room)
        assert [act.act for act in acts] == ["revoke_invite", "refuse", "set_rights", "create_invite"]
        await ann.delete_room(room)
        assert room not in [known.room for known in await bob.rooms()]


async def test_channels_are_found_by_their_names(arrive: Arrive) -> None:
    async with arrive() as ann:
        names = sorted(f"client-orchard-{number}" for number in range(3))
        for name in names:
            await ann.create_room("channel", name)
        first = await ann.channels("orchard", limit=2)
        second = await ann.channels("orchard", limit=2, next=first.next)
        assert sorted(channel.name for channel in [*first.channels, *second.channels]) == names
        assert second.next is None


async def test_an_account_is_its_owner_s_to_change_and_to_end(server: ServerProcess) -> None:
    ann, bob = [await register(server.url, f"client{next(_numbers)}", PASSWORD, device="phone") for _ in range(2)]
    own = OwnAccount(server.url, ann.token)
    assert (await own.rename("Ann of the garden")).display_name == (await own.me()).display_name
    await own.block(str(bob.user.name))
    assert [person.user for person in await own.blocked()] == [bob.user.user]
    await own.unblock(bob.user.user)
    assert await own.blocked() == ()
    other = await login(server.url, str(ann.user.name), PASSWORD, device="laptop")
    assert {device.name: device.current for device in await own.devices()} == {"phone": True, "laptop": False}
    assert zipfile.ZipFile(io.BytesIO(await own.export())).testzip() is None
    await own.change_password(PASSWORD, f"{PASSWORD} 2", keep_devices=True)
    await own.sign_out_everywhere(keep_this=True)
    with pytest.raises(Refusal):
        await OwnAccount(server.url, other.token).me()
    await own.delete(f"{PASSWORD} 2")
    with pytest.raises(Refusal):
        await own.me()


async def test_a_token_that_was_signed_out_ends_the_conversation(server: ServerProcess) -> None:
    await register(server.url, "leaver", PASSWORD)
    account = await login(server.url, "leaver", PASSWORD, device="second")
    async with open_client(server.url, account.token) as client:
        await logout(server.url, account.token)
        with pytest.raises(ConversationOver) as over, trio.fail_after(PATIENCE):
            async for _ in client:
                pass
        assert over.value.code == CloseCode.TOKEN_REVOKED
    with pytest.raises(ConversationOver) as over:
        async with open_client(server.url, account.token):
            pass
    assert over.value.code == CloseCode.BAD_TOKEN


async def test_wrong_credentials_and_taken_names_are_refused_in_the_server_s_words(server: ServerProcess) -> None:
    await register(server.url, "taken", PASSWORD)
    for attempt, code in [(login, ErrorCode.BAD_CREDENTIALS), (register, ErrorCode.NAME_TAKEN)]:
        with pytest.raises(Refusal) as refusal:
            await attempt(server.url, "taken", "another password")
        assert refusal.value.code is code


@pytest.mark.slow
async def test_killed_while_they_talk_nothing_is_lost_and_the_order_is_kept(tmp_path: Path) -> None:
    people, posts, kills = 4, 40, 3
    facts: list[Fact] = []
    with ServerProcess(tmp_path / "data") as server:
        accounts = [await register(server.url, f"talker{n}", PASSWORD) for n in range(people)]
        async with open_client(server.url, accounts[0].token, answer_within=PATIENCE) as host:
            guests = [account.user.user for account in accounts[1:]]
            room = (await host.create_room("group", "Kills", guests)).room
            last = people + people * posts
            with trio.fail_after(PATIENCE):
                async with trio.open_nursery() as nursery:
                    for account in accounts:
                        nursery.start_soon(talk_and_watch, server.url, account.token, room, posts, last, facts)
                    for _ in range(kills):
                        await trio.sleep(0.3)
                        await trio.to_thread.run_sync(server.kill)
                        await trio.to_thread.run_sync(server.start)
            facts += await _log_of(host, room)
    checker = Checker()
    for fact in facts:
        checker.feed(fact)
    assert checker.findings() == []
    assert len([fact for fact in facts if isinstance(fact, Acknowledged)]) == people * posts


async def _log_of(client: Client, room: str) -> list[Stored]:
    page = await client.log(room, after=0)
    return [
        Stored(room, entry.seq, entry.from_.user, entry.nonce, entry.text)
        if isinstance(entry, MessageEntry)
        else Stored(room, entry.seq or 0)
        for entry in page.entries
    ]


@pytest.mark.slow
async def test_a_client_comes_back_to_a_server_that_was_restarted(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        account = await register(server.url, "patient", PASSWORD)
        async with open_client(server.url, account.token, answer_within=PATIENCE) as client:
            room = (await client.create_room("group", "Alone")).room
            assert await trio.to_thread.run_sync(server.stop) == 0
            async with trio.open_nursery() as nursery:
                nursery.start_soon(client.post, room, "typed while it was away")
                await trio.to_thread.run_sync(server.start)
            assert await texts(client, 1) == ["typed while it was away"]
            assert client.online


# --- the terminal --------------------------------------------------------------------------------------------


class Terminal:
    """`hubbub chat` through pipes, with a state folder of its own."""

    def __init__(self, server: ServerProcess, state: Path) -> None:
        self._server = server
        self.state = state
        self._environment = os.environ | {"XDG_STATE_HOME": str(state), "TZ": "UTC", "PYTHONWARNINGS": "error"}
        self._environment.pop("HUBBUB_PASSWORD", None)

    def command(self, name: str, *options: str) -> list[str]:
        return [sys.executable, "-m", "server", "chat", self._server.url, "--name", name, *options]

    def environment(self, password: str | None) -> dict[str, str]:
        return self._environment | ({"HUBBUB_PASSWORD": password} if password else {})

    def __call__(self, name: str, typed: str, *options: str, password: str | None = None) -> tuple[int, str, str]:
        command, environment = self.command(name, *options), self.environment(password)
        ended = subprocess.run(
            command, input=typed, capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture
def chat(server: ServerProcess, tmp_path: Path) -> Terminal:
    return Terminal(server, tmp_path / "state")


def test_a_talk_through_pipes(chat: Terminal) -> None:
    typed = "/create pipes\nhello\nsecond \x1b[2J line\n/who\n"
    code, shown, errors = chat("piper", typed, "--register", password=PASSWORD)
    assert (code, errors) == (0, "")
    assert "-- in #pipes" in shown
    assert shown.count(" piper: hello\n") == 1
    assert "piper: second ␛[2J line" in shown
    assert "   piper  (owner, online)" in shown

    code, shown, errors = chat("piper", "/history\n/quit\n", "--room", "pipes")
    assert (code, errors) == (0, ""), "the token was kept"
    assert " piper: hello\n" in shown


def test_rooms_of_every_kind_through_pipes(chat: Terminal) -> None:
    assert chat("guest", "", "--register", password=PASSWORD)[0] == 0
    typed = "/create group Kitchen\n/invite guest\nsoup?\n/dm guest\npsst\n/rooms\n"
    code, shown, errors = chat("cook", typed, "--register", password=PASSWORD)
    assert (code, errors) == (0, "")
    assert "-- guest came into Kitchen" in shown
    assert "-- in @guest" in shown

    code, shown, errors = chat("guest", "/join Kitchen\n/leave\n/join @cook\nwhat?\n")
    assert (code, errors) == (0, "")
    greeting = shown.partition("-- in Kitchen")[0]
    assert "   Kitchen  (1 unread)" in greeting
    assert "   @cook  (1 unread)" in greeting
    assert " cook: soup?\n" in shown
    assert shown.count("-- you left Kitchen\n") == 1
    assert " cook: psst\n" in shown
    assert " guest: what?\n" in shown


def test_a_token_that_ended_is_asked_for_again(chat: Terminal, server: ServerProcess) -> None:
    assert chat("again", "", "--register", password=PASSWORD)[0] == 0
    (file,) = chat.state.rglob("tokens.json")
    token = file.read_text().split('"')[-2]
    trio.run(logout, server.url, token)
    code, _, errors = chat("again", "")
    assert code == 1
    assert "HUBBUB_PASSWORD" in errors
    assert chat("again", "", password=PASSWORD)[0] == 0


@pytest.mark.parametrize(
    ("name", "password", "code", "complaint"),
    [
        ("nobody", PASSWORD, 1, "no account 'nobody' with this password"),
        ("nobody", None, 1, "set HUBBUB_PASSWORD"),
        ("No Body", PASSWORD, 2, "`name` must have 1 to 32 characters"),
    ],
)
def test_who_cannot_sign_in_is_told_in_one_line(
    chat: Terminal, name: str, password: str | None, code: int, complaint: str
) -> None:
    ended, shown, errors = chat(name, "hello\n", password=password)
    assert ended == code
    assert shown == ""
    assert complaint in errors
    assert errors.count("\n") == 1


def test_a_post_that_was_not_sent_fails_the_command(chat: Terminal) -> None:
    code, shown, errors = chat("long", "/create long\n" + "x" * 4_001 + "\nshort\n", "--register", password=PASSWORD)
    assert code == 1
    assert "! not sent" in shown
    assert " long: short\n" in shown
    assert errors == "hubbub: 1 message was not sent\n"


def test_a_reader_that_goes_away_ends_the_talk_in_silence(chat: Terminal) -> None:
    command, environment = chat.command("header", "--register"), chat.environment(PASSWORD)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as talk:
        assert talk.stdin is not None
        assert talk.stdout is not None
        assert talk.stderr is not None
        assert talk.stdout.readline() == "-- made the account header\n"
        talk.stdout.close()
        talk.stdin.write("/create headers\n" + "hello\n" * 5)
        talk.stdin.flush()
        assert talk.wait(60) == 0
        assert talk.stderr.read() == ""


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://127.0.0.1:1"])
def test_no_server_there_is_one_line(url: str, tmp_path: Path) -> None:
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path), "HUBBUB_PASSWORD": PASSWORD}
    command = [sys.executable, "-m", "server", "chat", url, "--name", "ann"]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert ended.returncode == (2 if url.startswith("ftp") else 1)
    assert ended.stderr.startswith("hubbub: ")
    assert ended.stderr.count("\n") == 1


def test_help_loads_nothing_of_the_server() -> None:
    program = (
        "import sys; from server.cli.main import hubbub; hubbub(['chat', '--help'], standalone_mode=False); "
        "print([m for m in ('trio', 'sqlalchemy', 'starlette', 'wsproto') if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.endswith("[]\n")
