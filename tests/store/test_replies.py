"""What a message answers is a message of its room: looked up where the reply gets its place."""

from __future__ import annotations

from server.protocol.errors import ErrorCode
from server.store.changes import MessageGone
from server.store.log_messages import Denied, Known, Landed, NewMessage, Outcome
from tests.store.desk import Desk
from tests.store.talk import talk


def codes(outcomes: list[Outcome]) -> list[ErrorCode | None]:
    return [outcome.refusal.code if isinstance(outcome, Denied) else None for outcome in outcomes]


async def test_a_reply_says_what_it_answers_in_the_log_and_in_history(desk: Desk) -> None:
    talking = await talk(desk)
    first = await talking.said("one")
    reply = await talking.said("yes", talking.bob, reply_to=first)
    assert (await talking.history())[reply].reply_to == first
    assert [entry.reply_to for entry in await talking.log()] == [None, first]


async def test_what_is_no_message_of_this_room_is_not_answered(desk: Desk) -> None:
    talking = await talk(desk)
    elsewhere = await desk.anchored(await desk.created(talking.ann, talking.bob, name="Others"))
    for number in range(3):
        await elsewhere.said(talking.ann, f"e{number}")
    joined, in_another_room, nowhere = 1, 4, 2**40
    drafts = [NewMessage(talking.ann, f"r{seq}", "yes", seq) for seq in (joined, in_another_room, nowhere)]
    assert codes(await talking.changed(*drafts)) == [ErrorCode.NO_SUCH_MESSAGE] * 3
    assert await talking.log() == []


async def test_a_refused_reply_takes_no_other_message_along(desk: Desk) -> None:
    talking = await talk(desk)
    outcomes = await talking.changed(
        NewMessage(talking.ann, "1", "before"), NewMessage(talking.ann, "2", "yes", 1),
        NewMessage(talking.ann, "3", "after"),
    )  # fmt: skip
    assert [getattr(outcome, "seq", None) for outcome in outcomes] == [3, None, 4]


async def test_what_is_gone_is_not_answered_and_what_was_answered_may_go(desk: Desk) -> None:
    talking = await talk(desk)
    first = await talking.said("one")
    reply = NewMessage(talking.bob, "r", "yes", first)
    outcomes = await talking.changed(reply, MessageGone(talking.ann, first), NewMessage(talking.bob, "s", "no", first))
    assert codes(outcomes) == [None, None, ErrorCode.NO_SUCH_MESSAGE]
    messages = await talking.history()
    assert messages[first].deleted
    assert messages[first + 1].reply_to == first, "it still says what it answers: a tombstone by now"


async def test_a_retry_is_answered_as_the_first_time_though_its_target_is_gone(desk: Desk) -> None:
    talking = await talk(desk)
    first = await talking.said("one")
    reply = NewMessage(talking.bob, "r", "yes", first)
    [landed, _] = await talking.changed(reply, MessageGone(talking.ann, first))
    assert isinstance(landed, Landed)
    [again] = await talking.changed(reply)
    assert again == Known(again.ref, landed.seq or 0, landed.at)
