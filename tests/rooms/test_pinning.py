"""Pins, as a room decides about them."""

from __future__ import annotations

import pytest

from server.protocol.entries import Pinned
from server.protocol.governing_commands import SetRights
from server.protocol.message_commands import Pin
from server.protocol.objects import Message, PinnedMessage, Role, RoomKind, RoomRights
from server.protocol.page_commands import Pins
from server.protocol.replies import Ok
from server.rooms.effects import Consult, FanOut
from server.rooms.fitting import PAGE_CODE_POINTS
from server.store.changes import Pinning
from server.store.pin_messages import PinsPage, ReadPins
from server.store.questions import Done
from server.store.room_changes import Particulars
from tests.rooms.scene import ROOM, Scene, answers, events_of, of, refusals, user

PIN = Pin(id=1, room=ROOM, target=2, on=True)


def test_a_pin_is_an_entry_that_everybody_is_told() -> None:
    scene = Scene("ann", "bob", last_seq=5)
    begun = scene.says("ann", PIN)
    [append] = scene.appends(begun)
    assert append.draft == Pinning("u_ann", 2, on=True)
    told = scene.lands(begun)
    assert answers(told) == [Ok(id=1, seq=6)]
    assert events_of(of(FanOut, told)[0]) == [
        Pinned(room=ROOM, seq=6, target=2, by="u_ann", on=True, at="1970-01-01T00:00:01.000Z")
    ]


def test_what_is_so_already_is_answered_without_a_place() -> None:
    scene = Scene("ann", last_seq=5)
    assert answers(scene.lands(scene.says("ann", PIN), logged=False)) == [Ok(id=1)]


@pytest.mark.parametrize(
    ("kind", "role", "may"),
    [
        ("group", "member", True), ("group", "guest", False), ("dm", "member", True), ("channel", "member", False),
        ("channel", "moderator", True),
    ],
)  # fmt: skip
def test_who_may_pin(kind: RoomKind, role: Role, may: bool) -> None:
    scene = Scene("ann", kind=kind, roles={"ann": role}, last_seq=5)
    assert refusals(scene.says("ann", PIN)) == ([] if may else ["forbidden"])


def test_a_room_says_who_pins() -> None:
    strict = Particulars(rights=RoomRights(pin="owner"))
    scene = Scene("ann", roles={"ann": "moderator"}, particulars=strict, last_seq=5)
    assert refusals(scene.says("ann", PIN)) == ["forbidden"]


def test_who_pins_while_that_is_being_changed_waits_for_it() -> None:
    scene = Scene("ann", "bob", roles={"ann": "owner"}, last_seq=5)
    change = scene.says("ann", SetRights(room=ROOM, pin="owner"))
    assert scene.says("bob", PIN) == []
    assert refusals(scene.lands(change)) == ["forbidden"]


@pytest.mark.parametrize("target", [0, 6])
def test_what_is_not_in_the_log_is_not_pinned(target: int) -> None:
    assert refusals(Scene("ann", last_seq=5).says("ann", Pin(room=ROOM, target=target, on=True))) == ["no_such_message"]


def test_strangers_hear_of_no_pins() -> None:
    scene = Scene("ann", last_seq=5)
    assert refusals(scene.says("eve", PIN)) == refusals(scene.says("eve", Pins(room=ROOM))) == ["no_such_room"]


def test_a_list_of_pins_is_no_longer_than_a_frame_should_be() -> None:
    scene = Scene("ann", last_seq=5)
    [asked] = of(Consult, scene.says("ann", Pins(id=1, room=ROOM, before=9)))
    assert isinstance(asked.question, ReadPins)
    assert (asked.question.reader, asked.question.before) == ("u_ann", 9)
    at = "2026-11-22T12:00:00.000Z"
    said = Message(seq=2, room=ROOM, from_=user("ann"), text="x" * 4_000, at=at)
    found = tuple(PinnedMessage(seq=seq, message=said, by="u_ann", at=at) for seq in range(30, 0, -1))
    [answer] = answers(scene.room.done(Done(asked.question.ref, PinsPage(ROOM, found, known=31)), scene.now))
    assert answer == Ok(id=1, pins=list(found[: PAGE_CODE_POINTS // 4_000]), more=True, to=31)
