"""What a room does about invites, told by the effects: who makes one, how its code is answered, and who comes by it."""

from __future__ import annotations

import pytest

from server.protocol.errors import no_such_invite
from server.protocol.governing_commands import Kick, SetRights
from server.protocol.invite_commands import CreateInvite, Invites, RevokeInvite
from server.protocol.limits import INVITE_SECONDS, INVITE_USES
from server.protocol.objects import InviteLink, RoomRights
from server.protocol.replies import Ok
from server.protocol.room_commands import Join
from server.rooms.effects import Consult, Effect
from server.store.finding_messages import InvitesPage, ReadInvites
from server.store.invite_changes import InviteMade, InviteRevoked
from server.store.log_messages import Denied, Landed, Lost, NewMember
from server.store.questions import Done
from server.store.room_changes import Particulars
from server.store.user_messages import FindUser
from tests.rooms.scene import ROOM, Scene, answers, of, refusals, user

CODE = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"
INVITE = CODE[:16]
LINK = InviteLink(invite=CODE, by="u_ann", at="2026-11-23T12:00:00.000Z", uses=5, used=0)
CREATE = CreateInvite(id="create", room=ROOM, nonce="n1", uses=5, seconds=60)


def in_a_group(**more: object) -> Scene:
    return Scene("ann", "mod", "bob", "gus", roles={"ann": "owner", "mod": "moderator", "gus": "guest"}, **more)  # type: ignore[arg-type]


def unlogged(scene: Scene, effects: list[Effect]) -> list[Effect]:
    return scene.lands(effects, logged=False)


def asked(effects: list[Effect]) -> ReadInvites:
    (consult,) = of(Consult, effects)
    assert isinstance(consult.question, ReadInvites)
    return consult.question


def test_a_code_is_answered_when_the_invite_is_on_disk_and_the_store_has_signed_it() -> None:
    scene = in_a_group()
    made = scene.says("ann", CREATE)
    (append,) = scene.appends(made)
    assert isinstance(append.draft, InviteMade)
    assert (append.draft.by, append.draft.uses, append.draft.seconds) == ("u_ann", 5, 60)
    landed = unlogged(scene, made)
    assert answers(landed) == []
    question = asked(landed)
    assert question.invite == append.draft.invite
    told = scene.room.done(Done(question.ref, InvitesPage(ROOM, (LINK,))), scene.now)
    assert answers(told) == [Ok(id="create", invite=CODE)]


def test_said_again_it_is_the_same_invite_and_said_otherwise_another() -> None:
    scene = in_a_group()
    first, again, other = (
        scene.appends(scene.says("ann", command))[0].draft
        for command in (CREATE, CREATE, CreateInvite(room=ROOM, nonce="n1", uses=6, seconds=60))
    )
    assert first == again
    assert isinstance(first, InviteMade)
    assert isinstance(other, InviteMade)
    assert first.invite != other.invite


def test_an_invite_whose_fate_nobody_knows_is_unavailable() -> None:
    scene = in_a_group()
    (append,) = scene.appends(scene.says("ann", CREATE))
    assert refusals(scene.told(Lost(append.ref))) == ["unavailable"]


def test_who_is_removed_meanwhile_is_not_told_the_code() -> None:
    scene = in_a_group()
    question = asked(unlogged(scene, scene.says("mod", CREATE)))
    (found,) = of(Consult, scene.says("ann", Kick(room=ROOM, user="mod")))
    assert isinstance(found.question, FindUser)
    scene.lands(scene.room.done(Done(found.question.ref, user("mod")), scene.now))
    told = scene.room.done(Done(question.ref, InvitesPage(ROOM, (LINK,))), scene.now)
    assert refusals(told) == ["no_such_room"]


@pytest.mark.parametrize(
    "command",
    [
        CreateInvite(room=ROOM, nonce=""), CreateInvite(room=ROOM, nonce="n", uses=INVITE_USES + 1),
        CreateInvite(room=ROOM, nonce="n", seconds=INVITE_SECONDS + 1),
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused_by_name(command: CreateInvite) -> None:
    assert refusals(in_a_group().says("ann", command)) == ["bad_request"]


@pytest.mark.parametrize("name", ["bob", "gus"])
def test_only_who_moderates_has_to_do_with_invites(name: str) -> None:
    scene = in_a_group()
    for command in (CREATE, Invites(room=ROOM), RevokeInvite(room=ROOM, invite=CODE)):
        assert refusals(scene.says(name, command)) == ["forbidden"]


def test_a_room_that_keeps_inviting_for_its_owners_keeps_codes_for_them() -> None:
    scene = in_a_group(particulars=Particulars(rights=RoomRights(invite="owner")))
    assert refusals(scene.says("mod", CREATE)) == ["forbidden"]
    assert scene.appends(scene.says("ann", CREATE))


def test_who_makes_one_while_rights_are_being_changed_waits_for_that() -> None:
    scene = in_a_group()
    change = scene.says("ann", SetRights(room=ROOM, invite="owner"))
    assert scene.says("mod", CREATE) == []
    assert "forbidden" in refusals(scene.lands(change))


def test_the_good_ones_are_listed() -> None:
    scene = in_a_group()
    question = asked(scene.says("mod", Invites(id="list", room=ROOM)))
    told = scene.room.done(Done(question.ref, InvitesPage(ROOM, (LINK,))), scene.now)
    assert answers(told) == [Ok(id="list", invites=[LINK])]


def test_one_is_revoked_by_its_code_and_what_is_no_code_is_none() -> None:
    scene = in_a_group()
    revoked = scene.says("mod", RevokeInvite(id="revoke", room=ROOM, invite=CODE))
    (append,) = scene.appends(revoked)
    assert append.draft == InviteRevoked(INVITE, "u_mod")
    assert answers(unlogged(scene, revoked)) == [Ok(id="revoke")]
    assert refusals(scene.says("mod", RevokeInvite(room=ROOM, invite="\0"))) == ["no_such_invite"]


def test_a_stranger_comes_by_an_invite_into_a_group() -> None:
    scene = in_a_group()
    joined = scene.says("eve", Join(id="join", invite=CODE))
    (append,) = scene.appends(joined)
    assert append.draft == NewMember("u_eve", "member", invite=INVITE)
    (answer,) = answers(scene.lands(joined))
    assert isinstance(answer, Ok)
    assert answer.info is not None
    assert answer.info.last_seq == 1


def test_who_is_too_late_hears_that_it_is_not_good() -> None:
    scene = in_a_group()
    (append,) = scene.appends(scene.says("eve", Join(id="join", invite=CODE)))
    assert refusals(scene.told(Denied(append.ref, no_such_invite()))) == ["no_such_invite"]
    assert refusals(scene.says("eve", Join(room=ROOM))) == ["no_such_room"]


def test_who_is_a_member_spends_nothing() -> None:
    scene = in_a_group()
    effects = scene.says("bob", Join(id="join", invite=CODE))
    assert scene.appends(effects) == []
    assert answers(effects) == [Ok(id="join", room=ROOM)]


def test_who_is_banned_hears_the_same_as_of_one_that_is_not_good() -> None:
    scene = in_a_group(particulars=Particulars(banned={"u_eve"}))
    (answer,) = answers(scene.says("eve", Join(id="join", invite=CODE)))
    assert (answer.code, answer.message) == ("no_such_invite", no_such_invite().message)  # type: ignore[union-attr]


def test_a_full_room_lets_nobody_in() -> None:
    scene = in_a_group(most=5)
    first = scene.says("eve", Join(invite=CODE))
    assert refusals(scene.says("zoe", Join(invite=CODE))) == ["limit_reached"]
    (append,) = scene.appends(first)
    scene.told(Landed(append.ref, 1, 1_000))
    assert refusals(scene.says("zoe", Join(invite=CODE))) == ["limit_reached"]
