"""A group that wants to be asked, told by the effects: who asks, who answers, and what comes of it."""

from __future__ import annotations

import pytest

from server.protocol.commands import RoomCommand
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.events import AskedToJoin
from server.protocol.governing_commands import SetRights
from server.protocol.invite_commands import Approve, JoinRequests, Refuse
from server.protocol.objects import JoinRequest, RoomKind, RoomRights
from server.protocol.replies import Ok
from server.protocol.room_commands import Join
from server.rooms.effects import Consult, Effect, FanOut, Reply
from server.rooms.messages import Attached, Passing
from server.store.finding_messages import JoinRequestsPage, ReadJoinRequests
from server.store.invite_changes import JoinAsked, JoinRefused
from server.store.log_messages import Denied, Landed, NewMember
from server.store.questions import Done
from server.store.room_changes import Particulars, RightsSet
from server.store.user_messages import FindUser
from tests.rooms.scene import ROOM, Scene, answers, of, refusals, user

CODE = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"


def in_a_group(*names: str, kind: RoomKind = "group", approval: bool = True) -> Scene:
    particulars = Particulars(rights=RoomRights(approval=True)) if approval else None
    roles = {"ann": "owner", "mod": "moderator", "gus": "guest"}
    return Scene(*(names or ("ann", "mod", "bob", "gus")), kind=kind, roles=roles, particulars=particulars)  # type: ignore[arg-type]


def found(scene: Scene, name: str, command: RoomCommand, whom: str) -> list[Effect]:
    (consult,) = of(Consult, scene.says(name, command))
    assert isinstance(consult.question, FindUser)
    return scene.room.done(Done(consult.question.ref, user(whom)), scene.now)


def test_who_comes_by_a_code_asks_and_is_not_attached() -> None:
    scene = in_a_group()
    asked = scene.says("eve", Join(id="join", invite=CODE))
    (append,) = scene.appends(asked)
    assert append.draft == JoinAsked("u_eve", CODE[:16])
    landed = scene.lands(asked, logged=False)
    assert answers(landed) == [Ok(id="join", asked=True)]
    assert not [reply for reply in of(Reply, landed) if isinstance(reply.message, Attached)]
    assert refusals(scene.says("eve", Join(room=ROOM))) == ["no_such_room"]


def test_a_member_comes_as_ever() -> None:
    scene = in_a_group()
    assert answers(scene.says("bob", Join(id="join", invite=CODE))) == [Ok(id="join", room=ROOM)]


def test_where_everybody_has_left_nobody_has_to_be_asked() -> None:
    empty = Scene(particulars=Particulars(rights=RoomRights(approval=True)))
    (append,) = empty.appends(empty.says("eve", Join(invite=CODE)))
    assert append.draft == NewMember("u_eve", "owner", invite=CODE[:16])


def test_who_asks_while_that_is_being_changed_waits_for_it() -> None:
    scene = in_a_group(approval=False)
    change = scene.says("ann", SetRights(id="rights", room=ROOM, approval=True))
    assert isinstance(scene.appends(change)[0].draft, RightsSet)
    assert scene.says("eve", Join(invite=CODE)) == []
    (append,) = scene.appends(scene.lands(change))
    assert append.draft == JoinAsked("u_eve", CODE[:16])


def test_channels_are_asked_by_nobody() -> None:
    scene = in_a_group(kind="channel", approval=False)
    assert refusals(scene.says("ann", SetRights(room=ROOM, approval=True))) == ["bad_request"]


def test_one_who_asks_is_let_in_by_name() -> None:
    scene = in_a_group()
    approved = found(scene, "mod", Approve(id="approve", room=ROOM, user="eve"), "eve")
    (append,) = scene.appends(approved)
    assert append.draft == NewMember("u_eve", "member", by="u_mod", asked=True)
    assert answers(scene.lands(approved)) == [Ok(id="approve", seq=1)]
    assert answers(found(scene, "mod", Approve(id="again", room=ROOM, user="eve"), "eve")) == [Ok(id="again")]


def test_a_room_that_keeps_inviting_for_its_owners_has_them_let_in_who_asks() -> None:
    rights = RoomRights(approval=True, invite="owner")
    scene = Scene("ann", "mod", roles={"ann": "owner", "mod": "moderator"}, particulars=Particulars(rights=rights))
    assert refusals(scene.says("mod", Approve(room=ROOM, user="eve"))) == ["forbidden"]
    assert scene.appends(found(scene, "ann", Approve(room=ROOM, user="eve"), "eve"))


def test_who_lets_somebody_in_while_that_is_being_changed_waits_for_it() -> None:
    scene = in_a_group()
    change = scene.says("ann", SetRights(room=ROOM, invite="owner"))
    assert found(scene, "mod", Approve(room=ROOM, user="eve"), "eve") == []
    assert refusals(scene.lands(change)) == ["forbidden"]


def test_who_has_not_asked_is_not_let_in() -> None:
    scene = in_a_group()
    (append,) = scene.appends(found(scene, "mod", Approve(room=ROOM, user="eve"), "eve"))
    refusal = Refusal(ErrorCode.NO_SUCH_USER, "nobody of this name asks to come in")
    assert refusals(scene.told(Denied(append.ref, refusal))) == ["no_such_user"]


def test_one_who_asks_is_refused_and_nobody_is_told() -> None:
    scene = in_a_group()
    refused = found(scene, "ann", Refuse(id="refuse", room=ROOM, user="eve"), "eve")
    (append,) = scene.appends(refused)
    assert append.draft == JoinRefused("u_eve", "u_ann")
    landed = scene.lands(refused, logged=False)
    assert answers(landed) == [Ok(id="refuse")]
    assert len(landed) == 1


def test_who_waits_is_listed_for_moderators() -> None:
    scene = in_a_group()
    (consult,) = of(Consult, scene.says("mod", JoinRequests(id="list", room=ROOM)))
    assert isinstance(consult.question, ReadJoinRequests)
    waiting = (JoinRequest(user=user("eve"), at="2026-11-23T12:00:00.000Z"),)
    told = scene.room.done(Done(consult.question.ref, JoinRequestsPage(ROOM, waiting)), scene.now)
    assert answers(told) == [Ok(id="list", requests=list(waiting))]


def events(effects: list[Effect]) -> list[tuple[object, ...]]:
    """What is passed on, and to whom."""
    return [(*fan.message.events, *map(str, fan.to)) for fan in of(FanOut, effects) if isinstance(fan.message, Passing)]


def asks(scene: Scene, *names: str, is_new: bool = True) -> None:
    appends = scene.appends(*(scene.says(name, Join(invite=CODE)) for name in names))
    scene.told(*(Landed(append.ref, None, 1_000, is_new=is_new) for append in appends))


def attached(scene: Scene, *names: str) -> Scene:
    for name in names:
        scene.attach(name)
    scene.beat()
    return scene


def test_who_may_let_them_in_hears_once_a_second_that_somebody_asks() -> None:
    scene = attached(in_a_group(), "ann", "mod", "bob", "gus")
    asks(scene, "eve", "dan")
    told = (AskedToJoin(room=ROOM), *(str(scene.sessions[name]) for name in ("ann", "mod")))
    assert events(scene.beat()) == [told]
    assert events(scene.beat()) == []
    asks(scene, "cat")
    assert events(scene.beat()) == [told]


def test_who_asks_again_is_not_told_of_again() -> None:
    scene = attached(in_a_group(), "ann")
    asks(scene, "eve", is_new=False)
    assert events(scene.beat()) == []


def test_who_may_not_let_anybody_in_is_not_told_that_somebody_asks() -> None:
    rights = RoomRights(approval=True, invite="owner")
    scene = attached(
        Scene("ann", "mod", roles={"ann": "owner", "mod": "moderator"}, particulars=Particulars(rights=rights)),
        "ann", "mod",
    )  # fmt: skip
    asks(scene, "eve")
    assert events(scene.beat()) == [(AskedToJoin(room=ROOM), str(scene.sessions["ann"]))]


@pytest.mark.parametrize("name", ["bob", "gus"])
def test_only_who_moderates_answers(name: str) -> None:
    scene = in_a_group()
    for command in (JoinRequests(room=ROOM), Approve(room=ROOM, user="eve"), Refuse(room=ROOM, user="eve")):
        assert refusals(scene.says(name, command)) == ["forbidden"]


def test_who_is_banned_is_not_let_in() -> None:
    scene = Scene("ann", roles={"ann": "owner"}, particulars=Particulars(banned={"u_eve"}))
    assert refusals(found(scene, "ann", Approve(room=ROOM, user="eve"), "eve")) == ["forbidden"]
