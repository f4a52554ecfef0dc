"""The audit log: every act, in the transaction that does it, and no other."""

from __future__ import annotations

from typing import Any, cast

from msgspec import structs

from server.protocol.objects import Act, RoomRights, User
from server.store.account_messages import DeleteUser
from server.store.audit_messages import AuditPage, ReadAudit
from server.store.auditing import KEPT_MS
from server.store.changes import MessageGone
from server.store.invite_changes import InviteMade, InviteRevoked, JoinAsked, JoinRefused
from server.store.log_messages import Denied, Landed, MemberGone, NewMember, NewMessage
from server.store.operating import OPERATOR, acts_page
from server.store.room_changes import BanLifted, Muted, Renamed, RightsSet, RoleGiven, RoomDeleted
from tests.store.place import Place

INVITE = "A" * 16
AT = "2025-06-15T15:06:40.000Z"


async def page(place: Place, limit: int = 50, before: int | None = None) -> AuditPage:
    return cast("AuditPage", await place.desk.read(ReadAudit, room=place.room.room, limit=limit, before=before))


async def acts(place: Place) -> list[Act]:
    """The oldest first."""
    return list((await page(place)).acts)[::-1]


async def test_each_act_says_who_did_what_to_whom_and_why(place: Place) -> None:
    ann, bob = User(user=place.ann, name="ann"), User(user=place.bob, name="bob")
    await place.lands(NewMessage(place.bob, "n", "a text that must not be here"))
    family = structs.replace(place.info("family", "Dinner"), rights=RoomRights(post="owner"))
    await place.lands(
        RoleGiven(place.ann, place.info(), place.bob, "guest"),
        Muted(place.ann, place.info(), place.bob, 60),
        Muted(place.ann, place.info(), None, None),
        Renamed(place.ann, place.info("family", "Dinner")),
        RightsSet(place.ann, family),
        MessageGone(place.ann, 3, of_others=True),
        MemberGone(place.bob, place.ann, "Off topic"),
        MemberGone(place.bob, place.ann, "Again", logged=False, banned=True),
        BanLifted(place.bob, place.ann),
    )
    assert await acts(place) == [
        Act(at=AT, act="set_role", by=ann, user=bob, role="guest"),
        Act(at=AT, act="mute", by=ann, user=bob, until="2025-06-15T15:07:40.000Z"),
        Act(at=AT, act="mute", by=ann, until="9999-12-31T23:59:59.999Z"),
        Act(at=AT, act="rename", by=ann, info=place.info("family", "Dinner")),
        Act(at=AT, act="set_rights", by=ann, info=family),
        Act(at=AT, act="delete", by=ann, user=bob, target=3),
        Act(at=AT, act="kick", by=ann, user=bob, reason="Off topic"),
        Act(at=AT, act="ban", by=ann, user=bob, reason="Again"),
        Act(at=AT, act="unban", by=ann, user=bob),
    ]


async def test_what_everybody_may_and_what_changes_nothing_is_no_act(place: Place) -> None:
    await place.lands(NewMember(place.eve, "member", by=place.bob), NewMessage(place.bob, "n", "mine"))
    await place.lands(
        MessageGone(place.bob, 4), MemberGone(place.eve), MemberGone(place.eve, place.ann, "gone already"),
        RoleGiven(place.ann, place.info(), place.eve, "guest"),
    )  # fmt: skip
    assert await acts(place) == []


async def test_who_let_in_whom_and_by_what_is_there_once_however_often_it_is_said(place: Place) -> None:
    ann, bob, eve = (
        User(user=user, name=name) for user, name in ((place.ann, "ann"), (place.bob, "bob"), (place.eve, "eve"))
    )
    made, revoked = InviteMade(INVITE, place.ann, 3, None), InviteRevoked(INVITE, place.bob)
    asked, refused = JoinAsked(place.eve, INVITE), JoinRefused(place.eve, place.bob)
    approved = NewMember(place.eve, "member", by=place.ann, asked=True)
    for drafts in ((made, made), (asked, refused, refused), (asked, approved, approved), (made, revoked, revoked)):
        assert all(isinstance(outcome, Landed) for outcome in await place.lands(*drafts))
        assert all(isinstance(outcome, Landed) for outcome in await place.lands(drafts[-1]))
    assert await acts(place) == [
        Act(at=AT, act="create_invite", by=ann),
        Act(at=AT, act="refuse", by=bob, user=eve),
        Act(at=AT, act="approve", by=ann, user=eve),
        Act(at=AT, act="revoke_invite", by=bob),
    ]


async def test_an_invite_that_is_used_up_or_of_another_room_is_revoked_by_nobody(place: Place) -> None:
    await place.lands(InviteMade(INVITE, place.ann, 1, None), NewMember(place.eve, "member", invite=INVITE))
    await place.lands(InviteRevoked(INVITE, place.ann), InviteRevoked("B" * 16, place.ann))
    assert [act.act for act in await acts(place)] == ["create_invite"]


async def test_made_and_revoked_in_one_commit_are_two_acts_and_nobody_comes_by_it_then(place: Place) -> None:
    made, revoked, came = await place.lands(
        InviteMade(INVITE, place.ann, None, None), InviteRevoked(INVITE, place.ann),
        NewMember(place.eve, "member", invite=INVITE),
    )  # fmt: skip
    assert (type(made), type(revoked), type(came)) == (Landed, Landed, Denied)
    assert [act.act for act in await acts(place)] == ["create_invite", "revoke_invite"]


async def test_an_act_that_is_refused_leaves_nothing_and_its_neighbours_stay(place: Place) -> None:
    await place.desk.created(place.ann, kind="channel", name="taken")
    kick, taken, unban = await place.lands(
        MemberGone(place.bob, place.ann), Renamed(place.ann, place.info("taken")), BanLifted(place.bob, place.ann)
    )
    assert (type(kick), type(taken), type(unban)) == (Landed, Denied, Landed)
    assert [act.act for act in await acts(place)] == ["kick", "unban"]


async def test_it_is_read_page_by_page_the_newest_first(place: Place) -> None:
    names = [f"name{number}" for number in range(5)]
    for name in names:
        await place.lands(Renamed(place.ann, place.info(name)))
    found: list[str | None] = []
    before = None
    while True:
        some = await page(place, 2, before)
        found += [act.info.name for act in some.acts if act.info is not None]
        before = some.next
        if before is None:
            break
    assert found == names[::-1]


async def test_it_is_kept_for_its_time_and_another_room_tells_nothing_of_it(place: Place) -> None:
    await place.lands(Renamed(place.ann, place.info("old")))
    place.desk.now += KEPT_MS
    assert [act.act for act in await acts(place)] == ["rename"]
    place.desk.now += 1
    assert await acts(place) == []
    other = await place.desk.anchored(await place.desk.created(place.ann, place.bob, name="others"))
    other.append(MemberGone(place.bob, place.ann))
    await other.ear.outcomes_of(1)
    assert await acts(place) == []
    with place.desk.store.reading.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM audit").scalar_one() == 1, "what is over is taken away"


async def test_what_an_operator_deletes_is_told_to_operators(place: Place) -> None:
    store = place.desk.store
    await place.lands(MemberGone(place.bob, place.ann, "Off topic"))
    await place.lands(RoomDeleted(None, "Fire"))
    await place.desk.write(DeleteUser, user=place.eve, known_hash=None)
    await place.desk.write(DeleteUser, user=place.bob, known_hash="hash")

    def told(**wanted: Any) -> list[tuple[Any, ...]]:
        with store.reading.connect() as connection:
            page = acts_page(connection, **({"since": 0, "before": None} | wanted))
        return [(act.act, act.by, act.about, act.user, act.reason) for _, act in page]

    room = place.room.room
    kick = ("kick", place.ann, room, place.bob, "Off topic")
    end, gone = ("delete_room", OPERATOR, room, None, "Fire"), ("delete_user", OPERATOR, place.eve, place.eve, None)
    assert set(told()) == {kick, end, gone}
    assert told(about=room) == [end, kick]
    assert told(about=place.eve) == [gone]
    assert told(before=(place.desk.now, room, 2), about=room) == [kick]
    assert told(since=place.desk.now + 1) == []
    assert [act.act for act in await acts(place)] == ["kick"]


async def test_the_end_of_a_room_is_its_last_act(place: Place) -> None:
    await place.lands(RoomDeleted(place.ann, "It is over"))
    (act,) = await acts(place)
    assert (act.act, act.reason) == ("delete_room", "It is over")
