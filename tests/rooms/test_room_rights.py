"""What each room says of who may post, invite, call everybody and pin."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from msgspec import structs

from server.protocol.governing_commands import Mute, SetRights
from server.protocol.invite_commands import CreateInvite, Invite
from server.protocol.limits import SLOW_SECONDS
from server.protocol.message_commands import Edit, React
from server.protocol.objects import Role, RoomKind, RoomRights
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import Join
from server.rooms.effects import Consult, Effect, Write
from server.rooms.rights import RIGHTS, ROLES, Reach
from server.rooms.room_rights import ACTS, USUAL, Act, changed, lowest, may
from server.store.log_messages import Known, Lost
from server.store.questions import Done
from server.store.room_changes import Particulars
from server.store.user_messages import FindUser
from tests.rooms.scene import ROOM, Scene, answers, of, refusals, user
from tests.rooms.test_moderating import changes, in_a_room

THUMB = "\N{THUMBS UP SIGN}"


def sets(scene: Scene, who: str = "ann", **rights: Any) -> list[Effect]:
    return scene.says(who, SetRights(id="rights", room=ROOM, **rights))


def set_rights(scene: Scene, **rights: Any) -> RoomRights | None:
    """They land; what everybody is told of them."""
    (change,) = changes(scene.lands(sets(scene, **rights)))
    return change.info.rights


# --- the rule ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", get_args(RoomKind))
def test_a_room_that_says_nothing_keeps_nobody_from_what_the_table_gives(kind: RoomKind) -> None:
    for command, act in ACTS.items():
        for role in ROLES:
            if getattr(RIGHTS[command], role) is not Reach.NO:
                is_for_few = act == "pin" and kind == "channel"
                assert may(act, role, None, kind) is not (is_for_few and role == "member"), (command, role)


@pytest.mark.parametrize("act", get_args(Act))
@pytest.mark.parametrize("least", ROLES)
def test_a_role_and_all_above_it_may(act: Act, least: Role) -> None:
    rights = structs.replace(RoomRights(), **{act: least})
    those = [role for role in ROLES if may(act, role, rights, "group")]
    assert those == list(ROLES[: ROLES.index(least) + 1])


def test_in_a_channel_not_everybody_calls_everybody() -> None:
    assert not may("mention_all", "member", None, "channel")
    assert may("mention_all", "member", RoomRights(mention_all="member"), "channel")
    assert may("mention_all", "member", None, "group")
    assert may("pin", "member", None, "dm")


@pytest.mark.parametrize("kind", ["channel", "group"])
def test_what_is_as_usual_is_not_kept(kind: RoomKind) -> None:
    usual: dict[Any, Any] = dict(USUAL[kind])
    assert changed(None, SetRights(room=ROOM, **usual, slow=0), kind) is None
    few = changed(None, SetRights(room=ROOM, post="owner", slow=5), kind)
    assert few == RoomRights(post="owner", slow=5)
    assert changed(few, SetRights(room=ROOM, pin="owner"), kind) == RoomRights(post="owner", pin="owner", slow=5)
    assert changed(few, SetRights(room=ROOM, post="guest", slow=0), kind) is None
    assert lowest("post", few, kind) == "owner"


# --- a room ------------------------------------------------------------------------------------------------------


def test_where_few_post_others_read_and_react() -> None:
    scene = in_a_room()
    mine = scene.posts("bob", "before")
    scene.lands(mine)
    assert set_rights(scene, post="moderator") == RoomRights(post="moderator")
    for name in ("bob", "gus"):
        (refused,) = answers(scene.posts(name, "n"))
        assert isinstance(refused, Error)
        assert (refused.code, refused.message) == ("forbidden", "only for moderators and owners here")
    assert refusals(scene.says("bob", Edit(room=ROOM, target=1, text="after"))) == ["forbidden"], "that would be a way"
    assert scene.appends(scene.says("bob", React(room=ROOM, target=1, emoji=THUMB, on=True)))
    for name in ("ann", "mod"):
        assert scene.appends(scene.posts(name, name))
    set_rights(scene, post="owner")
    assert refusals(scene.posts("mod", "m")) == ["forbidden"]
    assert set_rights(scene, post="guest") is None
    assert scene.appends(scene.posts("gus", "g"))


def test_a_post_waits_for_rights_that_are_on_their_way() -> None:
    scene = in_a_room()
    few = sets(scene, post="moderator")
    assert scene.posts("bob", "quickly") == []
    effects = scene.lands(few)
    assert refusals(effects) == ["forbidden"]
    assert not scene.appends(effects)


def invites(scene: Scene, name: str) -> list[Effect]:
    asked = scene.says(name, Invite(id="invite", room=ROOM, user="eve"))
    questions = [consult.question for consult in of(Consult, asked)]
    if not questions:
        return asked
    assert isinstance(questions[0], FindUser)
    return scene.room.done(Done(questions[0].ref, user("eve")), scene.now)


def test_who_may_invite_is_asked_before_and_after_it_is_known_whom() -> None:
    scene = in_a_room()
    (asked,) = of(Consult, scene.says("bob", Invite(room=ROOM, user="eve")))
    few = sets(scene, invite="moderator")
    assert scene.room.done(Done(asked.question.ref, user("eve")), scene.now) == [], "it waits for the rights"
    assert refusals(scene.lands(few)) == ["forbidden"]
    asked_again = scene.says("bob", Invite(room=ROOM, user="eve"))
    assert refusals(asked_again) == ["forbidden"]
    assert not of(Consult, asked_again), "nobody is looked up for who may not"
    assert scene.appends(invites(scene, "mod"))


def test_who_may_not_invite_makes_no_code_either() -> None:
    scene = in_a_room()
    set_rights(scene, invite="owner")
    assert refusals(scene.says("mod", CreateInvite(room=ROOM, nonce="n"))) == ["forbidden"]
    assert scene.appends(scene.says("ann", CreateInvite(room=ROOM, nonce="n")))


def test_no_room_lets_guests_invite() -> None:
    scene = in_a_room()
    set_rights(scene, invite="member", post="moderator")
    assert refusals(invites(scene, "gus")) == ["forbidden"]


def test_only_owners_say_who_may_what() -> None:
    scene = in_a_room()
    for name in ("mod", "bob", "gus"):
        assert refusals(sets(scene, name, post="owner")) == ["forbidden"]
    dm = Scene("ann", "bob", kind="dm")
    assert refusals(sets(dm, post="owner")) == ["forbidden"]


def test_rights_said_again_are_the_same() -> None:
    scene = in_a_room()
    set_rights(scene, post="moderator", slow=5)
    assert answers(sets(scene, post="moderator")) == answers(sets(scene, slow=5)) == [Ok(id="rights")]


@pytest.mark.parametrize("said", [{}, {"slow": SLOW_SECONDS + 1}])
def test_rights_that_say_nothing_or_too_much_are_refused(said: dict[str, Any]) -> None:
    assert refusals(sets(in_a_room(), **said)) == ["bad_request"]


def test_rights_are_told_with_the_room_and_stay_with_bans_and_mutes() -> None:
    scene = in_a_room()
    set_rights(scene, post="moderator")
    (change,) = changes(scene.lands(scene.says("mod", Mute(room=ROOM))))
    assert change.info.rights == RoomRights(post="moderator")
    scene.lands(scene.says("mod", Mute(room=ROOM, seconds=0)))
    assert refusals(scene.posts("bob", "b")) == ["forbidden"]
    (welcome,) = answers(scene.lands(scene.says("eve", Join(room=ROOM))))
    assert isinstance(welcome, Ok)
    assert welcome.info is not None
    assert welcome.info.rights == RoomRights(post="moderator")


def test_a_room_that_opens_knows_its_rights() -> None:
    scene = Scene("ann", "bob", roles={"ann": "owner"}, particulars=Particulars(rights=RoomRights(post="owner")))
    assert refusals(scene.posts("bob", "b")) == ["forbidden"]
    assert scene.appends(scene.posts("ann", "a"))


# --- slow mode ---------------------------------------------------------------------------------------------------


def slow_room(seconds: int = 30) -> Scene:
    scene = in_a_room("eve")
    set_rights(scene, slow=seconds)
    return scene


def test_in_slow_mode_one_post_an_interval() -> None:
    scene = slow_room()
    scene.lands(scene.posts("bob", "one"))
    scene.now += 10
    (refused,) = answers(scene.posts("bob", "two"))
    assert isinstance(refused, Error)
    assert (refused.code, refused.retry_after) == ("rate_limited", 20_001)
    assert scene.appends(scene.posts("gus", "others are not kept from it"))
    scene.now += 20
    assert scene.appends(scene.posts("bob", "two"))


def test_moderators_and_owners_are_as_fast_as_they_like() -> None:
    scene = slow_room()
    for name in ("ann", "mod"):
        for nonce in "12":
            assert scene.appends(scene.posts(name, nonce + name))


def test_a_retry_in_slow_mode_is_no_further_post() -> None:
    scene = slow_room()
    (append,) = scene.appends(scene.posts("bob", "one"))
    assert refusals(scene.room.not_taken(append, scene.now)) == ["unavailable"]
    (again,) = scene.appends(scene.posts("bob", "one"))
    assert again.draft == append.draft
    scene.lands([Write(again)])
    (known,) = scene.appends(scene.posts("bob", "one"))
    assert answers(scene.told(Known(known.ref, 2, 1_000)))
    assert refusals(scene.posts("bob", "two")) == ["rate_limited"]


def test_what_was_never_sent_on_its_way_takes_no_turn() -> None:
    scene = slow_room()
    assert refusals(scene.posts("bob", "empty", text="")) == ["bad_request"]
    assert refusals(scene.posts("bob", "reply", reply_to=99)) == ["no_such_message"]
    assert scene.appends(scene.posts("bob", "one"))


def test_slow_mode_ends_when_the_owner_says_so() -> None:
    scene = slow_room()
    scene.lands(scene.posts("bob", "one"))
    set_rights(scene, slow=0, post="guest")
    assert scene.appends(scene.posts("bob", "two"))


def test_a_shorter_interval_holds_at_once() -> None:
    scene = slow_room(600)
    scene.lands(scene.posts("bob", "one"))
    set_rights(scene, slow=5)
    scene.now += 5
    assert scene.appends(scene.posts("bob", "two"))


def test_nobody_is_remembered_longer_than_the_interval() -> None:
    scene = slow_room()
    for number in range(100):
        name = ("bob", "gus", "eve")[number % 3]
        scene.lands(scene.posts(name, f"n{number}"))
        scene.now += 31
    state: Any = scene.room._state
    assert len(state.record.particulars.posted) == 1
    set_rights(scene, slow=0)
    assert state.record.particulars is None


def test_where_nothing_is_slow_nothing_is_remembered() -> None:
    scene = in_a_room()
    set_rights(scene, invite="owner")
    scene.lands(scene.posts("bob", "one"))
    state: Any = scene.room._state
    assert state.record.particulars.posted is None


def test_slow_mode_goes_on_when_the_room_lost_its_writer() -> None:
    scene = slow_room()
    scene.lands(scene.posts("bob", "one"))
    (append,) = scene.appends(scene.posts("mod", "lost"))
    lost = scene.told(Lost(append.ref))
    scene.particulars = Particulars(rights=RoomRights(slow=30))
    scene.answer_opening(lost)
    assert refusals(scene.posts("bob", "two")) == ["rate_limited"]
