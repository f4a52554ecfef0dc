"""Whom a text may mention in a room, and what everybody is told of it."""

from __future__ import annotations

import pytest

from server.protocol.commands import RoomCommand
from server.protocol.entries import Edited, MessageEntry
from server.protocol.limits import MENTIONED_NAMES
from server.protocol.message_commands import Edit, Post
from server.protocol.objects import Role, RoomKind, RoomRights
from server.protocol.room_commands import Leave
from server.rooms.effects import FanOut
from server.rooms.entries import DELIVERY_CODE_POINTS, entry_of, portions
from server.store.changes import NewText
from server.store.log_messages import Landed, NewMessage
from server.store.mentioning import Mentioned
from server.store.room_changes import Particulars
from tests.rooms.scene import ROOM, Scene, events_of, of, refusals, user

ALL = Mentioned(everybody=True)


def mentioned(scene: Scene, name: str, command: RoomCommand) -> Mentioned | None:
    """What the writer is told of it."""
    [append] = scene.appends(scene.says(name, command))
    assert isinstance(append.draft, NewMessage | NewText)
    return append.draft.mentioned


def post(text: str, nonce: str = "n") -> Post:
    return Post(room=ROOM, nonce=nonce, text=text)


def edit(text: str) -> Edit:
    return Edit(room=ROOM, target=2, text=text)


def test_a_text_without_an_at_takes_nothing_along() -> None:
    scene = Scene("ann", last_seq=5)
    assert mentioned(scene, "ann", post("hello")) is None
    assert mentioned(scene, "ann", post("ann@example.org", "m")) is None
    assert mentioned(scene, "ann", edit("hello")) is None


def test_names_are_passed_on_whether_they_are_members_or_not() -> None:
    scene = Scene("ann", last_seq=5)
    assert mentioned(scene, "ann", post("@Bob, @nobody")) == Mentioned(("bob", "nobody"))
    assert mentioned(scene, "ann", edit("@Bob")) == Mentioned(("bob",))


@pytest.mark.parametrize(
    ("kind", "role", "may"),
    [
        ("group", "owner", True), ("group", "member", True), ("group", "guest", False), ("dm", "member", True),
        ("channel", "owner", True), ("channel", "moderator", True), ("channel", "member", False),
    ],
)  # fmt: skip
def test_everybody_is_called_by_right(kind: RoomKind, role: Role, may: bool) -> None:
    scene = Scene("ann", kind=kind, roles={"ann": role}, last_seq=5)
    assert mentioned(scene, "ann", post("@all")) == (ALL if may else None)
    assert mentioned(scene, "ann", post("@here", "m")) == (Mentioned(here=("u_ann",)) if may else None)
    assert mentioned(scene, "ann", post("@all @bob", "o")) == (ALL if may else Mentioned(("bob",)))


def test_a_room_says_who_calls_everybody() -> None:
    strict = Particulars(rights=RoomRights(mention_all="owner"))
    scene = Scene("ann", roles={"ann": "moderator"}, particulars=strict)
    assert mentioned(scene, "ann", post("@all @here")) is None


def test_here_are_those_who_listen_just_then() -> None:
    scene = Scene("ann", "bob", "cat", last_seq=5)
    scene.room.ended(scene.sessions["cat"])
    assert mentioned(scene, "ann", post("@here @cat")) == Mentioned(("cat",), here=("u_ann", "u_bob"))
    assert mentioned(scene, "ann", edit("@here")) == Mentioned(again=True), "who was there is settled"


def test_who_is_leaving_is_not_here_any_more() -> None:
    scene = Scene("ann", "bob", last_seq=5)
    scene.says("bob", Leave(room=ROOM))
    assert mentioned(scene, "ann", post("@here")) == Mentioned(here=("u_ann",))


def test_in_a_large_room_nobody_is_told_who_is_here() -> None:
    scene = Scene("ann", "bob", "cat", small_room=2, roles={"ann": "owner"}, last_seq=5)
    assert mentioned(scene, "ann", post("@here")) == ALL
    assert mentioned(scene, "ann", edit("@here")) == ALL


def test_more_people_than_a_text_may_mention_are_refused() -> None:
    scene = Scene("ann", last_seq=5)
    text = " ".join(f"@n{number}" for number in range(MENTIONED_NAMES + 1))
    assert refusals(scene.says("ann", post(text))) == ["limit_reached"]
    assert refusals(scene.says("ann", edit(text))) == ["limit_reached"]


def test_everybody_is_told_who_is_mentioned() -> None:
    scene = Scene("ann", "bob", last_seq=5)
    commands: list[RoomCommand] = [post("@bob"), edit("@bob")]
    for seq, command in enumerate(commands, 6):
        [append] = scene.appends(scene.says("ann", command))
        told = scene.told(Landed(append.ref, seq, 1_000, ("u_bob",)))
        [entry] = events_of(of(FanOut, told)[0])
        assert isinstance(entry, MessageEntry | Edited)
        assert entry.mentions == ("u_bob",)


def test_a_retry_under_way_joins_the_first_also_when_others_have_come() -> None:
    scene = Scene("ann", "bob", last_seq=5)
    assert scene.appends(scene.says("ann", post("@here")))
    scene.room.ended(scene.sessions["bob"])
    again = scene.says("ann", post("@here"))
    assert (scene.appends(again), refusals(again)) == ([], [])
    assert refusals(scene.says("ann", post("@here!"))) == ["conflict"]


def test_who_is_mentioned_counts_for_how_much_is_delivered_at_once() -> None:
    people = tuple(f"u_{number}" for number in range(255))
    said = [entry_of(ROOM, NewMessage("u_ann", "n", "@here"), user("ann"), seq, 0, people) for seq in range(1, 41)]
    assert len(list(portions(said))) == -(-40 // (DELIVERY_CODE_POINTS // (255 * 8 + 5)))
