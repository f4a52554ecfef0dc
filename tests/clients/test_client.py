"""The trio client against a small server: verbs, and staying up through everything.

Time passes as fast as everybody sleeps (pytest-trio takes the clock only from a test's own arguments).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked

from clients.answers import ConversationOver, NoAnswer, NotConnected
from clients.client import Client, Dial, open_client
from clients.endpoint import BadUrl, Endpoint
from clients.happenings import Missed, Offline
from clients.incoming import BrokenServer
from server.protocol.closing import CloseCode
from server.protocol.entries import MessageEntry
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.events import Heartbeat, Reconnect
from server.protocol.replies import Ok, Welcome

if TYPE_CHECKING:
    from tests.clients.conftest import SmallHub, SmallServer

ROOM = "r_lobby"
Opener = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def opener(small_server: SmallServer) -> Opener:
    """Opens clients of the small server."""

    def opened(**options: object) -> AbstractAsyncContextManager[Client]:
        given: dict[str, Any] = {"connect": small_server.connect} | options
        return open_client("http://small.example", "token", **given)

    return opened


async def next_text(client: Client) -> str:
    async for event in client:
        if isinstance(event, MessageEntry):
            return event.text
    raise AssertionError("the events ended")


async def until_online(client: Client) -> None:
    async for event in client:
        if isinstance(event, Welcome):
            return


# --- opening -------------------------------------------------------------------------------------------------


async def test_it_is_welcomed_with_its_token(
    opener: Opener, autojump_clock: MockClock, small_server: SmallServer
) -> None:
    async with opener() as client:
        assert client.me.name == "ann"
        assert client.online
    assert small_server.tokens == [b"Bearer token"]


@pytest.mark.parametrize(("status", "code"), [(401, CloseCode.BAD_TOKEN), (403, 1006), (426, 1006)])
async def test_a_refused_upgrade_is_final(
    opener: Opener, autojump_clock: MockClock, small_server: SmallServer, status: int, code: int
) -> None:
    small_server.reject_with = status
    with pytest.raises(ConversationOver) as over:
        async with opener():
            pass
    assert over.value.code == code


async def test_nobody_there_is_told_once_the_patience_is_over(
    opener: Opener, autojump_clock: MockClock, small_server: SmallServer
) -> None:
    small_server.down = True
    with pytest.raises(NotConnected, match="nobody listens"):
        async with opener(welcome_within=3.0):
            pass


async def test_a_server_over_capacity_is_tried_again(
    opener: Opener, autojump_clock: MockClock, small_server: SmallServer, nursery: trio.Nursery
) -> None:
    small_server.reject_with = 503

    async def recover() -> None:
        await trio.sleep(5)
        small_server.reject_with = None

    nursery.start_soon(recover)
    async with opener(welcome_within=120.0) as client:
        assert client.online


async def test_a_url_that_is_none() -> None:
    with pytest.raises(BadUrl):
        async with open_client("ftp://x", "token"):
            pass


async def test_what_the_block_raises_is_raised_as_it_was(opener: Opener, autojump_clock: MockClock) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with opener():
            raise LookupError("mine")


async def silent(endpoint: Endpoint) -> trio.abc.Stream:
    """Takes everything and answers nothing."""
    await trio.lowlevel.checkpoint()
    return memory_stream_pair()[0]


async def deaf(endpoint: Endpoint) -> trio.abc.Stream:
    """Takes nothing."""
    await trio.lowlevel.checkpoint()
    return lockstep_stream_pair()[0]


@pytest.mark.parametrize(
    ("connect", "complaint"),
    [(silent, "no answer to the websocket handshake"), (deaf, "the server does not read")],
)
async def test_a_server_that_does_not_take_part_is_left_and_tried_again(
    connect: Dial, complaint: str, autojump_clock: MockClock
) -> None:
    with pytest.raises(NotConnected, match=complaint):
        async with open_client("http://small.example", "token", connect=connect, welcome_within=300.0):
            pass


# --- verbs ---------------------------------------------------------------------------------------------------


async def test_a_post_is_answered_and_then_seen(opener: Opener, autojump_clock: MockClock) -> None:
    async with opener() as client:
        room = await client.join(name="lobby")
        posted = await client.post(room.room, "hello", nonce="n1")
        assert (posted.seq, posted.duplicate, posted.nonce) == (1, False, "n1")
        assert await next_text(client) == "hello"


async def test_posting_again_with_the_same_nonce_is_the_same_post(opener: Opener, autojump_clock: MockClock) -> None:
    async with opener() as client:
        first = await client.post(ROOM, "hello", nonce="n1")
        again = await client.post(ROOM, "hello", nonce="n1")
        assert (again.seq, again.duplicate) == (first.seq, True)


async def test_a_refusal_is_raised_as_such(opener: Opener, autojump_clock: MockClock) -> None:
    async with opener() as client:
        with pytest.raises(Refusal) as refusal:
            await client.create_room("channel", "tea")
        assert refusal.value.code is ErrorCode.NO_SUCH_ROOM


async def test_verbs_that_read(opener: Opener, autojump_clock: MockClock, hub: SmallHub) -> None:
    for n in range(3):
        hub.append(ROOM, "bob", f"text {n}")
    async with opener() as client:
        page = await client.history(ROOM, limit=2)
        assert [message.text for message in page.messages] == ["text 1", "text 2"]
        assert page.more
        log = await client.log(ROOM, after=0)
        assert [entry.seq for entry in log.entries] == [1, 2, 3]
        assert [room.room for room in await client.rooms()] == [ROOM]
        assert [member.user.name for member in (await client.members(ROOM)).members] == ["ann", "bob"]
        await client.read(ROOM, 3)
        await client.received(ROOM, 3)
        await client.invite(ROOM, "cem")
        await client.ping()
        client.typing(ROOM)
        await client.leave(ROOM)
        assert ROOM not in client.rooms_known


async def test_a_command_the_server_never_answers_ends_with_no_answer(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub
) -> None:
    async with opener(answer_within=5.0) as client:
        hub.connections[0].take = lambda frame: None  # type: ignore[method-assign]
        with pytest.raises(NoAnswer):
            await client.rooms()


async def test_a_cancelled_post_is_not_sent_again(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub, small_server: SmallServer
) -> None:
    async with opener() as client:
        await small_server.cut()
        with trio.move_on_after(0):
            await client.post(ROOM, "never mind")
        assert client.unsent == []


# --- staying up ----------------------------------------------------------------------------------------------


async def test_it_comes_back_and_misses_nothing(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub, small_server: SmallServer
) -> None:
    hub.logs[ROOM] = []
    async with opener() as client:
        hub.append(ROOM, "bob", "before")
        await small_server.flush()
        assert await next_text(client) == "before"
        await small_server.cut()
        hub.append(ROOM, "bob", "meanwhile")
        assert await next_text(client) == "meanwhile"


async def test_posts_given_while_offline_arrive_in_order_when_it_is_back(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub, small_server: SmallServer
) -> None:
    hub.logs[ROOM] = []
    async with opener() as client, trio.open_nursery() as nursery:
        small_server.down = True
        await small_server.cut()
        for text in "abc":
            nursery.start_soon(client.post, ROOM, text)
            await wait_all_tasks_blocked()
        await trio.sleep(60)
        assert hub.logs[ROOM] == []
        small_server.down = False
        assert [await next_text(client) for _ in range(3)] == ["a", "b", "c"]


async def test_a_post_whose_answer_was_lost_is_stored_once(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub, small_server: SmallServer, nursery: trio.Nursery
) -> None:
    async with opener() as client:
        hub.swallow = 1

        async def cut_when_all_are_waiting() -> None:
            await wait_all_tasks_blocked()
            assert len(hub.logs[ROOM]) == 1
            await small_server.cut()

        nursery.start_soon(cut_when_all_are_waiting)
        posted = await client.post(ROOM, "once")
        assert posted.duplicate
        assert len(hub.logs[ROOM]) == 1


async def test_an_answer_that_lacks_what_it_must_carry_is_the_server_s_fault(
    opener: Opener, hub: SmallHub, autojump_clock: MockClock
) -> None:
    async with opener() as client:
        far = hub.connections[0]
        far.take = lambda frame: far.tell(Ok(id=1))  # type: ignore[method-assign]
        with pytest.raises(BrokenServer):
            await client.rooms()


async def test_events_that_are_here_can_be_taken_without_waiting(
    opener: Opener, hub: SmallHub, autojump_clock: MockClock
) -> None:
    async with opener() as client:
        assert isinstance(client.next_nowait(), Welcome)
        assert client.next_nowait() is None


async def test_being_offline_is_told_with_the_time_of_the_next_try(
    opener: Opener, autojump_clock: MockClock, small_server: SmallServer
) -> None:
    async with opener() as client:
        await until_online(client)
        await small_server.cut()
        event = await anext(client)
        assert isinstance(event, Offline)
        assert 0 <= event.retry_in <= 0.5
        assert isinstance(await anext(client), Welcome)


async def test_a_silent_server_is_left(opener: Opener, autojump_clock: MockClock, hub: SmallHub) -> None:
    async with opener() as client:
        await until_online(client)
        began = trio.current_time()
        hub.connections[0].take = lambda frame: None  # type: ignore[method-assign]
        assert isinstance(await anext(client), Offline)
        assert 60 <= trio.current_time() - began <= 90


@pytest.mark.parametrize("code", [1001, 1006, 4000, 4001, 4002, 4003, 4004, 4006])
async def test_close_codes_that_invite_back(
    opener: Opener, autojump_clock: MockClock, small_server: SmallServer, code: int
) -> None:
    async with opener() as client:
        await until_online(client)
        if code == 1006:
            await small_server.cut()
        else:
            await small_server.close(code, "some reason")
        assert isinstance(await anext(client), Offline)
        await until_online(client)


@pytest.mark.parametrize("code", [4500, 4501, 4502, 4503])
async def test_close_codes_that_do_not(
    opener: Opener, autojump_clock: MockClock, small_server: SmallServer, code: int
) -> None:
    async with opener() as client:
        await until_online(client)
        await small_server.close(code, "token revoked: signed out")
        with pytest.raises(ConversationOver, match="signed out") as over:
            await anext(client)
        assert over.value.code == code
        with pytest.raises(ConversationOver):
            await client.rooms()


async def test_a_verb_that_waits_when_the_conversation_ends_for_good_is_told(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub, small_server: SmallServer, nursery: trio.Nursery
) -> None:
    async with opener() as client:
        hub.connections[0].take = lambda frame: None  # type: ignore[method-assign]
        nursery.start_soon(small_server.close, 4500, "token revoked")
        with pytest.raises(ConversationOver):
            await client.post(ROOM, "too late")


async def test_a_server_that_drains_is_left_within_its_window(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub, small_server: SmallServer
) -> None:
    async with opener() as client:
        await until_online(client)
        began = trio.current_time()
        hub.tell_all(Heartbeat(every=600_000))
        hub.tell_all(Reconnect(after=5_000, window=10_000))
        await small_server.flush()
        seen: list[type] = []
        async for event in client:
            seen.append(type(event))
            if isinstance(event, Welcome):
                break
        assert seen == [Heartbeat, Reconnect, Welcome], "nobody is told that it was away"
        assert 5 <= trio.current_time() - began <= 15.6


async def test_who_is_asked_to_leave_by_the_only_server_hears_that_it_is_gone(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub, small_server: SmallServer
) -> None:
    async with opener() as client:
        await until_online(client)
        small_server.down = True
        hub.tell_all(Reconnect(after=0, window=0))
        await small_server.flush()
        assert isinstance(await anext(client), Reconnect)
        event = await anext(client)
        assert isinstance(event, Offline)
        assert "nobody listens" in event.reason
        small_server.down = False
        await until_online(client)


async def test_a_crowd_that_is_asked_together_comes_back_spread_over_the_window(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub, small_server: SmallServer
) -> None:
    arrived: list[float] = []

    async def connect(endpoint: Endpoint) -> trio.abc.Stream:
        arrived.append(trio.current_time())
        return await small_server.connect(endpoint)

    async with AsyncExitStack() as crowd:
        for number in range(100):
            chance = random.Random(number).random
            await until_online(await crowd.enter_async_context(opener(connect=connect, chance=chance)))
        arrived.clear()
        began = trio.current_time()
        hub.tell_all(Reconnect(after=1_000, window=10_000))
        await small_server.flush()
        await trio.sleep(12)
        seconds = Counter(int(moment - began) for moment in arrived)
    assert seconds.total() == 100
    assert set(range(2, 11)) <= set(seconds) <= set(range(1, 12))
    assert max(seconds.values()) <= 25


async def test_a_server_that_breaks_the_protocol_is_left_and_tried_again(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub, small_server: SmallServer
) -> None:
    async with opener() as client:
        await until_online(client)
        hub.connections[0].outgoing.append(b"[]")
        await small_server.flush()
        event = await anext(client)
        assert isinstance(event, Offline)
        assert "protocol" in event.reason


async def test_a_reader_too_slow_for_the_backlog_is_told_what_it_missed(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub, small_server: SmallServer
) -> None:
    hub.logs[ROOM] = []
    async with opener(backlog=5) as client:
        await until_online(client)
        for n in range(20):
            hub.append(ROOM, "bob", f"text {n}")
        await small_server.flush()
        await client.ping()
        assert await anext(client) == Missed(ROOM, 0, 15, "not read in time")
        assert await next_text(client) == "text 15"


async def test_cursors_let_a_later_client_go_on(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub, small_server: SmallServer
) -> None:
    hub.append(ROOM, "bob", "old")
    async with opener() as client:
        cursors = client.cursors()
    hub.append(ROOM, "bob", "between two runs")
    async with opener(cursors=cursors) as client:
        assert await next_text(client) == "between two runs"


async def test_what_came_and_was_not_read_is_unread_for_a_later_client(
    opener: Opener, autojump_clock: MockClock, hub: SmallHub, small_server: SmallServer
) -> None:
    hub.logs[ROOM] = []
    async with opener() as client:
        await until_online(client)
        for n in range(3):
            hub.append(ROOM, "bob", f"text {n}")
        await small_server.flush()
        await client.ping()
        assert await next_text(client) == "text 0"
        cursors = client.cursors()
    async with opener(cursors=cursors) as client:
        assert await next_text(client) == "text 1"
