"""A talk in a terminal against a small server: what is typed, what is shown, and how it ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import MockClock

from clients.answers import ConversationOver
from clients.client import open_client
from clients.terminal.talk import LAST_POSTS_WITHIN, Outcome, Talk
from server.protocol.closing import CloseCode
from server.protocol.entries import Joined
from server.protocol.errors import ErrorCode

if TYPE_CHECKING:
    from tests.clients.conftest import SmallHub, SmallServer

LOBBY = "r_lobby"
Pause = Callable[[], object]


class ScriptedScreen:
    """Somebody who types a script; a callable in it is done (and awaited) between two lines."""

    interactive = False

    def __init__(self, *script: str | Pause) -> None:
        self.script = deque(script)
        self.shown: list[str] = []

    async def read_line(self) -> str | None:
        await trio.sleep(0.2)
        while self.script and not isinstance(self.script[0], str):
            step = self.script.popleft()
            assert callable(step)
            doing = step()
            if doing is not None:
                await doing  # type: ignore[misc]
        line = self.script.popleft() if self.script else None
        assert line is None or isinstance(line, str)
        return line

    async def ask_secret(self, question: str) -> str:
        raise AssertionError("nobody is asked here")

    def show(self, *lines: str) -> None:
        self.shown += lines

    def unecho(self, line: str) -> None:
        pass

    @property
    def messages(self) -> list[str]:
        """What was shown of messages, without their times."""
        return [line[6:] for line in self.shown if line[2:3] == ":"]


async def talk(server: SmallServer, screen: ScriptedScreen, room: str | None = "lobby") -> Outcome:
    async with open_client("http://small.example", "token", connect=server.connect) as client:
        return await Talk(client, screen).run(room)


async def test_what_is_typed_is_said_and_comes_back(
    small_server: SmallServer, hub: SmallHub, autojump_clock: MockClock
) -> None:
    screen = ScriptedScreen("hello", "", "//slash")
    assert await talk(small_server, screen) == Outcome(0, 0)
    assert screen.messages == ["ann: hello", "ann: /slash"]
    assert len(hub.logs[LOBBY]) == 2


async def test_in_no_room_nothing_is_said(small_server: SmallServer, autojump_clock: MockClock) -> None:
    screen = ScriptedScreen("hello", "/who", "/nope", "/help")
    await talk(small_server, screen, room=None)
    assert screen.shown[1:4] == [
        "! you are in no room yet: /join ROOM",
        "! you are in no room yet: /join ROOM",
        "! there is no /nope; /help lists what there is",
    ]
    assert "/history [N]" in screen.shown[4]


async def test_joining_shows_the_newest_messages_and_history_what_was_before(
    small_server: SmallServer, hub: SmallHub, autojump_clock: MockClock
) -> None:
    for n in range(30):
        hub.append(LOBBY, "bob", f"text {n}")
    screen = ScriptedScreen("/history 5", "/history 200", "/history")
    await talk(small_server, screen)
    expected = [*range(10, 30), *range(5, 10), *range(5)]
    assert screen.messages == [f"bob: text {n}" for n in expected]
    assert screen.shown[-1] == "-- there is nothing earlier"


async def test_a_message_that_history_has_shown_is_not_shown_again(
    small_server: SmallServer, hub: SmallHub, autojump_clock: MockClock
) -> None:
    hub.logs[LOBBY] = []

    def write() -> None:
        hub.append(LOBBY, "bob", "once", quiet=True)

    async def deliver() -> None:
        hub.tell_all(hub.logs[LOBBY][0])
        await small_server.flush()

    screen = ScriptedScreen(write, "/join lobby", deliver, "/rooms")
    await talk(small_server, screen)
    assert screen.messages == ["bob: once"]


async def test_messages_of_other_rooms_are_shown_with_their_room(
    small_server: SmallServer, hub: SmallHub, autojump_clock: MockClock
) -> None:
    hub.logs["r_tea"] = []

    async def bob_talks() -> None:
        hub.append("r_tea", "bob", "tea is ready")
        await small_server.flush()

    screen = ScriptedScreen(bob_talks, "/rooms")
    await talk(small_server, screen)
    assert screen.messages == ["#tea bob: tea is ready"]


async def test_an_invitation_is_shown_with_the_name_of_the_room(
    small_server: SmallServer, hub: SmallHub, autojump_clock: MockClock
) -> None:
    async def invite() -> None:
        from tests.clients.conftest import AT, user

        hub.logs["r_secret"] = [Joined(room="r_secret", seq=1, user=user("ann"), at=AT, by="u_BOB")]
        hub.tell_all(hub.logs["r_secret"][0])
        await small_server.flush()

    screen = ScriptedScreen(invite, "/rooms")
    await talk(small_server, screen)
    assert "-- you are in #secret, invited by bob" in screen.shown


async def test_what_was_read_and_received_is_reported_together(
    small_server: SmallServer, hub: SmallHub, autojump_clock: MockClock
) -> None:
    hub.append(LOBBY, "bob", "one")
    hub.append(LOBBY, "bob", "two")
    heard: list[str] = []

    async def wait() -> None:
        await trio.sleep(5)
        heard.extend(type(command).__name__ for command in hub.connections[0].heard)

    await talk(small_server, ScriptedScreen(wait))
    assert heard.count("Read") == 1


async def test_a_refusal_is_one_line_and_the_talk_goes_on(
    small_server: SmallServer, hub: SmallHub, autojump_clock: MockClock
) -> None:
    screen = ScriptedScreen("/create tea", "hello")
    await talk(small_server, screen)
    assert "! no such room" in screen.shown
    assert screen.messages == ["ann: hello"]


async def test_a_post_that_is_refused_for_good_is_shown_and_counted(
    small_server: SmallServer, hub: SmallHub, autojump_clock: MockClock
) -> None:
    hub.refuse.append(ErrorCode.TOO_LONG)
    screen = ScriptedScreen("x" * 5_000, "hello")
    assert await talk(small_server, screen) == Outcome(1, 0)
    (refused,) = [line for line in screen.shown if line.startswith("! not sent")]
    assert refused.startswith("! not sent (not now): xxx")
    assert len(refused) < 100
    assert screen.messages == ["ann: hello"]


async def test_posts_typed_while_offline_are_mentioned_and_sent_in_order_at_the_end_of_input(
    small_server: SmallServer, hub: SmallHub, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    async def go_down() -> None:
        small_server.down = True
        await small_server.cut()
        nursery.start_soon(come_back)

    async def come_back() -> None:
        await trio.sleep(2)
        small_server.down = False

    screen = ScriptedScreen("one", go_down, "two", "three")
    assert await talk(small_server, screen) == Outcome(0, 0)
    assert screen.messages == ["ann: one", "ann: two", "ann: three"]
    assert "... sending: two" in screen.shown
    assert len([line for line in screen.shown if line.startswith("-- offline")]) == 1
    assert "-- online again" in screen.shown


async def test_who_leaves_while_the_server_is_away_is_told_what_was_not_sent(
    small_server: SmallServer, autojump_clock: MockClock
) -> None:
    async def go_down() -> None:
        small_server.down = True
        await small_server.cut()

    began = trio.current_time()
    screen = ScriptedScreen(go_down, "never sent", "nor this", "/quit", "not even read")
    assert await talk(small_server, screen) == Outcome(0, 2)
    assert trio.current_time() - began < LAST_POSTS_WITHIN + 10
    assert list(screen.script) == ["not even read"]


async def test_leaving_a_room_waits_for_what_was_said_in_it(
    small_server: SmallServer, hub: SmallHub, autojump_clock: MockClock
) -> None:
    hub.refuse.append(ErrorCode.UNAVAILABLE)
    screen = ScriptedScreen("last words", "/leave", "into the void")
    assert await talk(small_server, screen) == Outcome(0, 0)
    assert len(hub.logs[LOBBY]) == 1
    assert screen.shown[-2:] == ["-- you left #lobby", "! you are in no room yet: /join ROOM"]


async def test_the_server_s_last_word_ends_the_talk(
    small_server: SmallServer, hub: SmallHub, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    async def sign_out_elsewhere() -> None:
        nursery.start_soon(small_server.close, 4500, "token revoked: signed out")
        await trio.sleep_forever()

    with pytest.raises(ConversationOver, match="signed out") as over:
        await talk(small_server, ScriptedScreen(sign_out_elsewhere))
    assert over.value.code == CloseCode.TOKEN_REVOKED
