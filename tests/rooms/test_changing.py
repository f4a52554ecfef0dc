"""Edits, deletions and reactions, as a room decides on them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from server.protocol.commands import RoomCommand
from server.protocol.entries import Deleted, Edited, Reacted
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.message_commands import Delete, Edit, React
from server.protocol.objects import Role
from server.protocol.page_commands import History
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import Leave
from server.rooms.effects import Consult, FanOut
from server.store.changes import MessageGone, NewText, Reacting
from server.store.history_messages import ReadHistory
from server.store.log_messages import Denied, Landed, Lost
from tests.rooms.scene import ROOM, Scene, answers, deliveries, events_of, of, refusals

THUMB = "👍"
EVERY: list[RoomCommand] = [
    Edit(id=1, room=ROOM, target=2, text="hallo"),
    Delete(id=1, room=ROOM, target=2),
    React(id=1, room=ROOM, target=2, emoji=THUMB, on=True),
]


@pytest.mark.parametrize("command", EVERY, ids=lambda command: type(command).__name__)
def test_a_change_is_answered_and_delivered_once_it_is_on_disk(command: RoomCommand) -> None:
    scene = Scene("ann", "bob", last_seq=5)
    begun = scene.says("ann", command)
    assert answers(begun) == []
    told = scene.lands(begun)
    assert answers(told) == [Ok(id=1, seq=6)]
    assert deliveries(told) == [[6]]


def test_what_is_delivered_is_what_the_log_will_tell() -> None:
    scene = Scene("ann", last_seq=5)
    told = scene.lands(*(scene.says("ann", command) for command in EVERY))
    at = "1970-01-01T00:00:01.000Z"
    [delivered] = of(FanOut, told)
    assert events_of(delivered) == [
        Edited(room=ROOM, seq=6, target=2, text="hallo", by="u_ann", at=at),
        Deleted(room=ROOM, seq=7, target=2, by="u_ann", at=at),
        Reacted(room=ROOM, seq=8, target=2, emoji=THUMB, by="u_ann", on=True, at=at),
    ]


@pytest.mark.parametrize("command", EVERY, ids=lambda command: type(command).__name__)
def test_what_changes_nothing_is_answered_without_a_place(command: RoomCommand) -> None:
    scene = Scene("ann", last_seq=5)
    told = scene.lands(scene.says("ann", command), logged=False)
    assert answers(told) == [Ok(id=1)]
    assert deliveries(told) == []


@pytest.mark.parametrize("command", EVERY, ids=lambda command: type(command).__name__)
def test_whoever_is_no_member_hears_what_strangers_do(command: RoomCommand) -> None:
    assert refusals(Scene("ann", last_seq=5).says("eve", command)) == ["no_such_room"]
    assert refusals(Scene("ann", kind="channel", last_seq=5).says("eve", command)) == ["not_a_member"]


@pytest.mark.parametrize("target", [0, 6, 2**53 - 1])
def test_what_is_not_in_the_log_is_refused_without_asking_the_store(target: int) -> None:
    scene = Scene("ann", last_seq=5)
    for command in (
        Edit(room=ROOM, target=target, text="hallo"),
        Delete(room=ROOM, target=target),
        React(room=ROOM, target=target, emoji=THUMB, on=False),
    ):
        effects = scene.says("ann", command)
        assert refusals(effects) == ["no_such_message"]
        assert not scene.appends(effects)


def test_a_text_or_an_emoji_that_is_none_is_refused() -> None:
    scene = Scene("ann", last_seq=5)
    assert refusals(scene.says("ann", Edit(room=ROOM, target=2, text="  "))) == ["bad_request"]
    assert refusals(scene.says("ann", Edit(room=ROOM, target=2, text="x" * 4_001))) == ["too_long"]
    assert refusals(scene.says("ann", React(room=ROOM, target=2, emoji="ok", on=True))) == ["bad_request"]


@pytest.mark.parametrize(
    ("role", "of_others"), [("owner", True), ("moderator", True), ("member", False), ("guest", False)]
)
def test_owners_and_moderators_delete_what_others_said(role: Role, of_others: bool) -> None:
    scene = Scene("ann", last_seq=5)
    state: Any = scene.room._state
    state.members["u_ann"] = structs.replace(state.members["u_ann"], role=role)
    [append] = scene.appends(scene.says("ann", Delete(room=ROOM, target=2)))
    assert append.draft == MessageGone("u_ann", 2, of_others)


def test_the_drafts_name_who_asks() -> None:
    scene = Scene("ann", last_seq=5)
    edit, _, react = (scene.appends(scene.says("ann", command))[0].draft for command in EVERY)
    assert edit == NewText("u_ann", 2, "hallo")
    assert react == Reacting("u_ann", 2, THUMB, on=True)


def test_a_refusal_of_the_writer_is_the_answer() -> None:
    scene = Scene("ann", last_seq=5)
    [append] = scene.appends(scene.says("ann", EVERY[0]))
    told = scene.told(Denied(append.ref, Refusal(ErrorCode.FORBIDDEN, "not yours")))
    assert refusals(told) == ["forbidden"]
    assert deliveries(told) == []


def test_a_change_whose_outcome_nobody_knows_is_unavailable() -> None:
    scene = Scene("ann", last_seq=5)
    [append] = scene.appends(scene.says("ann", EVERY[0]))
    [answer] = answers(scene.told(Lost(append.ref)))
    assert isinstance(answer, Error)
    assert (answer.id, answer.code) == (1, "unavailable")


def test_nobody_changes_anything_while_they_leave() -> None:
    scene = Scene("ann", "bob", last_seq=5)
    leaving = scene.says("ann", Leave(room=ROOM))
    assert scene.says("ann", EVERY[1]) == []
    told = scene.lands(leaving)
    assert refusals(told) == ["no_such_room"]
    assert scene.appends(told) == []


def test_posts_and_changes_of_one_commit_are_delivered_together() -> None:
    scene = Scene("ann", "bob", last_seq=5)
    told = scene.lands(scene.posts("bob", "n"), scene.says("ann", EVERY[2]), scene.posts("bob", "m"))
    assert deliveries(told) == [[6, 7, 8]]


def test_the_store_is_told_whose_reactions_are_ones_own() -> None:
    [asked] = of(Consult, Scene("ann", last_seq=5).says("ann", History(room=ROOM)))
    assert isinstance(asked.question, ReadHistory)
    assert asked.question.reader == "u_ann"


def test_a_change_that_lands_twice_is_answered_once() -> None:
    scene = Scene("ann", last_seq=5)
    [append] = scene.appends(scene.says("ann", EVERY[1]))
    scene.told(Landed(append.ref, 6, 1_000))
    assert scene.told(Landed(append.ref, 6, 1_000)) == []
