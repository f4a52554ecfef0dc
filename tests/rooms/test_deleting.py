"""The end of a room: who hears of it, and what becomes of all that was on its way."""

from __future__ import annotations

from server.protocol.entries import Left
from server.protocol.errors import no_such_room, unavailable
from server.protocol.governing_commands import DeleteRoom, EndRoom, Rename
from server.protocol.objects import User
from server.protocol.page_commands import History
from server.protocol.replies import Ok
from server.protocol.room_commands import Join
from server.relays.messages import Delivered, Forwarded, Removed, Subscribe
from server.rooms.effects import Consult, Effect, FanOut, InTurn, Reply, Rest, Write
from server.rooms.messages import Attach, Delivery, Detached, NotAttached, Request
from server.rooms.opening import Applicant
from server.store.history_messages import HistoryPage
from server.store.log_messages import Anchor, Anchored, Denied, Landed, Lost, Release
from server.store.questions import Done
from server.store.room_changes import RoomDeleted
from server.store.room_messages import NoRoom
from tests.rooms.scene import ROOM, Scene, answers, deliveries, key, of, refusals, user
from tests.rooms.test_moderating import in_a_room, kicks, told_to


def deletes(scene: Scene, who: str = "ann", reason: str | None = "It is over") -> list[Effect]:
    return scene.says(who, DeleteRoom(id="end", room=ROOM, reason=reason))


def ends(scene: Scene, *before: list[Effect]) -> list[Effect]:
    """It lands, behind what landed before it."""
    *earlier, last = scene.appends(*before, deletes(scene))
    landed = [Landed(append.ref, scene.last_seq + place, 1_000) for place, append in enumerate(earlier, 1)]
    return scene.told(*landed, Landed(last.ref, None, 1_000))


def test_everybody_gets_what_came_before_then_the_end_with_its_reason_and_nothing_after() -> None:
    scene = in_a_room()
    effects = ends(scene, scene.posts("bob", "last words"))
    for name in ("ann", "mod", "bob", "gus"):
        *_, delivery, detached = told_to(scene.sessions[name], effects)
        assert isinstance(delivery, Delivery)
        assert isinstance(detached, Detached)
        expected = Left(room=ROOM, user=f"u_{name}", at="1970-01-01T00:00:01.000Z", by="u_ann", reason="It is over")
        assert detached.left == expected
    assert deliveries(effects) == [[1]]
    assert Ok(id="end") in answers(effects)
    assert of(Rest, effects) == [Rest()]
    assert [write.message for write in of(Write, effects)] == [Release(ROOM, scene.lineage)]


def test_for_an_operator_it_ends_in_nobody_s_name_and_waits_for_what_is_being_changed() -> None:
    scene = in_a_room()
    renamed = scene.says("ann", Rename(room=ROOM, name="another-name"))
    end = Request(99, key("task"), User(user="operator", name=None), EndRoom(room=ROOM, reason="The law"))
    assert scene.room.request(end, scene.now) == []
    waited = scene.lands(renamed)
    (append,) = scene.appends(waited)
    assert append.draft == RoomDeleted(None, "The law")
    ended = scene.told(Landed(append.ref, None, 1_000))
    *_, detached = told_to(scene.sessions["bob"], ended)
    assert isinstance(detached, Detached)
    assert (detached.left.by, detached.left.reason) == (None, "The law")
    assert answers(ended) == [Ok()]
    assert refusals(scene.room.request(end, scene.now)) == ["no_such_room"]


def test_afterwards_there_is_no_such_room_for_anybody() -> None:
    scene = in_a_room()
    ends(scene)
    assert refusals(deletes(scene)) == ["no_such_room"]
    assert refusals(scene.posts("bob", "late")) == ["no_such_room"]
    assert refusals(scene.says("eve", Join(room=ROOM))) == ["no_such_room"]
    (told,) = of(Reply, scene.room.attach(Attach(1, key("another"), "u_bob")))
    assert isinstance(told.message, NotAttached)
    assert told.message.refusal.code == no_such_room().code
    assert scene.beat() == []
    assert not scene.is_restless()


def test_whatever_waited_or_came_behind_it_hears_that_there_is_no_room() -> None:
    scene = in_a_room()
    (end,) = scene.appends(deletes(scene))
    assert scene.posts("bob", "waits") == []
    assert deletes(scene) == [], "a second one waits as well"
    (join,) = scene.appends(scene.says("eve", Join(id="join", room=ROOM)))
    effects = scene.told(Landed(end.ref, None, 1_000), Lost(join.ref))
    assert refusals(effects) == ["no_such_room"] * 3
    assert not scene.appends(effects)
    assert of(Rest, effects)


def test_a_page_that_comes_too_late_is_given_to_nobody() -> None:
    scene = in_a_room()
    (asked,) = of(Consult, scene.says("bob", History(id="page", room=ROOM)))
    ends(scene)
    assert scene.room.done(Done(asked.question.ref, HistoryPage(ROOM, (), more=False, known=0)), scene.now) == []


def test_who_is_about_to_be_owner_no_more_deletes_nothing() -> None:
    scene = in_a_room()
    assert refusals(deletes(scene, "mod")) == refusals(deletes(scene, "bob")) == ["forbidden"]
    assert refusals(deletes(in_a_room(), reason="two\nlines")) == ["bad_request"]
    assert refusals(deletes(Scene("ann", "bob", kind="dm"))) == ["forbidden"]


def test_an_end_that_was_not_committed_has_not_happened() -> None:
    scene = in_a_room()
    (end,) = scene.appends(deletes(scene))
    assert refusals(scene.told(Denied(end.ref, unavailable()))) == ["unavailable"]
    assert scene.appends(scene.posts("bob", "still here"))


def test_an_end_nobody_knows_of_is_found_when_the_room_opens_again() -> None:
    scene = in_a_room()
    (end,) = scene.appends(deletes(scene))
    effects = scene.told(Lost(end.ref))
    assert refusals(effects) == ["unavailable"]
    (anchor,) = [write.message for write in of(Write, effects)]
    assert isinstance(anchor, Anchor)
    (load,) = of(Consult, scene.room.done(Done(anchor.ref, Anchored(ROOM, 2)), scene.now))
    assert of(Rest, scene.room.done(Done(load.question.ref, NoRoom(ROOM)), scene.now))


def test_relays_are_told_of_each_who_is_there() -> None:
    scene = in_a_room()
    relay = key("relay")
    (told,) = of(InTurn, scene.room.subscribe(Applicant(Subscribe(1, relay, -1, ("u_bob",)), 7)))
    number = told.message.subscription  # type: ignore[union-attr]
    said = Forwarded(number, 3, 1, user("ann"), DeleteRoom(id="end", room=ROOM), 1)
    (end,) = scene.appends(scene.room.forwarded(said, scene.now))
    effects = scene.told(Landed(end.ref, None, 1_000))
    removed = [effect.message for effect in of(InTurn, effects) if isinstance(effect.message, Removed)]
    assert {one.user for one in removed} == {"u_ann", "u_mod", "u_bob", "u_gus"}
    assert not [fan_out for fan_out in of(FanOut, effects) if isinstance(fan_out.message, Delivered)]
    assert Ok(id="end") in answers(effects)


def test_a_kick_that_landed_with_the_end_is_an_entry_still() -> None:
    scene = in_a_room()
    effects = ends(scene, kicks(scene, "mod", "bob"))
    (detached,) = [told for told in told_to(scene.sessions["bob"], effects) if isinstance(told, Detached)]
    assert (detached.left.seq, detached.left.reason) == (1, "Off topic")
    assert deliveries(effects) == [[1]]
