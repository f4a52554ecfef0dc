"""What a relay decides, told by its effects."""

from __future__ import annotations

from typing import cast

from server.protocol.attention_commands import Read, Typing
from server.protocol.entries import Left
from server.protocol.errors import no_such_room, unavailable
from server.protocol.events import Presence
from server.protocol.message_commands import Post
from server.protocol.replies import Error, Ok, error_from
from server.protocol.room_commands import Join, Leave
from server.relays.admissions import USERS_AT_ONCE
from server.relays.effects import Seek, ToOwner
from server.relays.errands import ANSWER_SECONDS, ERRANDS_LIMIT, WAIT_SECONDS
from server.relays.messages import (
    Admission,
    Admitted,
    Answered,
    Forwarded,
    HeadOf,
    Here,
    NotSubscribed,
    PassedOn,
    Removed,
    Subscribe,
    Subscribed,
)
from server.relays.relay import ASKING_SECONDS, PATIENT_SECONDS, QUIET_SECONDS, REST_SECONDS, RETRY_SECONDS
from server.relays.stream import PATIENCE_SECONDS, PUT_OFF_ENTRIES
from server.rooms.effects import Consult, FanOut, Reply, Rest, TellUser, Unwatch
from server.rooms.messages import Added, Answer, Attached, NotAttached, Passing, Pulse, Request, Terms
from server.store.history_messages import ReadLog
from server.store.questions import Done, Failed
from server.store.tally import ReadTally, tally_of
from tests.relays.booth import EPOCH, NEXT_OWNER, OWNER, Booth, answers, delivered_to, entry, joined, left, of, to_owner
from tests.rooms.scene import ROOM, key, user

# --- to be the room ----------------------------------------------------------------------------------------------


def test_an_event_comes_once_and_goes_to_all_sessions_as_one_object() -> None:
    booth = Booth("ann", "bob")
    [fan_out] = of(FanOut, booth.delivers(entry(1)))
    assert set(fan_out.to) == set(booth.sessions.values())
    assert booth.delivers(entry(1)) == [], "what was seen is dropped"


def test_a_command_is_forwarded_and_its_answer_given_back_with_the_senders_reference() -> None:
    booth = Booth("ann")
    request = booth.request("ann", Read(id=5, room=ROOM, seq=1))
    [forwarded] = to_owner(Forwarded, booth.relay.request(request, booth.now))
    assert (forwarded.user, forwarded.subscription) == (user("ann"), booth.number)
    [reply] = of(Reply, booth.relay.answered(Answered(forwarded.ref, Ok(id=5)), booth.now))
    assert reply == Reply(booth.sessions["ann"], Answer(request.ref, Ok(id=5)))
    assert booth.relay.answered(Answered(forwarded.ref, Ok(id=5)), booth.now) == [], "a late one is nobody's"


def test_the_posts_of_a_session_are_known_as_one_senders() -> None:
    booth = Booth("ann", "bob")
    askers = [to_owner(Forwarded, booth.posts(name, f"n{n}"))[0].asker for n, name in enumerate(("ann", "bob", "ann"))]
    assert askers[0] == askers[2] != askers[1]
    by_http = Request(1, key("http"), user("ann"), Post(id=1, room=ROOM, nonce="m", text="hello"))
    assert to_owner(Forwarded, booth.relay.request(by_http, booth.now))[0].asker is None


def test_typing_is_not_answered_and_dropped_without_an_owner() -> None:
    booth = Booth("ann")
    [forwarded] = to_owner(Forwarded, booth.says("ann", Typing(room=ROOM)))
    assert forwarded.ref == 0
    booth.relay.ended(OWNER, booth.now, clean=True)
    assert booth.says("ann", Typing(room=ROOM)) == []


def test_what_carries_the_attachment_of_another_life_is_refused() -> None:
    booth = Booth("ann")
    booth.attachments["ann"] = 2 << 32
    assert answers(booth.posts("ann", "n")) == ["unavailable"]


def test_passing_events_go_to_whom_they_concern() -> None:
    booth = Booth("ann", "bob")
    events = (Presence(user="u_zoe", status="online"),)
    for told, names in (
        (PassedOn(EPOCH, events), {"ann", "bob"}),
        (PassedOn(EPOCH, events, but="u_ann"), {"bob"}),
        (PassedOn(EPOCH, events, to=("u_ann", "u_eve")), {"ann"}),
    ):
        [fan_out] = of(FanOut, booth.relay.passed_on(told))
        assert isinstance(fan_out.message, Passing)
        assert set(fan_out.to) == {booth.sessions[name] for name in names}
    assert booth.relay.passed_on(PassedOn(EPOCH, events, to=("u_eve",))) == []


def test_the_owner_is_told_who_comes_and_goes() -> None:
    booth = Booth()
    [forwarded] = to_owner(Forwarded, booth.says("ann", Join(id=1, room=ROOM)))
    booth.relay.admitted(booth.admitted(forwarded.ref, "u_ann"), booth.now)
    assert to_owner(Here, booth.relay.settled(booth.now)) == [Here(1, came=("u_ann",), went=())]
    booth.relay.ended(booth.sessions["ann"], booth.now, clean=True)
    [here] = to_owner(Here, booth.relay.settled(booth.now))
    assert here == Here(1, came=(), went=("u_ann",))
    assert booth.relay.settled(booth.now) == []
    booth.relay.not_taken(here, booth.now)
    assert to_owner(Here, booth.relay.settled(booth.now)) == [here], "the link was full"


# --- what is missing ---------------------------------------------------------------------------------------------


def test_a_gap_is_read_from_the_store_before_anything_behind_it() -> None:
    booth = Booth("ann")
    ann = booth.sessions["ann"]
    effects = booth.delivers(entry(3))
    assert delivered_to(ann, effects) == []
    assert delivered_to(ann, booth.delivers(entry(4))) == []
    assert delivered_to(ann, booth.reads(effects, entry(1), entry(2))) == [1, 2, 3, 4]


def test_a_head_that_is_ahead_shows_what_was_lost_at_the_end() -> None:
    booth = Booth("ann")
    booth.delivers(entry(1))
    assert booth.relay.head(HeadOf(ROOM, EPOCH, 1), booth.now) == []
    effects = booth.relay.head(HeadOf(ROOM, EPOCH, 3), booth.now)
    assert delivered_to(booth.sessions["ann"], booth.reads(effects, entry(2), entry(3))) == [2, 3]


def test_a_page_that_falls_short_or_does_not_come_is_asked_for_again() -> None:
    booth = Booth("ann")
    effects = booth.delivers(entry(3))
    assert booth.reads(effects) == []
    [again] = of(Consult, booth.beat(1.0))
    booth.relay.failed(Failed(again.question.ref, unavailable()), booth.now)
    assert of(Consult, booth.beat(0.1)) == []
    booth.beat(1.0)
    third = booth.beat(PATIENCE_SECONDS)
    assert delivered_to(booth.sessions["ann"], booth.reads(third, entry(1), entry(2))) == [1, 2, 3]


def test_what_waits_behind_a_gap_is_bounded_because_it_can_be_read() -> None:
    booth = Booth("ann")
    effects = booth.delivers(entry(2))
    for seq in range(3, PUT_OFF_ENTRIES + 4):
        booth.delivers(entry(seq))
    effects = booth.reads(effects, entry(1))
    assert delivered_to(booth.sessions["ann"], effects) == [1]
    [more] = of(Consult, effects)
    assert isinstance(more.question, ReadLog)
    assert (more.question.after, more.question.upto) == (1, PUT_OFF_ENTRIES + 2)


def test_while_nobody_listens_nothing_is_read() -> None:
    booth = Booth()
    assert booth.delivers(entry(5)) == []
    [attached] = [r.message for r in of(Reply, booth.attach("ann")) if isinstance(r.message, Attached)]
    assert attached.last_seq == 5


# --- who may listen ----------------------------------------------------------------------------------------------


def test_who_left_gets_nothing_from_that_entry_on() -> None:
    booth = Booth("ann", "bob")
    effects = booth.delivers(entry(1), left(2, "bob"), entry(3))
    assert delivered_to(booth.sessions["bob"], effects) == [1, -1]
    assert delivered_to(booth.sessions["ann"], effects) == [1, 2, 3]
    assert Unwatch(booth.sessions["bob"]) in effects


def test_who_left_gets_nothing_either_when_that_is_read_later() -> None:
    booth = Booth("ann", "bob")
    effects = booth.reads(booth.delivers(entry(4)), entry(1), left(2, "bob"), entry(3))
    assert delivered_to(booth.sessions["bob"], effects) == [1, -1]


def test_who_came_is_told_of_the_room_unless_the_answer_is_on_its_way() -> None:
    booth = Booth("ann")
    effects = booth.delivers(joined(1, "eve"))
    assert of(TellUser, effects) == [TellUser("u_eve", Added(ROOM, 1))]
    booth.says("joe", Join(id=1, room=ROOM))
    assert of(TellUser, booth.delivers(joined(2, "joe"))) == []


def test_who_joins_is_attached_and_then_answered() -> None:
    booth = Booth("ann")
    [forwarded] = to_owner(Forwarded, booth.says("eve", Join(id=1, room=ROOM)))
    booth.delivers(joined(1, "eve"))
    attached = booth.relay.admitted(Admitted(forwarded.ref, 2, 1, (Admission("member", 1),)), booth.now)
    assert [type(r.message) for r in of(Reply, attached)] == [Attached]
    assert answers(booth.relay.answered(Answered(forwarded.ref, Ok(id=1, room=ROOM), 1), booth.now)) == ["ok"]
    assert delivered_to(booth.sessions["eve"], booth.delivers(entry(2))) == [2]


def test_who_leaves_is_answered_behind_the_entry_even_if_that_was_lost() -> None:
    booth = Booth("ann", "bob")
    [forwarded] = to_owner(Forwarded, booth.says("bob", Leave(id=1, room=ROOM)))
    reading = booth.relay.answered(Answered(forwarded.ref, Ok(id=1, room=ROOM), 2), booth.now)
    assert answers(reading) == []
    effects = booth.reads(reading, entry(1), left(2, "bob"))
    assert delivered_to(booth.sessions["bob"], effects) == [1, -1]
    assert answers(effects) == ["ok"]


def test_a_removal_without_an_entry_ends_what_is_heard_at_once() -> None:
    booth = Booth("ann", "bob")
    gone = Left(room=ROOM, user="u_bob")
    reading = booth.delivers(entry(2))
    assert delivered_to(booth.sessions["bob"], booth.relay.removed(Removed(EPOCH, "u_bob", gone), booth.now)) == [-1]
    assert delivered_to(booth.sessions["bob"], booth.reads(reading, entry(1))) == []


def test_what_a_former_owner_says_is_not_believed() -> None:
    booth = Booth("ann")
    old = EPOCH - 1
    gone = Left(room=ROOM, user="u_ann")
    assert booth.relay.removed(Removed(old, "u_ann", gone), booth.now) == []
    assert booth.relay.passed_on(PassedOn(old, (Presence(user="u_zoe", status="offline"),))) == []
    assert booth.relay.head(HeadOf(ROOM, old, 9), booth.now) == []


# --- owners come and go ------------------------------------------------------------------------------------------


def test_it_looks_for_an_owner_until_there_is_one() -> None:
    booth = Booth(subscribed=False)
    assert booth.seeking == [Seek()]
    booth.relay.found(None)
    assert booth.relay.settled(booth.now) == []
    assert of(Seek, booth.beat(RETRY_SECONDS / 2)) == []
    assert of(Seek, booth.beat())
    booth.finds()
    assert of(Seek, booth.beat()) == [], "it was asked"


def test_an_owner_that_takes_its_time_is_not_asked_anew_but_after_a_minute_the_same() -> None:
    booth = Booth(subscribed=False)
    booth.wants("ann")
    [asked] = to_owner(Subscribe, booth.finds())
    booth.wants("bob")
    assert booth.beat(ASKING_SECONDS - 1) == []
    assert booth.beat(1.0) == [ToOwner(OWNER, asked)], "and no word of parting"
    assert booth.beat(ASKING_SECONDS - 1) == []
    told = Subscribed(asked.ref, 1, EPOCH, "l_LOG", "group", 0, (), booth.admitted(asked.ref, "u_ann"))
    assert of(Reply, booth.relay.subscribed(told, booth.now)), "the answer to either is good"
    assert booth.relay.subscribed(told, booth.now) == [], "and the other one says nothing new"
    assert [admit.users for admit in booth.asks()] == [("u_bob",)]


def test_a_node_that_does_not_own_it_is_not_asked_again_at_once() -> None:
    booth = Booth(subscribed=False)
    [asked] = to_owner(Subscribe, booth.finds(OWNER))
    told = NotSubscribed(asked.ref, error_from(unavailable()))
    assert booth.relay.not_subscribed(told, booth.now) == [Unwatch(OWNER)]
    assert of(Seek, booth.beat())


def test_what_comes_while_there_is_no_owner_waits_and_then_goes_in_order() -> None:
    booth = Booth("ann")
    booth.relay.ended(OWNER, booth.now, clean=True)
    for nonce in ("n1", "n2"):
        assert booth.posts("ann", nonce) == []
    forwarded = to_owner(Forwarded, booth.subscribe(NEXT_OWNER))
    assert [cast("Post", one.command).nonce for one in forwarded] == ["n1", "n2"]


def test_nobody_waits_longer_than_a_move_takes() -> None:
    booth = Booth("ann")
    booth.relay.ended(OWNER, booth.now, clean=True)
    booth.posts("ann", "n1")
    booth.now += WAIT_SECONDS / 2
    booth.posts("ann", "n2")
    assert answers(booth.beat(WAIT_SECONDS / 2)) == ["unavailable", "unavailable"], "nor does what is behind it"


def test_what_an_owner_that_stopped_in_order_did_not_answer_is_sent_to_the_next() -> None:
    booth = Booth("ann")
    [sent] = to_owner(Forwarded, booth.posts("ann", "n"))
    assert answers(booth.relay.ended(OWNER, booth.now, clean=True)) == []
    [again] = to_owner(Forwarded, booth.subscribe(NEXT_OWNER))
    assert again.command == sent.command
    assert again.ref != sent.ref, "an answer to the first would be too late"


def test_what_became_of_commands_at_an_owner_that_is_lost_nobody_knows() -> None:
    booth = Booth("ann")
    booth.posts("ann", "n1")
    effects = booth.relay.ended(OWNER, booth.now, clean=False)
    assert answers(effects) == ["unavailable"]
    assert of(Seek, effects)
    assert answers(booth.posts("ann", "n2")) == ["unavailable"], "it was on its way behind the first"
    assert booth.posts("ann", "n1") == [], "which has come again, and waits"
    assert booth.posts("ann", "n2") == []


def test_an_owner_that_is_dead_by_its_lease_is_lost_although_nobody_heard_of_its_end() -> None:
    booth = Booth("ann")
    booth.posts("ann", "n1")
    effects = booth.relay.orphaned(booth.now)
    assert answers(effects) == ["unavailable"]
    assert of(Unwatch, effects) == [Unwatch(OWNER)]
    assert of(Seek, effects)
    assert booth.posts("ann", "n1") == [], "it waits for the next owner"
    assert to_owner(Forwarded, booth.subscribe(NEXT_OWNER, EPOCH + 2))


def test_its_sessions_stay_and_get_what_they_missed() -> None:
    booth = Booth("ann")
    booth.delivers(entry(1))
    booth.relay.ended(OWNER, booth.now, clean=False)
    assert booth.delivers(entry(2)) == [], "it is nobody's word now"
    effects = booth.reads(booth.subscribe(NEXT_OWNER, EPOCH + 2), entry(2))
    assert delivered_to(booth.sessions["ann"], effects) == [2]


def test_whoever_is_attached_is_looked_at_by_the_next_owner() -> None:
    booth = Booth("ann", "bob")
    booth.relay.ended(OWNER, booth.now, clean=False)
    effects = booth.subscribe(NEXT_OWNER, EPOCH + 2, gone=("u_bob",))
    assert delivered_to(booth.sessions["bob"], effects) == [-1]
    booth.relay.ended(NEXT_OWNER, booth.now, clean=False)
    [asked] = to_owner(Subscribe, booth.finds(OWNER))
    assert (asked.users, asked.epoch_seen) == (("u_ann",), EPOCH + 2)


def test_many_users_are_told_of_in_parts() -> None:
    booth = Booth(*(f"p{n}" for n in range(USERS_AT_ONCE + 1)))
    booth.relay.ended(OWNER, booth.now, clean=False)
    parts = to_owner(Subscribe, booth.finds(OWNER))
    assert [(len(part.users), part.more) for part in parts] == [(USERS_AT_ONCE, True), (1, False)]
    assert len({part.ref for part in parts}) == 1


def test_an_owner_with_a_lower_epoch_is_none() -> None:
    booth = Booth("ann")
    booth.relay.ended(OWNER, booth.now, clean=False)
    [asked] = to_owner(Subscribe, booth.finds(NEXT_OWNER))
    stale = Subscribed(asked.ref, 9, EPOCH - 1, "l_LOG", "group", 0)
    assert booth.relay.subscribed(stale, booth.now) == [Unwatch(NEXT_OWNER)]


def test_a_higher_epoch_sends_it_to_the_new_owner() -> None:
    booth = Booth("ann")
    effects = booth.relay.head(HeadOf(ROOM, EPOCH + 1, 0), booth.now)
    assert of(Seek, effects)
    [asked] = to_owner(Subscribe, booth.finds(NEXT_OWNER))
    assert asked.epoch_seen == EPOCH + 1


def test_a_room_that_never_was_is_said_so_and_forgotten() -> None:
    booth = Booth(subscribed=False)
    booth.says("ann", Read(id=1, room=ROOM, seq=1))
    booth.wants("bob")
    [asked] = to_owner(Subscribe, booth.finds(OWNER))
    effects = booth.relay.not_subscribed(NotSubscribed(asked.ref, error_from(no_such_room())), booth.now)
    assert answers(effects) == ["no_such_room"]
    assert [type(reply.message) for reply in of(Reply, effects)] == [Answer, NotAttached]
    assert effects[-1] == Rest()
    assert not booth.relay.restless


# --- bounds and ends ---------------------------------------------------------------------------------------------


def test_a_full_link_refuses_a_post_and_those_behind_it() -> None:
    booth = Booth("ann")
    [forwarded] = to_owner(Forwarded, booth.posts("ann", "n1"))
    assert answers(booth.relay.not_taken(forwarded, booth.now)) == ["unavailable"]
    assert answers(booth.posts("ann", "n2")) == ["unavailable"]
    assert to_owner(Forwarded, booth.posts("ann", "n1"))


def test_what_the_link_did_not_take_is_not_counted_as_forwarded() -> None:
    booth = Booth("ann", "bob")
    [first] = to_owner(Forwarded, booth.posts("ann", "n1"))
    booth.relay.not_taken(first, booth.now)
    [second] = to_owner(Forwarded, booth.posts("bob", "n"))
    assert (first.number, second.number) == (1, 1)


def test_an_owner_that_ends_the_subscription_is_lost() -> None:
    booth = Booth("ann")
    ref = to_owner(Subscribe, Booth(subscribed=False).finds())[0].ref
    booth.posts("ann", "n")
    effects = booth.relay.not_subscribed(NotSubscribed(ref, error_from(unavailable())), booth.now)
    assert answers(effects) == ["unavailable"]
    assert of(Seek, effects)


def test_of_posts_that_waited_none_is_sent_behind_one_that_the_link_did_not_take() -> None:
    booth = Booth("ann")
    booth.relay.ended(OWNER, booth.now, clean=True)
    for nonce in ("n1", "n2"):
        booth.posts("ann", nonce)
    [asked] = to_owner(Subscribe, booth.finds(OWNER))
    booth.relay.subscribed(Subscribed(asked.ref, 5, EPOCH, "l_LOG", "group", 0), booth.now)
    [first] = to_owner(Forwarded, booth.relay.go_on(booth.now))
    booth.relay.not_taken(first, booth.now)
    assert answers(booth.relay.go_on(booth.now)) == ["unavailable"]


def test_open_commands_are_bounded() -> None:
    booth = Booth("ann")
    for _ in range(ERRANDS_LIMIT):
        booth.says("ann", Read(id=1, room=ROOM, seq=1))
    assert answers(booth.says("ann", Read(id=1, room=ROOM, seq=1))) == ["unavailable"]


def test_a_command_whose_answer_does_not_come_is_refused_in_time() -> None:
    booth = Booth("ann")
    booth.posts("ann", "n")
    assert answers(booth.beat(ANSWER_SECONDS - 1)) == []
    assert answers(booth.beat(1.0)) == ["unavailable"]


def test_it_looks_often_only_where_that_may_help() -> None:
    booth = Booth(subscribed=False)
    assert booth.relay.beat_seconds == RETRY_SECONDS, "there is no owner yet"
    booth.wants("ann")
    booth.finds()
    assert booth.relay.beat_seconds == PATIENT_SECONDS, "the owner was asked, and will answer"
    booth.says("ann", Read(id=1, room=ROOM, seq=1))
    assert booth.relay.beat_seconds == QUIET_SECONDS, "somebody waits for an answer"
    booth = Booth("ann")
    booth.delivers(entry(3))
    assert booth.relay.beat_seconds == RETRY_SECONDS, "what is missing is read"


def test_it_rests_when_nobody_listens_for_a_while() -> None:
    booth = Booth("ann")
    booth.beat()
    assert not booth.relay.restless
    booth.relay.ended(booth.sessions["ann"], booth.now, clean=True)
    assert of(Rest, booth.beat()) == []
    assert of(Rest, booth.beat(REST_SECONDS)) == [Rest()]


def test_where_the_room_has_become_its_own_nodes_it_ends() -> None:
    booth = Booth("ann")
    assert booth.relay.hand_over() == [Rest(clean=True)]
    assert booth.posts("ann", "n") == [], "it is found again by that"
    for_sure = Booth("ann")
    for_sure.posts("ann", "n")
    assert for_sure.relay.hand_over() == [Rest(clean=False)], "the former owner may have done it"


def test_an_error_is_given_back_as_it_came() -> None:
    booth = Booth("ann")
    [forwarded] = to_owner(Forwarded, booth.posts("ann", "n"))
    error = Error(id="n", code=no_such_room().code, message="no such room")
    [reply] = of(Reply, booth.relay.answered(Answered(forwarded.ref, error), booth.now))
    assert isinstance(reply.message, Answer)
    assert reply.message.reply is error


# --- those who do not look ---------------------------------------------------------------------------------------


def test_who_does_not_look_is_told_how_the_room_stands_in_place_of_entries() -> None:
    booth = Booth("ann", "bob")
    booth.passive["bob"] = Terms(heard=0, every=2.0, live=False)
    booth.attach("bob")
    delivered = booth.delivers(entry(1))
    assert delivered_to(booth.sessions["ann"], delivered) == [1]
    assert delivered_to(booth.sessions["bob"], delivered) == []
    assert booth.relay.restless
    [asked] = of(Consult, booth.beat(1.0))
    assert isinstance(asked.question, ReadTally)
    tally = tally_of(ROOM, 1, [(1, "u_zoe", ())])
    [told] = of(FanOut, booth.relay.done(Done(asked.question.ref, tally), booth.now))
    assert (told.message, told.to) == (Pulse(ROOM, tally), (booth.sessions["bob"],))
    booth.beat(1.0)
    relay = booth.relay  # by another name: what was asserted of it above is over
    assert not relay.restless
    booth.passive.clear()
    booth.attach("bob")
    assert delivered_to(booth.sessions["bob"], booth.delivers(entry(2))) == [2]


def test_a_store_that_cannot_be_asked_is_asked_again() -> None:
    booth = Booth("ann", "bob", last_seq=3)
    booth.passive["bob"] = Terms(heard=1, every=2.0, live=False)
    booth.attach("bob")
    [asked] = of(Consult, booth.beat(1.0))
    booth.relay.failed(Failed(asked.question.ref, unavailable()), booth.now)
    assert len(of(Consult, booth.beat(1.0))) == 1
