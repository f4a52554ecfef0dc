"""Pins in a real database: which messages, how many, and what becomes of them."""

from __future__ import annotations

from server.protocol.entries import Pinned
from server.protocol.errors import ErrorCode
from server.protocol.limits import PINS
from server.store.changes import MessageGone, NewText, Pinning, Reacting
from server.store.log_messages import Denied, Outcome
from server.store.pin_messages import PinsPage, ReadPins
from tests.store.desk import Desk, poison_refused
from tests.store.talk import Talk, talk


async def pins(talking: Talk, before: int | None = None) -> PinsPage:
    page = await talking.desk.read(ReadPins, room=talking.room.room, reader=talking.bob, before=before)
    assert isinstance(page, PinsPage)
    return page


async def pinned(talking: Talk) -> list[int]:
    return [pin.message.seq for pin in (await pins(talking)).pins]


def codes(outcomes: list[Outcome]) -> list[ErrorCode | None]:
    return [outcome.refusal.code if isinstance(outcome, Denied) else None for outcome in outcomes]


async def test_what_is_pinned_is_listed_in_its_present_state_and_said_in_the_log(desk: Desk) -> None:
    talking = await talk(desk)
    first, second = await talking.said("one"), await talking.said("two")
    await talking.changed(
        Pinning(talking.ann, first, on=True), Pinning(talking.bob, second, on=True),
        NewText(talking.ann, first, "edited"), Reacting(talking.bob, first, "👍", on=True),
    )  # fmt: skip
    page = await pins(talking)
    assert [(pin.seq, pin.message.seq, pin.message.text, pin.by) for pin in page.pins] == [
        (6, second, "two", talking.bob), (5, first, "edited", talking.ann),
    ]  # fmt: skip
    assert page.known == 8
    assert page.pins[1].message.reactions is not None
    assert page.pins[1].message.reactions[0].me
    assert [pin.message.seq for pin in (await pins(talking, before=6)).pins] == [first]
    told = [entry for entry in await talking.log() if isinstance(entry, Pinned)]
    assert [(entry.target, entry.by, entry.on) for entry in told] == [
        (first, talking.ann, True), (second, talking.bob, True),
    ]  # fmt: skip


async def test_what_is_so_already_changes_nothing(desk: Desk) -> None:
    talking = await talk(desk)
    seq = await talking.said("one")
    on, off = Pinning(talking.ann, seq, on=True), Pinning(talking.bob, seq, on=False)
    outcomes = await talking.changed(off, on, on, off, off, on)
    assert [getattr(outcome, "seq", 0) for outcome in outcomes] == [None, 4, None, 5, None, 6]
    for change, seq_of_it in ((on, None), (off, 7), (off, None)):
        [outcome] = await talking.changed(change)
        assert getattr(outcome, "seq", 0) == seq_of_it
    assert await pinned(talking) == []


async def test_what_is_deleted_is_pinned_no_more(desk: Desk) -> None:
    talking = await talk(desk)
    seq = await talking.said("one")
    await talking.changed(Pinning(talking.ann, seq, on=True))
    await talking.changed(MessageGone(talking.ann, seq))
    assert await pinned(talking) == []
    on, off = Pinning(talking.ann, seq, on=True), Pinning(talking.ann, seq, on=False)
    assert codes(await talking.changed(on, off)) == [ErrorCode.NO_SUCH_MESSAGE] * 2


async def test_what_is_no_message_of_this_room_is_not_pinned(desk: Desk) -> None:
    talking = await talk(desk)
    drafts = [Pinning(talking.ann, target, on=True) for target in (1, 2**40)]
    assert codes(await talking.changed(*drafts)) == [ErrorCode.NO_SUCH_MESSAGE] * 2


async def test_so_many_are_pinned_in_a_room_and_no_more(desk: Desk) -> None:
    talking = await talk(desk)
    said = [await talking.said(str(number)) for number in range(PINS + 1)]
    await talking.changed(*(Pinning(talking.ann, seq, on=True) for seq in said[: PINS - 1]))
    *both, last = said[PINS - 1 :]
    outcomes = await talking.changed(
        *(Pinning(talking.ann, seq, on=True) for seq in (*both, last, both[0])),
        MessageGone(talking.ann, said[0]), Pinning(talking.ann, last, on=True),
    )  # fmt: skip
    assert codes(outcomes) == [None, ErrorCode.LIMIT_REACHED, None, None, None]
    assert len(await pinned(talking)) == PINS


async def test_pins_beside_a_row_that_the_database_refuses(desk: Desk) -> None:
    talking = await talk(desk)
    first, second = await talking.said("one"), await talking.said("two")
    with poison_refused(desk.store):
        await talking.changed(
            Pinning(talking.ann, first, on=True), NewText(talking.ann, first, "poison"),
            Pinning(talking.ann, first, on=False), Pinning(talking.ann, second, on=True),
        )  # fmt: skip
    assert await pinned(talking) == [second]
