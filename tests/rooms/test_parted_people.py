"""A conversation of two of whom one has blocked the other."""

from __future__ import annotations

from server.protocol.attention_commands import Typing
from server.protocol.message_commands import Delete, Edit, React
from server.protocol.objects import Member
from server.protocol.replies import Ok
from server.protocol.room_commands import Members
from server.rooms.effects import Consult, FanOut
from server.store.account_messages import BlockChange
from server.store.questions import Done
from server.store.room_changes import Particulars
from server.store.room_messages import MembersPage
from tests.rooms.scene import ROOM, Scene, answers, of, refusals, user


def change(by: str, *, on: bool) -> BlockChange:
    return BlockChange(f"u_{by}", on=on, room=ROOM)


def test_nothing_is_said_and_nothing_is_told_until_it_is_lifted() -> None:
    scene = Scene("ada", "bob", kind="dm", last_seq=1)
    scene.room.blocked(change("ada", on=True))
    for name in ("ada", "bob"):
        assert refusals(scene.posts(name, "n")) == ["forbidden"]
        assert refusals(scene.says(name, Edit(room=ROOM, target=1, text="x"))) == ["forbidden"]
        assert refusals(scene.says(name, React(room=ROOM, target=1, emoji="\N{THUMBS UP SIGN}", on=True))) == [
            "forbidden"
        ]
        assert of(FanOut, scene.says(name, Typing(room=ROOM))) == []
    assert refusals(scene.says("ada", Delete(room=ROOM, target=1))) == []
    for _ in range(2):
        scene.room.blocked(change("ada", on=False))
    assert refusals(scene.posts("bob", "n")) == []
    scene.now += 10.0
    assert of(FanOut, scene.says("bob", Typing(room=ROOM))) != []


def test_it_takes_both_to_open_it_again() -> None:
    scene = Scene("ada", "bob", kind="dm", particulars=Particulars(blocked_by=frozenset({"u_ada"})))
    scene.room.blocked(change("bob", on=True))
    scene.room.blocked(change("ada", on=False))
    assert refusals(scene.posts("ada", "n")) == ["forbidden"]
    scene.room.blocked(change("bob", on=False))
    assert refusals(scene.posts("ada", "n")) == []


def test_neither_is_listed_as_being_there() -> None:
    scene = Scene("ada", "bob", kind="dm")
    for parted in (False, True):
        scene.room.blocked(change("ada", on=parted))
        (asked,) = of(Consult, scene.says("ada", Members(room=ROOM, limit=10)))
        people = tuple(Member(user=user(name), role="member", joined_at="") for name in ("ada", "bob"))
        (answer,) = answers(scene.room.done(Done(asked.question.ref, MembersPage(ROOM, people, None)), scene.now))
        assert isinstance(answer, Ok)
        assert answer.members is not None
        assert {member.user.status for member in answer.members} == ({"offline"} if parted else {"online"})
