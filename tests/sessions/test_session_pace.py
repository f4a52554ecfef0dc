"""How fast a user may speak, over all devices: what is refused, what is done once it may be, and who is closed."""

from __future__ import annotations

from server.pacing import Pace
from server.protocol.attention_commands import Typing
from server.protocol.closing import CloseCode
from server.protocol.errors import ErrorCode
from server.protocol.events import TypingEvent
from server.protocol.message_commands import Post
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import CreateRoom, Rooms
from server.sessions.messages import Said
from server.store.opening import Store
from tests.sessions.stage import Guest, staged

SLOW = 0.001  # commands a second: what is used up does not come back within a test


def at_once(count: int) -> Pace[str]:
    """So many commands, and for a long time no more."""
    return Pace(commands=SLOW, size=1e9, burst=count / SLOW)


async def refusals(guest: Guest, count: int) -> int:
    answers = [await guest.ask(Rooms) for _ in range(count)]
    refused = [answer for answer in answers if isinstance(answer, Error)]
    assert all(answer.code is ErrorCode.RATE_LIMITED and answer.retry_after for answer in refused)
    return len(refused)


async def test_all_devices_of_a_user_have_one_allowance_and_others_have_their_own(store: Store) -> None:
    async with staged(store, pace=at_once(5)) as stage:
        ann, bob = await stage.guest("ann"), await stage.guest("bob")
        other_device = await stage.device_of(ann.user)
        for guest in (ann, other_device, bob):
            await guest.come()
        assert await refusals(ann, 3) == 0
        assert await refusals(other_device, 3) == 1
        assert await refusals(bob, 5) == 0


async def test_the_device_that_goes_on_and_on_is_closed_and_the_other_stays(store: Store) -> None:
    async with staged(store, pace=at_once(3)) as stage:
        ann = await stage.guest("ann")
        other_device = await stage.device_of(ann.user)
        for guest in (ann, other_device):
            await guest.come()
        assert await refusals(ann, 6) == 3
        ann.say(Rooms)
        assert await ann.until_closed() == CloseCode.FLOODING
        assert other_device.closed is None


async def test_what_the_connection_found_too_early_is_refused(store: Store) -> None:
    async with staged(store) as stage:
        ann = await stage.guest("ann")
        await ann.come()
        made = await ann.ask(CreateRoom, kind="group", name="Own", members=[], nonce="n")
        assert isinstance(made, Ok)
        assert made.room is not None
        early = Post(id="early", room=made.room, nonce="p", text="Hello")
        ann.session.answer(Said(ann.line, early, size=100, wait=0.25))
        answer = await ann.until(lambda: next((e for e in ann.heard if isinstance(e, Error)), None))
        assert (answer.id, answer.code, answer.retry_after) == ("early", ErrorCode.RATE_LIMITED, 251)
        assert isinstance(await ann.post(made.room, "Hello", nonce="p"), Ok), "in time, it is done"
        assert ann.texts(made.room) == ["Hello"]


async def test_typing_that_came_too_early_is_not_passed_on(store: Store) -> None:
    async with staged(store) as stage:
        ann, bob = await stage.guest("ann"), await stage.guest("bob")
        for guest in (ann, bob):
            await guest.come()
        made = await ann.ask(CreateRoom, kind="group", name="Two", members=[bob.user], nonce="n")
        assert isinstance(made, Ok)
        assert made.room is not None
        await bob.has_entries(made.room, 2)
        ann.session.answer(Said(ann.line, Typing(room=made.room), wait=1.0))
        await ann.post(made.room, "typed meanwhile")
        await bob.hears(made.room, "typed meanwhile")
        assert bob.found(TypingEvent) is None
