"""What moderators do to people and to the room, told by the effects: in which order, and what holds afterwards."""

from __future__ import annotations

from math import inf

import pytest

from actors import Address
from server.protocol.commands import RoomCommand
from server.protocol.entries import Left, RoomChanged
from server.protocol.errors import unavailable
from server.protocol.governing_commands import Ban, Kick, Mute, Rename, SetRole, Unban
from server.protocol.invite_commands import Invite
from server.protocol.limits import BANS, MUTE_SECONDS
from server.protocol.message_commands import Post
from server.protocol.page_commands import History
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import Join, Leave
from server.relays.messages import Delivered, Forwarded, Removed, Subscribe
from server.rooms.effects import Consult, Effect, FanOut, InTurn, Reply
from server.rooms.messages import Delivery, Detached
from server.rooms.opening import Applicant
from server.rooms.particulars import SAME_SECONDS
from server.store.history_messages import HistoryPage
from server.store.log_messages import Denied, Lost, MemberGone
from server.store.questions import Done
from server.store.room_changes import Particulars
from server.store.user_messages import FindUser
from tests.rooms.scene import ROOM, Scene, answers, deliveries, key, of, refusals, user

THUMB = "\N{THUMBS UP SIGN}"
MODERATED = {"ann": "owner", "mod": "moderator", "gus": "guest"}


def in_a_room(*more: str, kind: str = "channel", **sizes: int) -> Scene:
    """Ann owns it, Mod moderates, Bob is a member and Gus a guest."""
    return Scene("ann", "mod", "bob", "gus", *more, kind=kind, roles=MODERATED, **sizes)  # type: ignore[arg-type]


def found(scene: Scene, name: str, command: RoomCommand, whom: str) -> list[Effect]:
    """`name` says it, and the store knows whom it concerns."""
    asked = scene.says(name, command)
    questions = [consult.question for consult in of(Consult, asked)]
    if not questions:
        return asked
    (question,) = questions
    assert isinstance(question, FindUser)
    return scene.room.done(Done(question.ref, user(whom)), scene.now)


def kicks(scene: Scene, name: str, whom: str) -> list[Effect]:
    return found(scene, name, Kick(id="kick", room=ROOM, user=whom, reason="Off topic"), whom)


def told_to(session: Address, effects: list[Effect]) -> list[object]:
    return [
        effect.message
        for effect in effects
        if (isinstance(effect, FanOut) and session in effect.to)
        or (isinstance(effect, InTurn | Reply) and effect.to is session)
    ]


def changes(effects: list[Effect]) -> list[RoomChanged]:
    told = [effect.message for effect in of(FanOut, effects)]
    entries = [entry for message in told if isinstance(message, Delivery) for entry in message.events]
    return [entry for entry in entries if isinstance(entry, RoomChanged)]


# --- kick --------------------------------------------------------------------------------------------------------


def test_a_kicked_one_gets_what_came_before_then_the_news_and_nothing_after() -> None:
    scene = in_a_room()
    bob = scene.sessions["bob"]
    effects = scene.lands(scene.posts("ann", "a"), kicks(scene, "mod", "bob"), scene.posts("ann", "b"))
    before, detached = told_to(bob, effects)
    assert isinstance(before, Delivery)
    assert isinstance(detached, Detached)
    assert detached.left == Left(room=ROOM, user="u_bob", seq=2, at=detached.left.at, by="u_mod", reason="Off topic")
    assert deliveries(effects) == [[1], [2, 3]]
    assert Ok(id="kick", seq=2) in answers(effects)


def test_nothing_of_a_kicked_one_is_logged_after_the_kick() -> None:
    scene = in_a_room()
    kick = kicks(scene, "mod", "bob")
    assert scene.posts("bob", "late") == [], "it waits until the kick is decided"
    effects = scene.lands(kick)
    assert refusals(effects) == ["not_a_member"]
    assert scene.appends(effects) == []


def test_who_is_about_to_be_kicked_kicks_nobody() -> None:
    scene = in_a_room()
    [asked] = of(Consult, scene.says("mod", Kick(room=ROOM, user="bob")))
    kick = kicks(scene, "ann", "mod")
    assert scene.room.done(Done(asked.question.ref, user("bob")), scene.now) == []
    effects = scene.lands(kick)
    assert "not_a_member" in refusals(effects)
    assert scene.appends(effects) == []


def test_a_kick_that_was_not_committed_has_not_happened() -> None:
    scene = in_a_room()
    (append,) = scene.appends(kicks(scene, "mod", "bob"))
    effects = scene.told(Denied(append.ref, unavailable()))
    assert refusals(effects) == ["unavailable"]
    assert scene.appends(scene.posts("bob", "still here"))


def test_a_kick_nobody_knows_of_is_told_when_the_room_opens_again() -> None:
    scene = in_a_room()
    (append,) = scene.appends(kicks(scene, "mod", "bob"))
    lost = scene.told(Lost(append.ref))
    record = scene.record()
    del record.members["u_bob"]
    effects = scene.answer_opening(lost, record)
    assert [type(message) for message in told_to(scene.sessions["bob"], effects)] == [Detached]
    assert refusals(scene.posts("bob", "late")) == ["not_a_member"]


def test_a_kick_is_logged_in_large_channels_too() -> None:
    scene = in_a_room("zoe", small_room=2)
    (append,) = scene.appends(kicks(scene, "mod", "bob"))
    assert append.draft == MemberGone("u_bob", "u_mod", "Off topic", logged=True)


def test_whom_nobody_knows_as_a_member_is_not_kicked_again() -> None:
    scene = in_a_room()
    assert answers(kicks(scene, "mod", "eve")) == [Ok(id="kick")]
    kick = kicks(scene, "mod", "bob")
    assert kicks(scene, "ann", "bob") == [], "it waits for the first one"
    asked = of(Consult, scene.lands(kick))[0].question
    assert answers(scene.room.done(Done(asked.ref, user("bob")), scene.now)) == [Ok(id="kick")]


def test_a_page_asked_for_before_the_kick_is_not_given_after_it() -> None:
    scene = in_a_room(kind="group")
    [asked] = of(Consult, scene.says("bob", History(id="page", room=ROOM)))
    scene.lands(kicks(scene, "mod", "bob"))
    assert refusals(
        scene.room.done(Done(asked.question.ref, HistoryPage(ROOM, (), more=False, known=1)), scene.now)
    ) == ["no_such_room"]


@pytest.mark.parametrize(("name", "whom"), [("mod", "ann"), ("mod", "mod"), ("bob", "gus"), ("gus", "bob")])
def test_nobody_is_kicked_by_who_is_not_above_them(name: str, whom: str) -> None:
    assert refusals(kicks(in_a_room(), name, whom)) == ["forbidden"]


def test_a_reason_is_a_line() -> None:
    assert refusals(in_a_room().says("mod", Kick(room=ROOM, user="bob", reason="two\nlines"))) == ["bad_request"]


# --- ban ---------------------------------------------------------------------------------------------------------


def banned(scene: Scene, whom: str, *, is_member: bool = True) -> list[Effect]:
    return scene.lands(found(scene, "mod", Ban(id="ban", room=ROOM, user=whom), whom), logged=is_member)


def test_for_who_is_banned_there_is_no_such_room() -> None:
    scene = in_a_room()
    assert Ok(id="ban", seq=1) in answers(banned(scene, "bob"))
    said: list[RoomCommand | Join] = [Join(room=ROOM), Leave(room=ROOM), Post(room=ROOM, nonce="n", text="hello")]
    for command in said:
        assert refusals(scene.says("bob", command)) == ["no_such_room"], command


def test_a_stranger_can_be_banned_and_nobody_is_told() -> None:
    scene = in_a_room()
    effects = banned(scene, "eve", is_member=False)
    assert answers(effects) == [Ok(id="ban")]
    assert of(FanOut, effects) == []
    assert refusals(scene.says("eve", Join(room=ROOM))) == ["no_such_room"]
    assert answers(found(scene, "mod", Ban(id="again", room=ROOM, user="eve"), "eve")) == [Ok(id="again")]
    assert refusals(found(scene, "bob", Invite(room=ROOM, user="eve"), "eve")) == ["forbidden"]


def test_who_is_banned_no_more_may_come_again() -> None:
    scene = in_a_room()
    banned(scene, "bob")
    assert answers(found(scene, "mod", Unban(id="sorry", room=ROOM, user="eve"), "eve")) == [Ok(id="sorry")]
    lifted = scene.lands(found(scene, "mod", Unban(id="sorry", room=ROOM, user="bob"), "bob"), logged=False)
    assert answers(lifted) == [Ok(id="sorry")]
    assert scene.appends(scene.says("bob", Join(room=ROOM)))


def test_what_the_store_knows_of_bans_holds_from_the_beginning() -> None:
    scene = Scene("ann", kind="channel", particulars=Particulars(banned={"u_eve"}))
    assert refusals(scene.says("eve", Join(room=ROOM))) == ["no_such_room"]


def test_a_room_bans_only_so_many() -> None:
    bans = {f"u_{number}" for number in range(BANS)}
    scene = Scene("ann", "bob", kind="channel", roles={"ann": "owner"}, particulars=Particulars(banned=bans))
    assert refusals(found(scene, "ann", Ban(room=ROOM, user="bob"), "bob")) == ["limit_reached"]


# --- roles -------------------------------------------------------------------------------------------------------


def gives(scene: Scene, name: str, whom: str, role: str) -> list[Effect]:
    return found(scene, name, SetRole(id="role", room=ROOM, user=whom, role=role), whom)  # type: ignore[arg-type]


def test_a_room_is_handed_over_in_two_steps_and_never_without_an_owner() -> None:
    scene = in_a_room()
    assert refusals(gives(scene, "ann", "ann", "member")) == ["forbidden"]
    assert refusals(scene.says("ann", Leave(room=ROOM))) == ["forbidden"]
    (change,) = changes(scene.lands(gives(scene, "ann", "bob", "owner")))
    assert (change.by, change.user, change.role, change.info.name) == ("u_ann", "u_bob", "owner", "Scene")
    scene.lands(gives(scene, "ann", "ann", "member"))
    assert refusals(gives(scene, "ann", "gus", "member")) == ["forbidden"], "she owns nothing any more"
    assert refusals(scene.says("bob", Leave(room=ROOM))) == ["forbidden"]


def test_of_two_owners_who_go_at_once_one_stays() -> None:
    scene = Scene("ann", "bob", "eve", roles={"ann": "owner", "bob": "owner"})
    assert scene.appends(scene.says("ann", Leave(room=ROOM)))
    assert refusals(scene.says("bob", Leave(room=ROOM))) == ["forbidden"]


def test_the_last_one_of_all_may_leave() -> None:
    scene = Scene("ann", roles={"ann": "owner"})
    assert scene.appends(scene.says("ann", Leave(room=ROOM)))


def test_owners_are_equals() -> None:
    scene = Scene("ann", "bob", roles={"ann": "owner", "bob": "owner"})
    assert refusals(gives(scene, "ann", "bob", "member")) == ["forbidden"]
    assert refusals(kicks(scene, "ann", "bob")) == ["forbidden"]


def test_who_has_a_role_already_is_given_nothing() -> None:
    scene = in_a_room()
    assert answers(gives(scene, "ann", "mod", "moderator")) == [Ok(id="role")]
    assert refusals(gives(scene, "ann", "eve", "moderator")) == ["no_such_user"]


def test_one_change_of_the_room_waits_for_the_other() -> None:
    scene = in_a_room()
    renaming = scene.says("mod", Rename(id="name", room=ROOM, name="new"))
    assert gives(scene, "ann", "bob", "moderator") == []
    waited = of(Consult, scene.lands(renaming))[0].question
    given = scene.room.done(Done(waited.ref, user("bob")), scene.now)
    (change,) = changes(scene.lands(given))
    assert (change.seq, change.info.name, change.role) == (2, "new", "moderator")


# --- names -------------------------------------------------------------------------------------------------------


def test_what_is_not_named_stays() -> None:
    scene = in_a_room()
    (change,) = changes(scene.lands(scene.says("mod", Rename(room=ROOM, topic="Tables"))))
    assert (change.info.name, change.info.topic) == ("Scene", "Tables")
    (change,) = changes(scene.lands(scene.says("mod", Rename(room=ROOM, name="new"))))
    assert (change.info.name, change.info.topic) == ("new", "Tables")
    assert answers(scene.says("mod", Rename(id="again", room=ROOM, name="new"))) == [Ok(id="again")]
    (change,) = changes(scene.lands(scene.says("mod", Rename(room=ROOM, icon=THUMB))))
    assert (change.info.name, change.info.icon) == ("new", THUMB)
    assert answers(scene.says("mod", Rename(id="again", room=ROOM, icon=THUMB))) == [Ok(id="again")]
    (change,) = changes(scene.lands(scene.says("mod", Rename(room=ROOM, icon=""))))
    assert change.info.icon is None
    (change,) = changes(scene.lands(scene.says("mod", Rename(room=ROOM, topic=""))))
    assert change.info.topic is None


@pytest.mark.parametrize(
    "command",
    [
        Rename(room=ROOM),
        Rename(room=ROOM, name="Not A Channel"),
        Rename(room=ROOM, topic="t" * 251),
        Rename(room=ROOM, topic="a\nb"),
        Rename(room=ROOM, icon="https://example.org/cat.png"),
        Rename(room=ROOM, icon=THUMB + THUMB),
        Mute(room=ROOM, seconds=MUTE_SECONDS + 1),
    ],
)
def test_what_no_room_can_become_is_refused(command: RoomCommand) -> None:
    assert refusals(in_a_room().says("ann", command)) == ["bad_request"]


def test_a_name_that_another_channel_has_changes_nothing() -> None:
    scene = in_a_room()
    (append,) = scene.appends(scene.says("mod", Rename(room=ROOM, name="new")))
    scene.told(Denied(append.ref, unavailable()))
    (change,) = changes(scene.lands(gives(scene, "ann", "bob", "guest")))
    assert change.info.name == "Scene"


# --- mutes -------------------------------------------------------------------------------------------------------


def mutes(scene: Scene, whom: str | None, seconds: int | None) -> list[Effect]:
    return found(scene, "mod", Mute(id="mute", room=ROOM, user=whom, seconds=seconds), whom or "")


def test_who_is_muted_may_not_post_until_it_is_over() -> None:
    scene = in_a_room()
    (change,) = changes(scene.lands(mutes(scene, "bob", 60)))
    assert (change.user, change.muted_until) == ("u_bob", "1970-01-01T00:01:01.000Z")
    (refused,) = answers(scene.posts("bob", "early"))
    assert isinstance(refused, Error)
    assert (refused.code, refused.retry_after) == ("forbidden", 60_001)
    assert scene.appends(scene.posts("gus", "others may"))
    scene.now += 60
    assert scene.appends(scene.posts("bob", "late enough"))


def test_a_post_waits_for_a_mute_that_is_on_its_way() -> None:
    scene = in_a_room()
    for whom in ("bob", None):
        muted = mutes(scene, whom, None)
        assert scene.posts("bob", "quickly") == []
        assert "forbidden" in refusals(scene.lands(muted))
        scene.lands(mutes(scene, whom, 0))
    assert scene.appends(scene.posts("bob", "again"))


def test_in_a_quiet_room_moderators_go_on() -> None:
    scene = in_a_room()
    (change,) = changes(scene.lands(mutes(scene, None, None)))
    assert (change.user, change.quiet_until) == (None, "9999-12-31T23:59:59.999Z")
    assert refusals(scene.posts("bob", "b")) == refusals(scene.posts("gus", "g")) == ["forbidden"]
    assert scene.appends(scene.posts("mod", "m"))
    assert scene.appends(scene.posts("ann", "a"))
    (change,) = changes(scene.lands(mutes(scene, None, 0)))
    assert change.quiet_until == change.at
    assert scene.appends(scene.posts("bob", "b"))


def test_a_mute_said_again_is_the_same_one() -> None:
    scene = in_a_room()
    scene.lands(mutes(scene, "bob", 600))
    scene.now += SAME_SECONDS / 2
    assert answers(mutes(scene, "bob", 600)) == [Ok(id="mute")]
    (change,) = changes(scene.lands(mutes(scene, "bob", 60)))
    assert change.user == "u_bob", "a shorter one is another one"
    assert answers(mutes(scene, "gus", 0)) == [Ok(id="mute")]


def test_nobody_gets_rid_of_a_mute_by_leaving() -> None:
    scene = in_a_room()
    scene.lands(mutes(scene, "bob", 600))
    scene.lands(scene.says("bob", Leave(room=ROOM)))
    scene.lands(scene.says("bob", Join(room=ROOM)))
    assert refusals(scene.posts("bob", "here again")) == ["forbidden"]


def test_mutes_go_on_after_the_room_was_closed() -> None:
    told = Particulars(muted={"u_bob": 30.0}, quiet_until=inf)
    scene = Scene("ann", "bob", "mod", roles={"mod": "moderator", "bob": "moderator"}, particulars=told)
    assert refusals(scene.posts("bob", "b")) == refusals(scene.posts("ann", "a")) == ["forbidden"]
    scene.now += 30
    assert scene.appends(scene.posts("bob", "b"))
    assert refusals(scene.posts("ann", "a")) == ["forbidden"]


# --- relays ------------------------------------------------------------------------------------------------------


def test_by_a_relay_a_kick_is_an_entry_like_others() -> None:
    scene = in_a_room()
    relay = key("relay")
    (told,) = of(InTurn, scene.room.subscribe(Applicant(Subscribe(1, relay, -1, ("u_bob",)), 7)))
    number = told.message.subscription  # type: ignore[union-attr]
    forwarded = Forwarded(number, 3, 1, user("mod"), Kick(id="k", room=ROOM, user="bob"), 1)
    (asked,) = of(Consult, scene.room.forwarded(forwarded, scene.now))
    effects = scene.lands(scene.room.done(Done(asked.question.ref, user("bob")), scene.now))
    delivered = [e.message for e in of(FanOut, effects) if isinstance(e.message, Delivered)]
    assert [entry.by for message in delivered for entry in message.entries if isinstance(entry, Left)] == ["u_mod"]
    assert not [effect for effect in of(InTurn, effects) if isinstance(effect.message, Removed)]
    assert answers(effects) == [Ok(id="k", seq=1)]
