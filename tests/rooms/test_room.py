"""What a room decides, told by its effects."""

from __future__ import annotations

from itertools import count
from typing import cast

import pytest

from server.protocol.attention_commands import Read, Received, Typing
from server.protocol.commands import RoomCommand
from server.protocol.entries import Left, MessageEntry
from server.protocol.errors import Refusal, no_such_room, unavailable
from server.protocol.events import Presence, Receipt, RoomStats, TypingEvent
from server.protocol.invite_commands import Invite
from server.protocol.mentions import EVERYBODY
from server.protocol.message_commands import Post
from server.protocol.page_commands import History, Log
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import Join, Leave, Members
from server.rooms.effects import Consult, FanOut, InTurn, Reply, Rest, TellUser, Unwatch, Watch, Write
from server.rooms.messages import Added, Attach, Attached, Delivery, Detached, NotAttached
from server.rooms.opening import OPENING_SECONDS, PATIENCE_SECONDS
from server.rooms.room import REST_SECONDS, Room
from server.store.history_messages import Authors, HistoryPage, LogPage, ReadAuthors, ReadHistory, ReadLog
from server.store.log_messages import Anchor, Anchored, Denied, Known, Landed, Lost, Release
from server.store.questions import Done, Failed
from server.store.room_messages import NoRoom, SaveMarks
from server.store.user_messages import FindUser
from tests.rooms.scene import ROOM, Scene, answers, deliveries, events_of, key, of, refusals, user

# --- opening -----------------------------------------------------------------------------------------------------


def test_commands_wait_while_the_room_opens() -> None:
    room = Room(ROOM, key("room"), 1, count(1))
    scene = Scene("ann")
    began = room.started(0.0)
    assert room.request(scene.request("ann", Read(room=ROOM, seq=1)), 0.0) == []
    assert room.attach(Attach(7, key("session"), "u_ann")) == []
    scene.room, scene.lineage = room, 0
    effects = scene.answer_opening(began)
    assert [type(effect.message).__name__ for effect in of(Reply, effects)] == ["Answer", "Attached"]


def test_attachments_are_told_apart_wherever_one_of_them_has_ended() -> None:
    scene = Scene("ann", "bob")
    first = dict(scene.attachments)
    scene.attach("ann")
    assert scene.attachments["ann"] > first["ann"], "attached again, without having ended"
    scene.room.ended(scene.sessions["bob"])
    scene.attach("bob")
    assert scene.attachments["bob"] > first["bob"]
    assert Scene("ann", incarnation=2).attachments["ann"] > scene.attachments["bob"]


def test_a_room_that_never_was_answers_all_who_wait_and_stops() -> None:
    scene = Scene()
    scene.room = Room(ROOM, key("room"), 1, count(1))
    anchor = cast("Anchor", of(Write, scene.room.started(0.0))[0].message)
    scene.says("ann", Read(room=ROOM, seq=1))
    scene.room.attach(Attach(7, key("session"), "u_ann"))
    load = of(Consult, scene.room.done(Done(anchor.ref, Anchored(ROOM, 1)), 0.0))[0].question
    effects = scene.room.done(Done(load.ref, NoRoom(ROOM)), 0.0)
    assert answers(effects) == [Error(code=no_such_room().code, message=no_such_room().message)]
    refusals = [e.message.refusal.code for e in of(Reply, effects) if isinstance(e.message, NotAttached)]
    assert refusals == ["no_such_room"]
    assert isinstance(effects[-1], Rest)
    assert not scene.room.restless


def test_opening_begins_again_when_a_step_fails_or_stays_silent() -> None:
    room = Room(ROOM, key("room"), 1, count(1))
    anchor = cast("Anchor", of(Write, room.started(0.0))[0].message)
    assert room.failed(Failed(anchor.ref, unavailable()), 0.0) == []
    assert room.beat(0.5) == []
    again = cast("Anchor", of(Write, room.beat(1.0))[0].message)
    assert again.ref != anchor.ref
    assert room.done(Done(anchor.ref, None), 1.0) == [], "the answer to the first is nobody's business any more"
    assert room.beat(1.0 + OPENING_SECONDS / 2) == []
    assert of(Write, room.beat(1.0 + OPENING_SECONDS))


def test_members_are_told_of_the_room_when_it_opens() -> None:
    """A crash may have come between somebody's joining and the news of it."""
    scene = Scene("ann", "bob")
    scene.room = Room(ROOM, key("room"), 2, count(1))
    scene.lineage = 0
    effects = scene.answer_opening(scene.room.started(0.0))
    assert [(told.user, told.message) for told in of(TellUser, effects)] == [
        ("u_ann", Added(ROOM, 0)), ("u_bob", Added(ROOM, 0)),
    ]  # fmt: skip


# --- posts -------------------------------------------------------------------------------------------------------


def test_nothing_is_said_before_the_writer_says_so() -> None:
    scene = Scene("ann", "bob")
    posted = scene.posts("ann", "n")
    assert len(posted) == 1
    assert [append.draft.nonce for append in scene.appends(posted)] == ["n"]  # type: ignore[union-attr]
    landed = scene.lands(posted)
    assert isinstance(landed[0], Reply), "the answer stands before the delivery"
    assert answers(landed) == [Ok(id="n", room=ROOM, seq=1, at="1970-01-01T00:00:01.000Z", duplicate=False)]
    assert deliveries(landed) == [[1]]
    assert of(FanOut, landed)[0].to == (scene.sessions["ann"], scene.sessions["bob"])


def test_what_lands_together_is_delivered_together() -> None:
    scene = Scene("ann", "bob")
    landed = scene.lands(*[scene.posts("ann", f"n{n}") for n in range(5)])
    assert [answer.id for answer in answers(landed)] == [f"n{n}" for n in range(5)]
    assert deliveries(landed) == [[1, 2, 3, 4, 5]]


def test_a_retry_under_way_gets_the_first_ones_answer() -> None:
    scene = Scene("ann")
    first = scene.posts("ann", "n", "once")
    assert scene.posts("ann", "n", "once") == []
    assert [answer.code for answer in answers(scene.posts("ann", "n", "other")) if isinstance(answer, Error)] == [
        "conflict"
    ]
    told = answers(scene.lands(first))
    assert [(answer.seq, answer.duplicate) for answer in told if isinstance(answer, Ok)] == [(1, False), (1, True)]


def test_a_nonce_known_to_the_store_gets_the_first_ones_place() -> None:
    scene = Scene("ann")
    append = scene.appends(scene.posts("ann", "n"))[0]
    effects = scene.told(Known(append.ref, 7, 1_000))
    assert [(answer.seq, answer.duplicate) for answer in answers(effects) if isinstance(answer, Ok)] == [(7, True)]
    assert deliveries(effects) == []


def test_one_refused_row_is_one_refused_post() -> None:
    scene = Scene("ann")
    first, bad, last = scene.appends(*[scene.posts("ann", f"n{n}") for n in range(3)])
    refusal = Refusal(no_such_room().code, "whatever the store says")
    effects = scene.told(Landed(first.ref, 1, 0), Denied(bad.ref, refusal), Landed(last.ref, 2, 0))
    assert [type(answer).__name__ for answer in answers(effects)] == ["Ok", "Error", "Ok"]
    assert deliveries(effects) == [[1, 2]]


def test_a_gap_in_what_the_writer_gives_is_a_crash() -> None:
    scene = Scene("ann")
    append = scene.appends(scene.posts("ann", "n"))[0]
    with pytest.raises(AssertionError, match="no gap"):
        scene.told(Landed(append.ref, 2, 0))


@pytest.mark.parametrize("reply_to", [0, 3])
def test_a_reply_names_what_exists(reply_to: int) -> None:
    scene = Scene("ann", last_seq=2)
    assert [answer.code for answer in answers(scene.posts("ann", "n", reply_to=reply_to))] == [  # type: ignore[union-attr]
        "no_such_message"
    ]
    assert scene.appends(scene.posts("ann", "m", reply_to=2))


# --- when a commit fails -----------------------------------------------------------------------------------------


def test_a_lost_commit_refuses_all_that_is_on_its_way_and_opens_again() -> None:
    scene = Scene("ann")
    first, second = scene.appends(scene.posts("ann", "a"), scene.posts("ann", "b"))
    effects = scene.told(Lost(first.ref))
    assert [(answer.id, answer.code) for answer in answers(effects) if isinstance(answer, Error)] == [
        ("a", "unavailable"), ("b", "unavailable"),
    ]  # fmt: skip
    assert isinstance(of(Write, effects)[-1].message, Anchor)
    assert scene.told(Lost(second.ref)) == [], "it was told already"
    assert answers(scene.posts("ann", "c")) != [], "what follows is refused, too"
    assert scene.posts("ann", "a") == [], "until the first one is sent again: that one waits"
    assert scene.posts("ann", "b") == []
    opened = scene.answer_opening(effects)
    assert [append.draft.nonce for append in scene.appends(opened)] == ["a", "b"]  # type: ignore[union-attr]


def test_what_landed_without_being_told_is_read_and_delivered() -> None:
    scene = Scene("ann", "bob")
    append = scene.appends(scene.posts("ann", "a"))[0]
    effects = scene.told(Lost(append.ref))
    [question] = of(Consult, scene.answer_opening(effects, scene.record(last_seq=1)))
    assert isinstance(question.question, ReadLog)
    assert (question.question.after, question.question.upto) == (0, 1)
    entry = MessageEntry(seq=1, room=ROOM, from_=user("ann"), text="hello", at="", nonce="a", reactions=())
    opened = scene.room.done(Done(question.question.ref, LogPage(ROOM, 0, (entry,), more=False)), scene.now)
    assert deliveries(opened) == [[1]]
    scene.last_seq = 1
    assert deliveries(scene.lands(scene.posts("bob", "b"))) == [[2]]


def test_an_append_that_stays_without_outcome_ends_the_lineage() -> None:
    scene = Scene("ann")
    scene.posts("ann", "a")
    assert answers(scene.beat(PATIENCE_SECONDS / 2)) == []
    effects = scene.beat(PATIENCE_SECONDS / 2)
    assert [answer.code for answer in answers(effects) if isinstance(answer, Error)] == ["unavailable"]
    assert isinstance(of(Write, effects)[-1].message, Anchor)


def test_a_full_writer_refuses_one_post_and_those_behind_it_keep_their_order() -> None:
    scene = Scene("ann")
    append = scene.appends(scene.posts("ann", "a"))[0]
    refused = scene.room.not_taken(append, scene.now)
    assert [answer.code for answer in answers(refused) if isinstance(answer, Error)] == ["unavailable"]
    assert answers(scene.posts("ann", "b")) != []
    assert scene.appends(scene.posts("ann", "a"))
    assert scene.appends(scene.posts("ann", "b"))


def test_a_request_of_an_earlier_life_is_refused() -> None:
    old, new = Scene("ann"), Scene("ann", incarnation=2)
    request = old.request("ann", Post(room=ROOM, nonce="n", text="late"))
    assert [answer.code for answer in answers(new.room.request(request, 0.0)) if isinstance(answer, Error)] == [
        "unavailable"
    ]


# --- coming and going --------------------------------------------------------------------------------------------


def test_joining_attaches_and_counts_the_own_entry() -> None:
    scene = Scene("ann", kind="channel")
    bob = scene.sessions["bob"] = key("session of bob")
    joining = scene.says("bob", Join(room=ROOM))
    landed = scene.lands(joining, scene.posts("ann", "n"))
    attached = [e.message for e in of(Reply, landed) if isinstance(e.message, Attached)]
    assert [a.last_seq for a in attached] == [2], "with what landed together with it"
    info = answers(landed)[-1].info  # type: ignore[union-attr]
    assert info is not None
    assert (info.last_seq, info.read_seq, info.members) == (2, 1, 2)
    assert bob not in of(FanOut, landed)[0].to
    assert Watch(bob) in landed
    assert of(TellUser, landed) == [TellUser("u_bob", Added(ROOM, 1), is_news=True)]
    assert bob in of(FanOut, scene.lands(scene.posts("ann", "m")))[0].to


def test_what_is_said_behind_a_join_in_the_same_commit_is_unread_for_who_has_joined() -> None:
    scene = Scene("ann", kind="channel", last_seq=5)
    before = scene.posts("ann", "n1")
    joining = scene.says("bob", Join(id=1, room=ROOM))
    behind = [scene.posts("ann", "n2", "@bob"), scene.says("cat", Join(id=2, room=ROOM)), scene.posts("ann", "n3")]
    told = zip(scene.appends(before, joining, *behind), ((), (), ("u_bob",), (), (EVERYBODY,)), strict=True)
    landed = [Landed(append.ref, seq, 1_000, people) for seq, (append, people) in enumerate(told, 6)]
    bob, cat = [answer.info for answer in answers(scene.told(*landed)) if isinstance(answer, Ok) and answer.info]
    assert (bob.read_seq, bob.last_seq, bob.unread, bob.mentions) == (7, 10, 2, 2)
    assert (cat.read_seq, cat.last_seq, cat.unread, cat.mentions) == (9, 10, 1, 1)


def test_what_is_asked_while_a_membership_changes_waits_for_it() -> None:
    scene = Scene("ann", kind="channel")
    joining = scene.says("bob", Join(room=ROOM))
    assert scene.posts("bob", "n") == []
    assert scene.says("bob", Join(room=ROOM)) == []
    landed = scene.lands(joining)
    assert [append.draft.nonce for append in scene.appends(landed)] == ["n"]  # type: ignore[union-attr]
    assert len(answers(landed)) == 2


def test_nothing_of_who_left_is_logged_after_and_nothing_is_delivered_to_them() -> None:
    scene = Scene("ann", "bob")
    leaving = scene.says("bob", Leave(id=1, room=ROOM))
    assert scene.posts("bob", "late") == [], "it waits until the leaving is decided"
    landed = scene.lands(scene.posts("ann", "a"), leaving, scene.posts("ann", "b"))
    bob = scene.sessions["bob"]
    to_bob = [effect for effect in landed if isinstance(effect, FanOut) and bob in effect.to]
    assert deliveries(to_bob) == [[1]], "only what came before"
    assert [answer.code for answer in answers(landed) if isinstance(answer, Error)] == ["no_such_room"]


def test_who_leaves_gets_what_came_before_then_the_news_then_the_answer() -> None:
    scene = Scene("ann", "bob")
    before, leaving, after = scene.posts("ann", "a"), scene.says("bob", Leave(id=1, room=ROOM)), scene.posts("ann", "b")
    landed = scene.lands(before, leaving, after)
    bob = scene.sessions["bob"]
    heard = [e for e in landed if (isinstance(e, FanOut) and bob in e.to) or (isinstance(e, InTurn) and e.to is bob)]
    assert deliveries(heard[:1]) == [[1]]
    detached = heard[1].message
    assert isinstance(detached, Detached)
    assert detached.left.seq == 2
    assert detached.attachment >= scene.attachments["bob"]
    scene.attach("ann")
    assert detached.attachment < scene.attachments["ann"], "who is attached later is not meant"
    assert answers(heard[2:]) == [Ok(id=1, room=ROOM)]
    assert len(heard) == 3
    assert deliveries(landed) == [[1], [2, 3]]
    assert Unwatch(bob) in landed


@pytest.mark.parametrize(
    ("kind", "command", "code"),
    [
        ("group", Join(room=ROOM), "no_such_room"),
        ("dm", Join(room=ROOM), "no_such_room"),
        ("group", Leave(room=ROOM), "no_such_room"),
        ("channel", Post(room=ROOM, nonce="", text=""), "not_a_member"),
        ("group", Post(room=ROOM, nonce="", text=""), "no_such_room"),
        ("group", History(room=ROOM, limit=999), "no_such_room"),
        ("group", Log(room=ROOM, after=0), "no_such_room"),
        ("group", Members(room=ROOM), "no_such_room"),
        ("group", Invite(room=ROOM, user="u_eve"), "no_such_room"),
        ("group", Read(room=ROOM, seq=1), "no_such_room"),
        ("group", Received(room=ROOM, seq=1), "no_such_room"),
        ("group", Typing(id=1, room=ROOM), "no_such_room"),
        ("channel", Typing(id=1, room=ROOM), "not_a_member"),
    ],
)
def test_strangers_are_refused_before_anything_else_is_looked_at(
    kind: str, command: RoomCommand | Join, code: str
) -> None:
    scene = Scene("ann", kind=kind)  # type: ignore[arg-type]
    assert [answer.code for answer in answers(scene.says("eve", command)) if isinstance(answer, Error)] == [code]


@pytest.mark.parametrize(
    ("command", "code"),
    [(Leave(room=ROOM), "forbidden"), (Invite(room=ROOM, user="u_eve"), "forbidden")],
)
def test_a_conversation_of_two_stays_two(command: RoomCommand, code: str) -> None:
    scene = Scene("ann", "bob", kind="dm")
    assert [answer.code for answer in answers(scene.says("ann", command)) if isinstance(answer, Error)] == [code]


def test_leaving_a_channel_again_is_no_error() -> None:
    scene = Scene("ann", kind="channel")
    assert answers(scene.says("eve", Leave(id=1, room=ROOM))) == [Ok(id=1, room=ROOM)]


def test_an_invitation_looks_up_the_person_and_then_looks_at_the_rights_again() -> None:
    scene = Scene("ann", "bob")
    [asked] = of(Consult, scene.says("ann", Invite(id=1, room=ROOM, user="eve")))
    assert isinstance(asked.question, FindUser)
    appended = scene.room.done(Done(asked.question.ref, user("eve")), scene.now)
    landed = scene.lands(appended)
    assert answers(landed) == [Ok(id=1, seq=1)]
    assert of(TellUser, landed) == [TellUser("u_eve", Added(ROOM, 1), is_news=True)]
    [asked] = of(Consult, scene.says("bob", Invite(id=2, room=ROOM, user="zoe")))
    scene.lands(scene.says("bob", Leave(room=ROOM)))
    refused = scene.room.done(Done(asked.question.ref, user("zoe")), scene.now)
    assert [answer.code for answer in answers(refused) if isinstance(answer, Error)] == ["no_such_room"]


def test_in_large_channels_membership_is_not_logged() -> None:
    scene = Scene("ann", "bob", "eve", kind="channel", small_room=2)
    joining = scene.says("zoe", Join(id=1, room=ROOM))
    assert [append.draft.logged for append in scene.appends(joining)] == [False]  # type: ignore[union-attr]
    landed = scene.lands(joining, logged=False)
    assert deliveries(landed) == []
    assert [events_of(told) for told in of(FanOut, scene.beat())] == [[RoomStats(room=ROOM, members=4, online=3)]]
    assert of(FanOut, scene.beat()) == [], "once, and only when it changed"
    gone = scene.lands(scene.says("zoe", Leave(id=2, room=ROOM)), logged=False)
    assert [e.message.left for e in of(InTurn, gone) if isinstance(e.message, Detached)] in (
        [], [Left(room=ROOM, user="u_zoe")],
    )  # fmt: skip


def test_nobody_comes_into_a_full_room_until_somebody_has_left() -> None:
    scene = Scene("ann", "bob", kind="channel", most=3)
    joining = scene.says("eve", Join(id=1, room=ROOM))
    assert refusals(scene.says("zoe", Join(id=2, room=ROOM))) == ["limit_reached"], "eve is on her way"
    scene.lands(joining)
    assert refusals(scene.says("zoe", Join(id=3, room=ROOM))) == ["limit_reached"]
    assert isinstance(answers(scene.says("eve", Join(id=4, room=ROOM)))[0], Ok), "who is there is there"
    scene.lands(scene.says("eve", Leave(id=5, room=ROOM)))
    assert len(scene.appends(scene.says("zoe", Join(id=6, room=ROOM)))) == 1


def test_nobody_is_invited_into_a_full_room() -> None:
    scene = Scene("ann", "bob", most=2)
    [asked] = of(Consult, scene.says("ann", Invite(id=1, room=ROOM, user="eve")))
    told = scene.room.done(Done(asked.question.ref, user("eve")), scene.now)
    assert refusals(told) == ["limit_reached"]


# --- pages -------------------------------------------------------------------------------------------------------


def test_pages_end_where_the_room_stands() -> None:
    scene = Scene("ann", last_seq=9)
    [asked] = of(Consult, scene.says("ann", History(id=1, room=ROOM, before=5, limit=2)))
    question = asked.question
    assert isinstance(question, ReadHistory)
    assert (question.upto, question.before, question.after, question.limit) == (9, 5, None, 2)
    replied = scene.room.done(Done(question.ref, HistoryPage(ROOM, (), more=False, known=9)), scene.now)
    assert answers(replied) == [Ok(id=1, messages=[], more=False, to=9)]
    [asked] = of(Consult, scene.says("ann", Log(id=2, room=ROOM, after=9)))
    replied = scene.room.done(Done(asked.question.ref, LogPage(ROOM, 9, (), more=False)), scene.now)
    assert answers(replied) == [Ok(id=2, entries=[], from_=10, to=9, more=False)]


def test_a_question_without_answer_is_given_up() -> None:
    scene = Scene("ann")
    scene.says("ann", History(id=1, room=ROOM))
    effects = scene.beat(PATIENCE_SECONDS)
    assert [(answer.id, answer.code) for answer in answers(effects) if isinstance(answer, Error)] == [
        (1, "unavailable")
    ]


@pytest.mark.parametrize(
    "command",
    [
        History(room=ROOM, limit=201),
        History(room=ROOM, before=3, after=1),
        Log(room=ROOM, after=0, limit=501),
        Members(room=ROOM, limit=201),
        Members(room=ROOM, next="\0"),
    ],
)
def test_pages_have_bounds(command: RoomCommand) -> None:
    scene = Scene("ann")
    assert [answer.code for answer in answers(scene.says("ann", command)) if isinstance(answer, Error)] == [
        "bad_request"
    ]


# --- what passes -------------------------------------------------------------------------------------------------


def test_receipts_are_told_once_a_second_to_the_authors() -> None:
    scene = Scene("ann", "bob", "eve")
    scene.lands(scene.posts("ann", "a"), scene.posts("eve", "e"))
    assert answers(scene.says("bob", Read(id=1, room=ROOM, seq=1))) == [Ok(id=1, read_seq=1)]
    scene.says("bob", Received(room=ROOM, seq=99))
    effects = scene.beat()
    told = {frozenset(e.to): events_of(e) for e in of(FanOut, effects)}
    assert told == {
        frozenset({scene.sessions["ann"]}): [Receipt(room=ROOM, user="u_bob", read=1)],
        frozenset({scene.sessions["ann"], scene.sessions["eve"]}): [Receipt(room=ROOM, user="u_bob", received=2)],
    }
    assert [w.message.marks[0].received for w in of(Write, effects) if isinstance(w.message, SaveMarks)] == [2]
    assert scene.beat() == []


def test_old_messages_authors_are_asked_for() -> None:
    scene = Scene("ann", "bob", last_seq=5)
    scene.says("bob", Read(room=ROOM, seq=5))
    [asked] = of(Consult, scene.beat())
    assert isinstance(asked.question, ReadAuthors)
    assert (asked.question.after, asked.question.upto) == (0, 5)
    told = scene.room.done(Done(asked.question.ref, Authors(ROOM, 0, 5, frozenset({"u_ann"}))), scene.now)
    assert [events_of(e) for e in of(FanOut, told)] == [[Receipt(room=ROOM, user="u_bob", received=5, read=5)]]


def test_marks_that_could_not_be_written_are_written_later() -> None:
    scene = Scene("ann", "bob", last_seq=5)
    scene.says("bob", Read(room=ROOM, seq=5))
    [save] = [w.message for w in of(Write, scene.beat()) if isinstance(w.message, SaveMarks)]
    scene.room.not_taken(save, scene.now)
    assert [w.message for w in of(Write, scene.beat())] == [save]
    scene.says("ann", Read(room=ROOM, seq=5))
    assert [type(w.message) for w in of(Write, scene.room.stopped())] == [SaveMarks]


def test_typing_goes_to_the_others_and_not_too_often() -> None:
    scene = Scene("ann", "bob")
    [told] = of(FanOut, scene.says("ann", Typing(room=ROOM)))
    assert (events_of(told), told.to) == (
        [TypingEvent(room=ROOM, user="u_ann")], (scene.sessions["bob"],),
    )  # fmt: skip
    assert scene.says("ann", Typing(room=ROOM)) == []
    scene.now += 3.0
    assert of(FanOut, scene.says("ann", Typing(room=ROOM)))


def test_who_comes_and_goes_is_told_when_it_has_lasted() -> None:
    scene = Scene("ann", "bob")
    scene.room.ended(scene.sessions["bob"])
    scene.attach("bob")
    assert of(FanOut, scene.beat()) == [], "a page was reloaded"
    scene.room.ended(scene.sessions["bob"])
    [told] = of(FanOut, scene.beat())
    assert events_of(told) == [Presence(user="u_bob", status="offline")]
    assert told.to == (scene.sessions["ann"],)


# --- rest --------------------------------------------------------------------------------------------------------


def test_a_room_rests_when_nobody_listens_for_a_while() -> None:
    scene = Scene("ann")
    assert not scene.is_restless()
    scene.room.ended(scene.sessions["ann"])
    assert scene.is_restless()
    assert of(Rest, scene.beat()) == []
    assert of(Rest, scene.beat(REST_SECONDS - 1)) == []
    effects = scene.beat()
    assert [type(w.message) for w in of(Write, effects)] == [Release]
    assert isinstance(effects[-1], Rest)


def test_a_room_does_not_rest_while_something_is_on_its_way() -> None:
    scene = Scene("ann")
    scene.room.ended(scene.sessions["ann"])
    scene.beat(REST_SECONDS - 5)
    posted = scene.posts("ann", "by HTTP")
    assert of(Rest, scene.beat(6)) == []
    assert answers(scene.lands(posted))
    assert of(Rest, scene.beat(REST_SECONDS - 1)) == []
    assert of(Rest, scene.beat(REST_SECONDS))


def test_long_texts_travel_in_portions() -> None:
    scene = Scene("ann")
    landed = scene.lands(*[scene.posts("ann", f"n{n}", "x" * 4_000) for n in range(20)])
    sizes = [len(seqs) for seqs in deliveries(landed)]
    assert sizes == [8, 8, 4]
    assert [seq for seqs in deliveries(landed) for seq in seqs] == list(range(1, 21))
    assert all(isinstance(e.message, Delivery) for e in of(FanOut, landed))
