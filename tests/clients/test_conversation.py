"""What a conversation promises: each entry once and in order or a word about it, each command until answered."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.checker import Checker
from clients.conversation import ANSWER_DEADLINE, WELCOME_DEADLINE, Conversation
from clients.facts import Acknowledged, Began, CaughtUp, Delivered, Fact, GapTold, Posted, Stored
from clients.happenings import Answered, Happening, Missed, Refused, UnknownEntry
from clients.incoming import BrokenServer
from server.protocol.attention_commands import Focus, Read, Typing
from server.protocol.codec import JSON, encode_event
from server.protocol.commands import FEATURES, AnyCommand
from server.protocol.entries import Joined, Left, MessageEntry
from server.protocol.errors import ErrorCode
from server.protocol.events import Activity, Heartbeat, TypingEvent
from server.protocol.hello_commands import Cursor, Hello, Ping
from server.protocol.message_commands import Post
from server.protocol.objects import User
from server.protocol.page_commands import Log
from server.protocol.replies import Error, Limits, Ok, Resumed, Welcome
from server.protocol.room_commands import CreateRoom, Join, Leave

if TYPE_CHECKING:
    from tests.clients.conftest import SmallConnection, SmallHub

ROOM = "r_lobby"
ANN = User(user="u_ANN", name="ann")


class Talk:
    """A conversation and the small hub, joined by hand: nothing moves unless `exchange` is called."""

    def __init__(self, hub: SmallHub, connection: type[SmallConnection], conversation: Conversation) -> None:
        self.hub = hub
        self.core = conversation
        self.now = 0.0
        self.seen: list[Happening] = []
        self._type = connection
        self.far: SmallConnection | None = None

    def connect(self) -> None:
        self.far = self._type(self.hub, "ann")
        self.core.opened(self.now)
        self.exchange()

    def lose(self) -> None:
        if self.far in self.hub.connections:
            self.hub.connections.remove(self.far)
        self.far = None
        self.core.lost()

    def say(self) -> None:
        assert self.far is not None
        for frame in self.core.to_send(self.now):
            self.far.take(frame)

    def listen(self, most: int | None = None) -> None:
        assert self.far is not None
        for frame in self.far.drain(most):
            self.seen += self.core.receive(frame, self.now)

    def exchange(self) -> None:
        for _ in range(20):
            self.say()
            self.listen()

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.core.tick(self.now)

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.seen if isinstance(event, MessageEntry)]

    @property
    def heard(self) -> list[AnyCommand]:
        assert self.far is not None
        return self.far.heard


@pytest.fixture
def talk(hub: SmallHub, small_connection: type[SmallConnection]) -> Talk:
    hub.logs[ROOM] = []
    return Talk(hub, small_connection, Conversation("token"))


def post(text: str, nonce: str | None = None) -> Post:
    return Post(room=ROOM, nonce=nonce or f"nonce of {text}", text=text)


# --- opening -------------------------------------------------------------------------------------------------


def test_nothing_but_hello_is_said_before_the_welcome(talk: Talk) -> None:
    talk.core.command(post("early"))
    talk.core.opened(0.0)
    assert [JSON.decode_command(frame) for frame in talk.core.to_send(0.0)] == [Hello(token="token")]
    assert talk.core.to_send(0.0) == []


def test_what_was_given_before_the_welcome_goes_out_after_it(talk: Talk) -> None:
    talk.core.command(post("early"))
    talk.connect()
    assert talk.texts == ["early"]


def test_the_welcome_tells_who_one_is_and_where_one_is(talk: Talk) -> None:
    talk.connect()
    assert talk.core.me is not None
    assert talk.core.me.name == "ann"
    assert list(talk.core.rooms) == [ROOM]
    assert isinstance(talk.seen[0], Welcome)


# --- what is looked at ---------------------------------------------------------------------------------------


def test_a_passive_client_says_so_and_names_what_it_looks_at(hub: SmallHub) -> None:
    hub.logs[ROOM] = []
    core = Conversation("token", passive=True)
    core.opened(0.0)
    [hello] = [JSON.decode_command(frame) for frame in core.to_send(0.0)]
    assert hello == Hello(token="token", passive=True)
    limits = Limits(frame=65_536, text=4_000, unanswered=32)
    welcome = Welcome(
        me=User(user="u_ANN", name="ann"), session="s", node="n", heartbeat=30_000, features=FEATURES,
        limits=limits, rooms=[hub.room(ROOM)],
    )  # fmt: skip
    core.receive(encode_event(welcome), 0.0)
    assert core.receive(encode_event(Activity(room=ROOM, last_seq=9, unread=9, mentions=0)), 0.0)
    assert core.to_send(0.0) == [], "nothing is missing"
    number = core.command(Focus(room=ROOM))
    core.to_send(0.0)
    core.receive(encode_event(Ok(id=number, room=ROOM, last_seq=9)), 0.0)
    [asked] = [JSON.decode_command(frame) for frame in core.to_send(0.0)]
    assert isinstance(asked, Log)
    assert (asked.room, asked.after) == (ROOM, 0)
    core.lost()
    core.opened(1.0)
    [again] = [JSON.decode_command(frame) for frame in core.to_send(1.0)]
    assert isinstance(again, Hello)
    assert (again.focus, again.resume) == (ROOM, {ROOM: Cursor("l_1", 0)})


# --- commands and their answers ------------------------------------------------------------------------------


def test_an_answer_carries_the_number_of_its_command(talk: Talk) -> None:
    talk.connect()
    number = talk.core.command(Join(name="tea"))
    talk.exchange()
    (answered,) = [h for h in talk.seen if isinstance(h, Answered)]
    assert answered.id == number
    assert answered.ok.room == "r_tea"
    assert "r_tea" in talk.core.rooms


def test_a_refusal_carries_the_number_of_its_command(talk: Talk) -> None:
    talk.connect()
    number = talk.core.command(CreateRoom(kind="channel", nonce="n"))
    talk.exchange()
    (refused,) = [h for h in talk.seen if isinstance(h, Refused)]
    assert (refused.id, refused.error.code) == (number, ErrorCode.NO_SUCH_ROOM)


def test_a_ping_is_answered(talk: Talk) -> None:
    talk.connect()
    number = talk.core.command(Ping())
    talk.exchange()
    assert [h.id for h in talk.seen if isinstance(h, Answered)] == [number]


def test_a_command_without_an_answer_is_said_again_on_the_next_connection(talk: Talk) -> None:
    talk.connect()
    talk.core.command(Read(room=ROOM, seq=1))
    talk.say()
    talk.lose()
    talk.connect()
    assert [type(c) for c in talk.heard] == [Hello, Read]
    assert len([h for h in talk.seen if isinstance(h, Answered)]) == 1


def test_a_command_that_was_given_up_is_not_said_again(talk: Talk) -> None:
    number = talk.core.command(Read(room=ROOM, seq=1))
    talk.core.give_up(number)
    talk.connect()
    assert [type(c) for c in talk.heard] == [Hello]


def test_the_answer_to_a_command_that_was_given_up_is_nobody_s_event(talk: Talk) -> None:
    talk.connect()
    number = talk.core.command(CreateRoom(kind="channel", nonce="n"))
    talk.say()
    talk.core.give_up(number)
    before = len(talk.seen)
    talk.exchange()
    assert talk.seen[before:] == []


def test_typing_is_said_now_or_never(talk: Talk) -> None:
    talk.core.command(Typing(room=ROOM))
    talk.connect()
    talk.core.command(Typing(room=ROOM))
    talk.exchange()
    assert [c for c in talk.heard if isinstance(c, Typing)] == [Typing(room=ROOM)]


def test_no_more_commands_are_under_way_than_the_server_takes(talk: Talk) -> None:
    talk.connect()
    for seq in range(100):
        talk.core.command(Read(room=ROOM, seq=seq))
    assert len(talk.core.to_send(0.0)) == 32


def test_an_answer_that_cannot_be_read_ends_the_wait(talk: Talk) -> None:
    talk.connect()
    number = talk.core.command(Read(room=ROOM, seq=1))
    (refused,) = talk.core.receive(b'{"op":"ok","id":%d,"seq":"seven"}' % number, 0.0)
    assert isinstance(refused, Refused)
    assert refused.id == number


def test_an_error_that_answers_nothing_is_an_event(talk: Talk) -> None:
    talk.connect()
    error = Error(code=ErrorCode.BAD_REQUEST, message="what?")
    assert talk.core.receive(msgspec.json.encode(error), 0.0) == [error]


@pytest.mark.parametrize("frame", ["", "{", "[]", "7", '"hello"', '{"op":'])
def test_a_peer_that_speaks_no_json_objects_is_broken(talk: Talk, frame: str) -> None:
    talk.connect()
    with pytest.raises(BrokenServer):
        talk.core.receive(frame, 0.0)


# --- posts ---------------------------------------------------------------------------------------------------


def test_posts_of_a_room_go_out_one_by_one(talk: Talk) -> None:
    talk.connect()
    for text in "abc":
        talk.core.command(post(text))
    talk.say()
    assert [c.text for c in talk.heard if isinstance(c, Post)] == ["a"]
    talk.exchange()
    assert talk.texts == ["a", "b", "c"]
    assert talk.core.unsent == []


def test_a_post_refused_for_now_is_tried_again_before_those_behind_it(talk: Talk) -> None:
    talk.connect()
    talk.hub.refuse.extend([ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED])
    for text in "abc":
        talk.core.command(post(text))
    talk.exchange()
    assert talk.texts == []
    assert [p.text for p in talk.core.unsent] == ["a", "b", "c"]
    for _ in range(3):
        talk.pass_time(1.0)
        talk.exchange()
    assert talk.texts == ["a", "b", "c"]
    assert not [h for h in talk.seen if isinstance(h, Refused)]


def test_posts_behind_a_refused_one_are_sent_again_in_order_when_pipelined(
    hub: SmallHub, small_connection: type[SmallConnection]
) -> None:
    hub.logs[ROOM] = []
    talk = Talk(hub, small_connection, Conversation("token", width=8))
    talk.connect()
    hub.refuse.append(ErrorCode.UNAVAILABLE)
    for text in "abc":
        talk.core.command(post(text))
    talk.say()
    assert len([c for c in talk.heard if isinstance(c, Post)]) == 3
    talk.exchange()
    talk.pass_time(5.0)
    talk.exchange()
    assert talk.texts == ["a", "b", "c"]


def test_a_refused_lane_names_the_time_at_which_it_goes_on(talk: Talk) -> None:
    talk.connect()
    talk.hub.refuse.append(ErrorCode.UNAVAILABLE)
    talk.core.command(post("a"))
    talk.exchange()
    assert talk.core.next_wake() == pytest.approx(0.25)


def test_a_post_refused_for_good_makes_way_for_the_next(talk: Talk) -> None:
    talk.connect()
    talk.hub.refuse.append(ErrorCode.TOO_LONG)
    talk.core.command(post("a"))
    talk.core.command(post("b"))
    talk.exchange()
    assert [h.error.code for h in talk.seen if isinstance(h, Refused)] == [ErrorCode.TOO_LONG]
    assert talk.texts == ["b"]


def test_a_post_whose_answer_was_lost_is_answered_as_a_duplicate_and_seen_once(talk: Talk) -> None:
    talk.connect()
    talk.hub.swallow = 1
    talk.core.command(post("a"))
    talk.core.command(post("b"))
    talk.exchange()
    talk.lose()
    talk.connect()
    answers = [h.ok for h in talk.seen if isinstance(h, Answered)]
    assert [(ok.seq, ok.duplicate) for ok in answers] == [(1, True), (2, False)]
    assert talk.texts == ["a", "b"]


def test_a_post_that_was_withdrawn_does_not_hold_up_the_next(talk: Talk) -> None:
    first = talk.core.command(post("a"))
    talk.core.command(post("b"))
    talk.core.give_up(first)
    talk.connect()
    assert talk.texts == ["b"]


# --- entries -------------------------------------------------------------------------------------------------


def test_an_entry_that_was_seen_is_not_handed_on_again(talk: Talk) -> None:
    talk.connect()
    entry = talk.hub.append(ROOM, "bob", "hi")
    talk.exchange()
    talk.hub.tell_all(entry)
    talk.exchange()
    assert talk.texts == ["hi"]


def test_entries_from_before_the_welcome_are_not_owed(talk: Talk) -> None:
    talk.hub.append(ROOM, "bob", "old")
    talk.connect()
    talk.hub.append(ROOM, "bob", "new")
    talk.exchange()
    assert talk.texts == ["new"]


def test_what_is_missing_between_two_entries_is_fetched_before_the_later_is_shown(talk: Talk) -> None:
    talk.connect()
    talk.hub.append(ROOM, "bob", "one", quiet=True)
    talk.hub.append(ROOM, "bob", "two", quiet=True)
    talk.hub.append(ROOM, "bob", "three")
    talk.listen()
    assert talk.texts == []
    talk.exchange()
    assert talk.texts == ["one", "two", "three"]


def test_a_log_that_refuses_for_now_is_asked_again(talk: Talk) -> None:
    talk.connect()
    talk.hub.append(ROOM, "bob", "one", quiet=True)
    talk.hub.append(ROOM, "bob", "two")
    talk.listen()
    (question,) = map(JSON.decode_command, talk.core.to_send(talk.now))
    error = Error(id=question.id, code=ErrorCode.UNAVAILABLE, message="", retry_after=200)
    assert talk.core.receive(msgspec.json.encode(error), talk.now) == []
    assert talk.core.next_wake() == pytest.approx(0.2)
    talk.pass_time(0.3)
    talk.exchange()
    assert talk.texts == ["one", "two"]


@pytest.mark.parametrize(
    "answer",
    [Ok(room=ROOM, entries=[], more=False), Error(code=ErrorCode.FORBIDDEN, message="no")],
    ids=["empty", "refused"],
)
def test_what_the_log_does_not_give_is_told_as_missed(talk: Talk, answer: Ok | Error) -> None:
    talk.connect()
    talk.hub.append(ROOM, "bob", "one", quiet=True)
    talk.hub.append(ROOM, "bob", "two")
    talk.listen()
    (question,) = map(JSON.decode_command, talk.core.to_send(talk.now))
    told = talk.core.receive(msgspec.json.encode(msgspec.structs.replace(answer, id=question.id)), talk.now)
    assert isinstance(told[0], Missed)
    assert (told[0].after, told[0].through) == (0, 1)
    assert isinstance(told[1], MessageEntry)
    assert told[1].text == "two"


def test_an_entry_of_an_unknown_kind_takes_its_seq(talk: Talk) -> None:
    talk.connect()
    frame = b'{"op":"pinned","room":"r_lobby","seq":1,"target":0,"at":"x"}'
    assert talk.core.receive(frame, 0.0) == [UnknownEntry(ROOM, 1, "pinned")]
    talk.hub.logs[ROOM].append(Joined(room=ROOM, seq=1, user=ANN, at="x"))
    talk.hub.append(ROOM, "bob", "two")
    talk.exchange()
    assert talk.texts == ["two"]


def test_an_unknown_event_that_is_no_entry_is_passed_over(talk: Talk) -> None:
    talk.connect()
    assert talk.core.receive(b'{"op":"weather","room":"r_lobby"}', 0.0) == []


def test_a_room_one_was_invited_to_begins_with_its_first_entry(talk: Talk) -> None:
    talk.connect()
    talk.hub.logs["r_new"] = [Joined(room="r_new", seq=1, user=ANN, at="x")]
    talk.hub.tell_all(talk.hub.logs["r_new"][0])
    talk.hub.append("r_new", "bob", "welcome")
    talk.exchange()
    assert talk.texts == ["welcome"]
    assert talk.core.rooms["r_new"].name == "new"
    assert talk.core.cursors()["r_new"] == Cursor("l_1", 2)


def test_a_room_one_leaves_is_forgotten(talk: Talk) -> None:
    talk.connect()
    talk.core.command(Leave(room=ROOM))
    talk.exchange()
    assert ROOM not in talk.core.rooms
    assert ROOM not in talk.core.cursors()


def test_a_room_one_is_removed_from_is_forgotten_and_others_may_go(talk: Talk) -> None:
    talk.connect()
    talk.core.receive(msgspec.json.encode(Left(room=ROOM, user="u_BOB", seq=1, at="x")), 0.0)
    assert ROOM in talk.core.rooms
    talk.core.receive(msgspec.json.encode(Left(room=ROOM, user="u_ANN", seq=2, at="x")), 0.0)
    assert ROOM not in talk.core.rooms


def test_events_without_a_place_in_the_log_are_handed_on(talk: Talk) -> None:
    talk.connect()
    event = TypingEvent(room=ROOM, user="u_BOB")
    assert talk.core.receive(msgspec.json.encode(event), 0.0) == [event]


# --- resuming ------------------------------------------------------------------------------------------------


def test_after_a_loss_exactly_what_was_missed_is_handed_on(talk: Talk) -> None:
    talk.connect()
    talk.hub.append(ROOM, "bob", "one")
    talk.exchange()
    talk.lose()
    talk.hub.append(ROOM, "bob", "two")
    talk.connect()
    talk.hub.append(ROOM, "bob", "three")
    talk.exchange()
    assert talk.hub.hellos[-1].resume == {ROOM: Cursor("l_1", 1)}
    assert talk.texts == ["one", "two", "three"]


def test_a_later_conversation_goes_on_where_an_earlier_one_stopped(
    hub: SmallHub, small_connection: type[SmallConnection]
) -> None:
    hub.append(ROOM, "bob", "one")
    hub.append(ROOM, "bob", "two")
    talk = Talk(hub, small_connection, Conversation("token", {ROOM: Cursor("l_1", 1)}))
    talk.connect()
    assert talk.texts == ["two"]


def test_what_cannot_be_recovered_is_told(talk: Talk) -> None:
    talk.connect()
    talk.lose()
    talk.hub.replay = 1
    for text in "abc":
        talk.hub.append(ROOM, "bob", text)
    talk.connect()
    talk.hub.append(ROOM, "bob", "d")
    talk.exchange()
    missed = [h for h in talk.seen if isinstance(h, Missed)]
    assert missed == [Missed(ROOM, 0, 3, "another_log")]
    assert talk.texts == ["d"]


def test_a_log_restored_from_a_backup_is_read_from_its_end(talk: Talk) -> None:
    talk.connect()
    for text in "abc":
        talk.hub.append(ROOM, "bob", text)
    talk.exchange()
    talk.lose()
    del talk.hub.logs[ROOM][1:]
    talk.hub.log_id = "l_2"
    talk.connect()
    talk.hub.append(ROOM, "bob", "after the restore")
    talk.exchange()
    assert talk.texts == ["a", "b", "c", "after the restore"]
    assert talk.core.cursors()[ROOM] == Cursor("l_2", 2)


def test_rooms_that_do_not_fit_into_hello_are_recovered_too(
    hub: SmallHub, small_connection: type[SmallConnection]
) -> None:
    rooms = [f"r_{n:026}" for n in range(200)]
    for room in rooms:
        hub.append(room, "bob", "seen")
    talk = Talk(hub, small_connection, Conversation("token"))
    talk.connect()
    talk.lose()
    for room in rooms:
        hub.append(room, "bob", f"missed in {room}")
    talk.connect()
    for _ in range(20):
        talk.exchange()
    assert len(msgspec.json.encode(hub.hellos[-1])) <= 4096
    assert sorted(talk.texts) == sorted(f"missed in {room}" for room in rooms)


def test_a_room_lost_meanwhile_is_told(talk: Talk) -> None:
    talk.connect()
    talk.lose()
    talk.core.opened(0.0)
    talk.core.to_send(0.0)
    left = Left(room=ROOM, user="u_ANN")
    assert talk.core.receive(msgspec.json.encode(left), 0.0) == [left]
    assert talk.core.cursors() == {}


def test_resumed_is_handed_on_behind_the_entries_it_ends(talk: Talk) -> None:
    talk.connect()
    talk.lose()
    talk.hub.append(ROOM, "bob", "one")
    talk.connect()
    assert [type(h) for h in talk.seen[-2:]] == [MessageEntry, Resumed]


# --- time ----------------------------------------------------------------------------------------------------


def test_a_ping_is_sent_after_one_silent_interval_and_the_end_comes_after_two_and_a_half(talk: Talk) -> None:
    talk.connect()
    assert talk.core.next_wake() == 30.0
    assert talk.core.tick(30.0) is None
    (frame,) = talk.core.to_send(30.0)
    assert isinstance(JSON.decode_command(frame), Ping)
    assert talk.core.tick(59.0) is None
    assert talk.core.tick(75.0) == "nothing heard"


def test_any_byte_counts_as_life(talk: Talk) -> None:
    talk.connect()
    talk.core.heard(74.0)
    assert talk.core.tick(75.0) is None


def test_the_server_may_change_the_interval(talk: Talk) -> None:
    talk.connect()
    talk.core.receive(msgspec.json.encode(Heartbeat(every=60_000)), 0.0)
    assert talk.core.next_wake() == 60.0


def test_a_command_that_is_not_answered_ends_the_connection(talk: Talk) -> None:
    talk.connect()
    talk.core.command(Read(room=ROOM, seq=1))
    talk.core.to_send(0.0)
    talk.core.heard(ANSWER_DEADLINE)
    assert talk.core.tick(ANSWER_DEADLINE - 1) is None
    assert talk.core.tick(ANSWER_DEADLINE) == "no answer"


def test_a_welcome_that_does_not_come_ends_the_connection(talk: Talk) -> None:
    talk.core.opened(0.0)
    talk.core.to_send(0.0)
    assert talk.core.next_wake() == WELCOME_DEADLINE
    assert talk.core.tick(WELCOME_DEADLINE) == "no welcome"


def test_without_a_connection_there_is_nothing_to_wait_for(talk: Talk) -> None:
    assert talk.core.next_wake() is None
    assert talk.core.tick(1e9) is None


# --- whatever happens ----------------------------------------------------------------------------------------


def _any_trouble(talk: Talk, dice: Random, number: int) -> None:
    """One step of an unlucky day; `number` makes posts differ."""
    match dice.randint(0, 11):
        case 0 | 1:
            talk.core.command(post(f"post {number}"))
        case 2:
            talk.hub.append(ROOM, "bob", f"from bob {number}", f"bob {number}")
        case 3:
            talk.hub.append(ROOM, "bob", f"from bob {number}", f"bob {number}", quiet=True)
        case 4:
            talk.hub.refuse.append(dice.choice([ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED]))
        case 5:
            talk.pass_time(dice.random() * 20)
        case 6 if talk.far is not None:
            talk.lose()
        case 7 if talk.far is None:
            talk.hub.swallow = 0
            talk.connect()
        case 8 | 9 if talk.far is not None:
            talk.say()
        case _ if talk.far is not None:
            talk.listen(dice.randint(1, 3))


def _end_well(talk: Talk) -> None:
    talk.hub.refuse.clear()
    talk.hub.swallow = 0
    if talk.far is None:
        talk.connect()
    for _ in range(5):
        talk.pass_time(11.0)
        talk.hub.append(ROOM, "bob", "nearly the end", f"nearly the end at {talk.now}", quiet=True)
        talk.hub.append(ROOM, "bob", "the end", f"the end at {talk.now}")
        talk.exchange()


def _facts(talk: Talk, attempts: list[Post]) -> list[Fact]:
    facts: list[Fact] = [Began("ann", ROOM, 0)]
    facts += [Posted("u_ANN", ROOM, post.nonce, post.text) for post in attempts]
    for entry in talk.hub.logs[ROOM]:
        assert isinstance(entry, MessageEntry)
        if entry.from_.name == "bob":
            facts.append(Posted("u_BOB", ROOM, entry.nonce, entry.text))
        facts.append(Stored(ROOM, entry.seq, entry.from_.user, entry.nonce, entry.text))
    for happening in talk.seen:
        match happening:
            case MessageEntry():
                author = happening.from_.user
                facts.append(Delivered("ann", ROOM, happening.seq, author, happening.nonce, happening.text))
            case Missed():
                facts.append(GapTold("ann", ROOM, happening.through))
            case Answered(command=Post(nonce=nonce), ok=Ok(seq=int(seq), duplicate=bool(duplicate))):
                facts.append(Acknowledged("u_ANN", ROOM, nonce, seq, duplicate))
    facts.append(CaughtUp("ann", ROOM, len(talk.hub.logs[ROOM])))
    return facts


@settings(max_examples=300, deadline=None)
@given(dice=st.randoms(use_true_random=False), width=st.sampled_from([1, 4]))
def test_whatever_happens_nothing_is_lost_doubled_or_out_of_order(
    small_hub: type[SmallHub], small_connection: type[SmallConnection], dice: Random, width: int
) -> None:
    hub = small_hub()
    hub.logs[ROOM] = []
    talk = Talk(hub, small_connection, Conversation("token", width=width))
    attempts: list[Post] = []
    talk.connect()
    for number in range(60):
        _any_trouble(talk, dice, number)
        attempts += [] if talk.far is None else [c for c in talk.far.heard if isinstance(c, Post)]
        if talk.far is not None:
            talk.far.heard.clear()
    _end_well(talk)
    attempts += [c for c in talk.heard if isinstance(c, Post)]
    checker = Checker()
    for fact in _facts(talk, attempts):
        checker.feed(fact)
    assert checker.findings() == []
    own = [int(text.removeprefix("post ")) for text in talk.texts if text.startswith("post ")]
    assert own == sorted(own), "posts of a room keep their order"
    assert talk.core.unsent == []
