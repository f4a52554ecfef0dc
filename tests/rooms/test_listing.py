"""Which members are listed when only those are wanted who are online."""

from __future__ import annotations

import pytest

from server.protocol.objects import Member
from server.protocol.replies import Ok
from server.protocol.room_commands import Members
from server.rooms import listing
from server.rooms.effects import Consult, Effect
from server.store.questions import Done
from server.store.room_messages import MembersPage, ReadMembers
from tests.rooms.scene import ROOM, Scene, answers, of, user

NAMES = ("ann", "bob", "cat", "dan", "eve")


def asked(scene: Scene, **fields: object) -> ReadMembers:
    (consult,) = of(Consult, scene.says("ann", Members(id="list", room=ROOM, **fields)))  # type: ignore[arg-type]
    assert isinstance(consult.question, ReadMembers)
    return consult.question


def told(scene: Scene, question: ReadMembers, *names: str, more: str | None = None) -> Ok:
    """What is answered when the store finds these."""
    found = tuple(Member(user=user(name), role="member", joined_at="2026-11-23T12:00:00.000Z") for name in names)
    effects: list[Effect] = scene.room.done(Done(question.ref, MembersPage(ROOM, found, more)), scene.now)
    (answer,) = answers(effects)
    assert isinstance(answer, Ok)
    return answer


def shown(answer: Ok) -> list[str | None]:
    return [member.user.name for member in answer.members or ()]


def gone(scene: Scene, *names: str) -> None:
    for name in names:
        scene.room.ended(scene.sessions[name])
    scene.beat()
    scene.beat(60.0)


def test_everybody_is_listed_as_ever() -> None:
    scene = Scene(*NAMES)
    gone(scene, "bob")
    question = asked(scene, limit=3, next="ann")
    assert (question.limit, question.next, question.among) == (3, "ann", None)
    answer = told(scene, question, "bob", "cat", more="cat")
    assert [member.user.status for member in answer.members or ()] == ["offline", "online"]
    assert answer.next == "cat"


def test_few_who_are_online_are_asked_for_themselves() -> None:
    scene = Scene(*NAMES)
    gone(scene, "bob", "eve")
    question = asked(scene, limit=2, online=True)
    assert (question.limit, question.among) == (2, ("u_ann", "u_cat", "u_dan"))
    answer = told(scene, question, "ann", "cat", more="cat")
    assert (shown(answer), answer.next) == (["ann", "cat"], "cat")


def test_who_has_just_gone_counts_until_the_others_are_told() -> None:
    scene = Scene(*NAMES)
    scene.room.ended(scene.sessions["bob"])
    assert asked(scene, online=True).among == tuple(f"u_{name}" for name in NAMES)


def test_who_has_gone_since_is_not_shown() -> None:
    scene = Scene(*NAMES)
    scene.room.ended(scene.sessions["bob"])
    question = asked(scene, online=True)
    assert question.among is not None
    assert "u_bob" in question.among
    for _ in range(9):
        scene.beat()
    assert shown(told(scene, question, *NAMES)) == ["ann", "cat", "dan", "eve"]


def test_of_many_who_are_online_a_longer_part_of_the_list_is_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "FEW_ONLINE", 2)
    scene = Scene(*NAMES)
    gone(scene, "bob")
    question = asked(scene, limit=2, online=True)
    assert (question.limit, question.among) == (listing.LOOKED_THROUGH, None)
    cut = told(scene, question, *NAMES, more="eve")
    assert (shown(cut), cut.next) == (["ann", "cat"], "cat"), "it goes on behind the last who is shown"
    rest = told(scene, asked(scene, limit=2, online=True, next="cat"), "dan", "eve", more="eve")
    assert (shown(rest), rest.next) == (["dan", "eve"], "eve")
    nobody = told(scene, asked(scene, limit=2, online=True), "bob", more="bob")
    assert (shown(nobody), nobody.next) == ([], "bob"), "an empty page is not the last"
