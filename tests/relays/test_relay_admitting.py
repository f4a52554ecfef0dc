"""Whom a relay asks its owner to admit, when, and what becomes of them."""

from __future__ import annotations

from server.protocol.entries import Left
from server.protocol.errors import unavailable
from server.protocol.replies import error_from
from server.relays.admissions import ATTACH_SECONDS, USERS_AT_ONCE
from server.relays.effects import ToOwner
from server.relays.errands import ERRANDS_LIMIT, WAIT_SECONDS
from server.relays.messages import (
    Admit,
    Here,
    NotSubscribed,
    Removed,
    Subscribe,
    Subscribed,
)
from server.relays.relay import ASKING_SECONDS, QUIET_SECONDS
from server.rooms.effects import Reply, Watch
from server.rooms.messages import Attach, Attached, NotAttached
from tests.relays.booth import EPOCH, NEXT_OWNER, OWNER, Booth, delivered_to, entry, of, to_owner
from tests.rooms.scene import ROOM, key


def test_a_session_is_attached_when_the_owner_admits_its_user() -> None:
    booth = Booth(last_seq=7)
    effects = booth.attach("ann")
    [attached] = [r.message for r in of(Reply, effects) if isinstance(r.message, Attached)]
    assert (attached.last_seq, attached.members) == (7, 5)
    assert Watch(booth.sessions["ann"]) in effects


def test_who_is_not_admitted_hears_why() -> None:
    booth = Booth()
    [reply] = of(Reply, booth.attach("eve"))
    assert isinstance(reply.message, NotAttached)
    assert reply.message.refusal.code == "no_such_room"


def test_all_who_come_at_once_are_asked_for_at_once_and_who_comes_meanwhile_waits_for_the_answer() -> None:
    booth = Booth()
    for name in ("ann", "eve", "bob"):
        booth.wants(name)
    [first] = booth.asks()
    assert first.users == ("u_ann", "u_eve", "u_bob")
    for name in ("joe", "zoe"):
        booth.wants(name)
    assert booth.asks() == [], "the owner has a question"
    replies = of(Reply, booth.admits(first))
    assert [type(reply.message) for reply in replies] == [Attached, NotAttached, Attached], "each in its place"
    [second] = booth.asks()
    assert second.users == ("u_joe", "u_zoe")
    assert len(of(Reply, booth.admits(second))) == 2
    assert booth.asks() == []
    assert not booth.relay.restless


def test_the_first_are_asked_for_along_with_the_subscription() -> None:
    booth = Booth(subscribed=False, last_seq=3)
    booth.wants("ann")
    [asked] = to_owner(Subscribe, booth.finds())
    assert (asked.users, asked.admit) == ((), ("u_ann",))
    booth.wants("bob")
    assert booth.relay.settled(booth.now) == [], "whoever owns it has not answered"
    admitted = booth.admitted(asked.ref, "u_ann")
    effects = booth.relay.subscribed(Subscribed(asked.ref, 1, EPOCH, "l", "group", 3, admitted=admitted), booth.now)
    assert [type(reply.message) for reply in of(Reply, effects)] == [Attached]
    assert booth.asks()[0].users == ("u_bob",)


def test_who_is_asked_for_along_with_a_subscription_is_attached_behind_what_is_missing() -> None:
    booth = Booth("ann")
    booth.relay.ended(OWNER, booth.now, clean=False)
    booth.wants("bob")
    booth.last_seq = 2
    reading = booth.subscribe(NEXT_OWNER)
    assert of(Reply, reading) == []
    effects = booth.reads(reading, entry(1), entry(2))
    [attached] = [r.message for r in of(Reply, effects) if isinstance(r.message, Attached)]
    assert attached.last_seq == 2
    assert delivered_to(booth.sessions["bob"], effects) == []
    assert delivered_to(booth.sessions["ann"], effects) == [1, 2]


def test_nobody_is_refused_to_attach_because_many_do() -> None:
    booth = Booth()
    names = [f"p{n}" for n in range(ERRANDS_LIMIT + 1)]
    for name in names:
        booth.wants(name)
    attached = 0
    while asked := booth.asks():
        [admit] = asked
        assert len(admit.users) <= USERS_AT_ONCE
        attached += len(of(Reply, booth.relay.admitted(booth.admitted(admit.ref, *admit.users), booth.now)))
    assert attached == len(names)


def test_a_session_that_asks_again_is_answered_once_for_what_it_asked_last() -> None:
    booth = Booth()
    session = key("session")
    for ref in (7, 8):
        booth.relay.attach(Attach(ref, session, "u_ann"), booth.now)
    booth.sessions["ann"] = session
    [admit] = booth.asks()
    [reply] = of(Reply, booth.admits(admit))
    assert isinstance(reply.message, Attached)
    assert reply.message.ref == 8


def test_who_is_admitted_behind_a_gap_is_attached_behind_it() -> None:
    booth = Booth("ann")
    reading = booth.delivers(entry(3))
    assert of(Reply, booth.attach("bob")) == []
    effects = booth.reads(reading, entry(1), entry(2))
    [attached] = [r.message for r in of(Reply, effects) if isinstance(r.message, Attached)]
    assert attached.last_seq == 3
    assert delivered_to(booth.sessions["bob"], effects) == []


def test_a_removal_holds_for_who_is_admitted_before_it_and_attached_after_it() -> None:
    booth = Booth("ann")
    reading = booth.delivers(entry(2))
    booth.attach("bob")
    booth.relay.removed(Removed(EPOCH, "u_bob", Left(room=ROOM, user="u_bob")), booth.now)
    effects = booth.reads(reading, entry(1))
    assert delivered_to(booth.sessions["bob"], effects) == [-1]
    assert delivered_to(booth.sessions["bob"], booth.delivers(entry(3))) == []


def test_who_was_asked_for_is_asked_for_again_before_those_who_came_later() -> None:
    booth = Booth()
    booth.wants("ann")
    [lost] = booth.asks()
    booth.wants("bob")
    booth.relay.ended(OWNER, booth.now, clean=False)
    assert booth.admits(lost) == [], "that came too late"
    [asked] = to_owner(Subscribe, booth.finds(NEXT_OWNER))
    assert asked.admit == ("u_ann", "u_bob")
    booth.relay.not_subscribed(NotSubscribed(asked.ref, error_from(unavailable())), booth.now)
    assert of(Reply, booth.subscribe(OWNER)), "who is no owner was asked in vain"


def test_who_attaches_waits_longer_because_asking_again_would_not_be_faster() -> None:
    booth = Booth()
    booth.wants("ann")
    [asked] = booth.asks()
    booth.wants("bob")
    assert booth.beat(ASKING_SECONDS - 1) == []
    assert to_owner(Admit, booth.beat(1.0)) == [asked], "in case it was lost"
    assert of(Reply, booth.admits(asked))
    assert booth.admits(asked) == []


def test_nobody_waits_without_end_for_an_owner_that_cannot_be_found() -> None:
    booth = Booth(subscribed=False)
    booth.wants("ann")
    booth.finds()
    booth.wants("bob")
    booth.now += ATTACH_SECONDS
    booth.relay.ended(OWNER, booth.now, clean=False)
    booth.wants("cid")
    refused = of(Reply, booth.beat())
    assert [type(reply.message) for reply in refused] == [NotAttached, NotAttached]
    [asked] = to_owner(Subscribe, booth.finds())
    assert asked.admit == ("u_cid",)


def test_who_attaches_waits_for_an_owner_longer_than_a_command_does() -> None:
    booth = Booth(subscribed=False)
    booth.wants("ann")
    assert of(Reply, booth.beat(WAIT_SECONDS)) == []
    assert of(Reply, booth.subscribe())


def test_a_full_link_is_not_asked_again_at_every_turn() -> None:
    booth = Booth()
    booth.wants("ann")
    [admit] = booth.asks()
    assert booth.relay.not_taken(admit, booth.now) == []
    assert booth.relay.beat_seconds == QUIET_SECONDS
    booth.wants("bob")
    assert booth.asks() == []
    booth.beat(QUIET_SECONDS)
    [again] = booth.asks()
    assert again.users == ("u_ann", "u_bob")


def test_an_owner_that_counts_who_is_admitted_is_not_told_again() -> None:
    booth = Booth()
    assert of(Reply, booth.attach("ann"))
    assert booth.relay.settled(booth.now) == []
    booth.relay.ended(booth.sessions["ann"], booth.now, clean=True)
    assert to_owner(Here, booth.relay.settled(booth.now)) == [Here(1, came=(), went=("u_ann",))]


def test_who_left_by_another_session_before_being_admitted_is_there_all_the_same() -> None:
    """The owner heard of the two sessions in this order: asked for, gone, and believes the user gone."""
    booth = Booth("ann")
    first, booth.sessions = booth.sessions["ann"], {}
    booth.wants("ann")
    [admit] = booth.asks()
    booth.relay.ended(first, booth.now, clean=True)
    assert to_owner(Here, booth.relay.settled(booth.now)) == [Here(1, came=(), went=("u_ann",))]
    booth.admits(admit)
    assert to_owner(Here, booth.relay.settled(booth.now)) == [Here(1, came=("u_ann",), went=())]


def test_who_left_by_another_session_before_being_asked_for_is_there_by_the_answer() -> None:
    booth = Booth("ann")
    first, booth.sessions = booth.sessions["ann"], {}
    booth.relay.ended(first, booth.now, clean=True)
    booth.wants("ann")
    here, admit = [effect.message for effect in of(ToOwner, booth.relay.settled(booth.now))]
    assert here == Here(1, came=(), went=("u_ann",)), "in this order"
    assert isinstance(admit, Admit)
    booth.admits(admit)
    assert booth.relay.settled(booth.now) == []
