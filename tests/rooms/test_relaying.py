"""What a room does for the relays of other nodes, told by its effects."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

import pytest

from actors import Address
from server.protocol.attention_commands import Read, Typing
from server.protocol.commands import RoomCommand
from server.protocol.entries import Left
from server.protocol.events import Presence, RoomStats
from server.protocol.message_commands import Post
from server.protocol.objects import RoomKind
from server.protocol.replies import Ok
from server.protocol.room_commands import Join, Leave
from server.protocol.showing import HIDDEN, Shown
from server.relays.messages import (
    Admission,
    Admit,
    Admitted,
    Answered,
    Delivered,
    Forwarded,
    Here,
    NotSubscribed,
    PassedOn,
    Removed,
    Subscribe,
    Subscribed,
)
from server.rooms.effects import Effect, FanOut, InTurn, Reply, Rest, Watch
from server.rooms.messages import Answer, Attached
from server.rooms.ongoing import DOUBT_SECONDS
from server.rooms.opening import Applicant
from server.rooms.remote import RemoteAsker
from server.rooms.room import REST_SECONDS
from server.store.log_messages import Lost
from tests.rooms.scene import ROOM, Scene, events_of, key, of, user

RELAY, OTHER = key("relay"), key("relay of another node")
EPOCH = 7
M = TypeVar("M")


def told(kind: type[M], effects: list[Effect], to: Address = RELAY) -> list[M]:
    """What this relay is told of that kind."""
    messages: list[object] = []
    for effect in effects:
        match effect:
            case FanOut(message=message, to=receivers) if to in receivers:
                messages.append(message)
            case InTurn(message=message, to=receiver) | Reply(message=message, to=receiver) if receiver == to:
                messages.append(message)
            case _:
                pass
    return [message for message in messages if isinstance(message, kind)]


class Hall(Scene):
    """A room of which some members listen here, and others by a relay."""

    numbers: Counter[int]

    def __init__(self, *names: str, kind: RoomKind = "group", small_room: int = 256, last_seq: int = 0) -> None:
        super().__init__(*names, kind=kind, small_room=small_room, last_seq=last_seq)
        self.numbers = Counter()

    def subscribe(
        self, *names: str, relay: Address = RELAY, ref: int = 1, epoch: int | None = EPOCH, seen: int = -1,
        more: bool = False,
    ) -> list[Effect]:  # fmt: skip
        users = tuple(f"u_{name}" for name in names)
        return self.room.subscribe(Applicant(Subscribe(ref, relay, seen, users, more), epoch))

    def subscribed(self, *names: str, relay: Address = RELAY) -> int:
        """The number of a new subscription."""
        [subscribed] = told(Subscribed, self.subscribe(*names, relay=relay), relay)
        return subscribed.subscription

    def forwarded(self, number: int, name: str, command: RoomCommand | Join, asker: int | None = 1) -> list[Effect]:
        self.numbers[number] += 1
        forwarded = Forwarded(number, next(self.refs), asker, user(name), command, self.numbers[number])
        return self.room.forwarded(forwarded, self.now)

    def forwarded_post(self, number: int, name: str, nonce: str, asker: int | None = 1) -> list[Effect]:
        return self.forwarded(number, name, Post(id=nonce, room=ROOM, nonce=nonce, text="hello"), asker)


def answered(effects: list[Effect]) -> list[str]:
    """How what came by the relay is answered: `ok`, or the code of the refusal."""
    replies = [
        effect.message.reply
        for effect in effects
        if isinstance(effect, Reply | InTurn) and isinstance(effect.message, Answer | Answered)
    ]
    return ["ok" if isinstance(reply, Ok) else reply.code for reply in replies]


# --- subscribing -------------------------------------------------------------------------------------------------


def test_a_relay_is_told_how_far_the_log_reaches_and_who_is_no_member() -> None:
    hall = Hall("ann", "bob", last_seq=4)
    effects = hall.subscribe("bob", "eve")
    [subscribed] = told(Subscribed, effects)
    assert (subscribed.epoch, subscribed.last_seq, subscribed.gone) == (EPOCH, 4, ("u_eve",))
    assert Watch(RELAY) in effects


def test_a_relay_waits_until_the_room_is_open() -> None:
    hall = Hall("ann")
    posted = hall.posts("ann", "n")
    begun = hall.told(Lost(hall.appends(posted)[0].ref))
    assert hall.subscribe() == []
    assert told(Subscribed, hall.answer_opening(begun))


def test_nobody_subscribes_where_the_room_is_not_owned_or_by_an_epoch_that_is_over() -> None:
    hall = Hall("ann")
    for effects in (hall.subscribe(epoch=None), hall.subscribe(epoch=6, seen=7)):
        assert [no.error.code for no in told(NotSubscribed, effects)] == ["unavailable"]
    hall.subscribed()
    assert told(NotSubscribed, hall.subscribe(relay=OTHER, epoch=EPOCH + 2), OTHER), "this room has been another's"


def test_many_users_are_told_of_in_parts() -> None:
    hall = Hall("ann", "bob")
    assert told(Subscribed, hall.subscribe("ann", "eve", more=True)) == []
    [subscribed] = told(Subscribed, hall.subscribe("bob", "joe"))
    assert subscribed.gone == ("u_eve", "u_joe")
    assert len(told(Delivered, hall.lands(hall.posts("ann", "n")))) == 1, "it is one subscription"


@pytest.mark.parametrize("others", [0, 1_000])
def test_the_names_of_members_are_not_held_twice(others: int) -> None:
    hall = Hall("ann", "bob", *map(str, range(others)))
    number = hall.subscribed("bob")
    hall.room.admit(Admit(number, 7, ("".join(("u_", "ann")),)))
    state = hall.room._state
    assert state is not None
    assert state.audience.elsewhere is not None
    theirs = [member for member in state.members if member in ("u_ann", "u_bob")]
    assert sorted(map(id, state.audience.elsewhere.users_of(number))) == sorted(map(id, theirs))


def test_subscribing_again_replaces_the_first_subscription() -> None:
    hall = Hall("ann", "bob")
    first = hall.subscribed("bob")
    [subscribed] = told(Subscribed, hall.subscribe("bob", ref=2))
    assert hall.forwarded_post(first, "bob", "n") == [], "whoever sent that has heard of the end"
    assert len(told(Delivered, hall.lands(hall.forwarded_post(subscribed.subscription, "bob", "n")))) == 1


# --- what is told ------------------------------------------------------------------------------------------------


def test_an_event_goes_to_each_node_once_however_many_listen_there() -> None:
    hall = Hall("ann", "bob", "eve")
    hall.subscribed("bob", "eve")
    hall.subscribed(relay=OTHER)
    effects = hall.lands(hall.posts("ann", "n"))
    [fan_out] = [fan_out for fan_out in of(FanOut, effects) if isinstance(fan_out.message, Delivered)]
    assert fan_out.to == (RELAY, OTHER)


def test_a_forwarded_post_is_answered_before_it_is_delivered() -> None:
    hall = Hall("ann", "bob")
    number = hall.subscribed("bob")
    effects = hall.lands(hall.forwarded_post(number, "bob", "n"))
    kinds = [type(effect.message) for effect in effects if isinstance(effect, Reply | FanOut)]
    assert kinds.index(Answer) < kinds.index(Delivered)
    [reply] = [effect.to for effect in of(Reply, effects)]
    assert reply == RemoteAsker(RELAY, 1)


def test_posts_behind_a_refused_one_are_told_apart_by_their_sender_at_the_relay() -> None:
    hall = Hall("ann", "bob", "eve")
    number = hall.subscribed("bob", "eve")
    first = hall.forwarded_post(number, "bob", "n1", asker=1)
    begun = hall.told(Lost(hall.appends(first)[0].ref))
    assert answered(begun) == ["unavailable"]
    hall.answer_opening(begun)
    assert answered(hall.forwarded_post(number, "bob", "n2", asker=1)) == ["unavailable"]
    assert hall.appends(hall.forwarded_post(number, "eve", "n", asker=2)), "nobody else waits for it"
    assert hall.appends(hall.forwarded_post(number, "bob", "n1", asker=1)), "it is sent again"


def test_where_a_command_is_missing_the_subscription_ends() -> None:
    """It did not fit into the mailbox, and what follows must not be taken for it."""
    hall = Hall("ann", "bob")
    number = hall.subscribed("bob")
    hall.numbers[number] += 1
    effects = hall.forwarded_post(number, "bob", "n2")
    assert [no.error.code for no in told(NotSubscribed, effects)] == ["unavailable"]
    assert hall.forwarded_post(number, "bob", "n3") == []


def test_who_joins_by_a_relay_is_admitted_behind_the_own_entry_and_then_answered() -> None:
    hall = Hall("ann", kind="channel")
    number = hall.subscribed()
    effects = hall.lands(hall.forwarded(number, "eve", Join(id=1, room=ROOM)))
    kinds = [type(m) for m in told(object, effects)]
    assert kinds == [Delivered, Admitted, Answered]
    [admitted], [answer] = told(Admitted, effects), told(Answered, effects)
    assert (admitted.last_seq, admitted.ref, answer.behind) == (1, answer.ref, 1)


def test_who_leaves_by_a_relay_is_answered_behind_the_own_entry() -> None:
    hall = Hall("ann", "bob", kind="channel")
    number = hall.subscribed("bob")
    effects = hall.lands(hall.forwarded(number, "bob", Leave(id=1, room=ROOM)))
    assert [type(m) for m in told(object, effects)] == [Delivered, Answered]
    [again] = told(Answered, hall.forwarded(number, "bob", Leave(id=2, room=ROOM)))
    assert again.behind == 1, "who repeats it hears nothing more, too"


def test_users_are_admitted_while_they_are_members() -> None:
    hall = Hall("ann", "bob")
    number = hall.subscribed()
    [admitted] = told(Admitted, hall.room.admit(Admit(number, 9, ("u_bob", "u_eve", "u_ann"))))
    assert admitted == Admitted(9, 2, 0, (Admission("member", 0), None, Admission("member", 0)))
    assert hall.room.admit(Admit(number + 1, 11, ("u_bob",))) == [], "of another life"


def test_who_is_admitted_counts_as_being_there_at_once() -> None:
    hall = Hall("ann", "bob")
    number = hall.subscribed()
    hall.room.ended(hall.sessions["bob"])
    hall.beat()
    hall.room.admit(Admit(number, 10, ("u_bob", "u_eve")))
    [news] = told(PassedOn, hall.beat())
    assert news.events == (Presence(user="u_bob", status="online"),), "strangers are nowhere"


def test_who_is_asked_for_along_with_a_subscription_is_admitted_by_its_answer() -> None:
    hall = Hall("ann", "bob", last_seq=4)
    hall.room.ended(hall.sessions["bob"])
    hall.beat()
    applicant = Applicant(Subscribe(1, RELAY, -1, ("u_ann",), admit=("u_bob", "u_eve")), EPOCH)
    [subscribed] = told(Subscribed, hall.room.subscribe(applicant))
    assert subscribed.admitted == Admitted(1, 2, 4, (Admission("member", 0), None))
    assert subscribed.gone == (), "who is only asked for was not there"
    [news] = told(PassedOn, hall.beat())
    assert news.events == (Presence(user="u_bob", status="online"),)


def test_every_relay_hears_of_a_removal_that_is_not_in_the_log() -> None:
    hall = Hall("ann", "bob", "eve", kind="channel", small_room=1)
    number = hall.subscribed("bob")
    hall.subscribed(relay=OTHER)
    effects = hall.lands(hall.forwarded(number, "bob", Leave(id=1, room=ROOM)), logged=False)
    for relay in (RELAY, OTHER):
        [removed] = told(Removed, effects, relay)
        assert (removed.epoch, removed.user) == (EPOCH, "u_bob")
    [again] = told(Removed, hall.room.here(Here(number, came=("u_bob",), went=())))
    assert again.left == Left(room=ROOM, user="u_bob"), "it was not told in time that somebody was there"


# --- who is there ------------------------------------------------------------------------------------------------


def test_people_are_there_by_a_relay_too() -> None:
    hall = Hall("ann", "bob")
    number = hall.subscribed()
    hall.room.here(Here(number, came=("u_bob",), went=()))
    assert told(PassedOn, hall.beat()) == [], "she was there before, and is"
    hall.room.ended(hall.sessions["bob"])
    assert told(PassedOn, hall.beat()) == [], "she still is, elsewhere"
    hall.room.here(Here(number, came=(), went=("u_bob",)))
    [news] = told(PassedOn, hall.beat())
    assert news.events == (Presence(user="u_bob", status="offline"),)


def test_how_somebody_looks_is_told_from_node_to_node_and_ends_with_the_node() -> None:
    hall = Hall("ann", "bob")
    hall.room.ended(hall.sessions["bob"])
    hall.beat()
    number = hall.subscribed()
    hall.room.admit(Admit(number, 1, ("u_bob",), (("u_bob", Shown("away")), ("u_eve", Shown("busy")))))
    [here] = of(FanOut, [effect for effect in hall.beat() if not told(PassedOn, [effect])])
    assert events_of(here) == [Presence(user="u_bob", status="away")], "and never just online"
    other = hall.subscribed(relay=OTHER)
    hall.room.here(Here(other, came=("u_bob",), went=()))
    [news] = told(PassedOn, hall.beat())
    assert news.events == (Presence(user="u_bob", status="online"),), "one device is in use"
    hall.room.ended(OTHER)
    [news] = told(PassedOn, hall.beat())
    assert news.events == (Presence(user="u_bob", status="away"),)
    hall.room.here(Here(number, (), (), (("u_bob", HIDDEN),)))
    [news] = told(PassedOn, hall.beat())
    assert news.events == (Presence(user="u_bob", status="offline"),)
    hall.room.here(Here(number, (), ("u_bob",), ()))
    hall.beat()
    assert told(PassedOn, hall.beat()) == []


def test_people_go_with_their_node() -> None:
    hall = Hall("ann", "bob", "eve")
    for name in ("bob", "eve"):
        hall.room.ended(hall.sessions[name])
    hall.beat()
    hall.subscribed("bob", "eve")
    hall.beat()
    hall.room.ended(RELAY)
    [news] = of(FanOut, hall.beat())
    assert news.to == (hall.sessions["ann"],)
    assert events_of(news) == [Presence(user=f"u_{name}", status="offline") for name in ("bob", "eve")]
    assert told(Delivered, hall.lands(hall.posts("ann", "n"))) == []


def test_who_went_with_a_former_owner_is_told_when_the_others_have_come_back() -> None:
    hall = Hall("ann", "bob", "eve")
    for name in ("bob", "eve"):
        hall.room.ended(hall.sessions[name])
    hall.beat()
    for relay, seen in ((RELAY, EPOCH - 2), (OTHER, EPOCH - 1)):
        hall.subscribe("bob", relay=relay, seen=seen)
        news = [
            event for _ in range(int(DOUBT_SECONDS) + 2) for on in told(PassedOn, hall.beat()) for event in on.events
        ]
        assert Presence(user="u_eve", status="offline") in news, "also for one that comes back later than others"
        assert not hall.is_restless()


def test_who_went_while_the_room_came_here_is_told_to_those_who_listen_here() -> None:
    """Nobody else has: neither by a relay, nor by one that knew another owner."""
    scene = Scene("ann", "bob", is_inherited=True)
    scene.room.ended(scene.sessions["bob"])
    scene.beat()
    told_later = [fan_out for _ in range(int(DOUBT_SECONDS) + 1) for fan_out in of(FanOut, scene.beat())]
    assert [events_of(fan_out) for fan_out in told_later] == [[Presence(user="u_bob", status="offline")]]
    assert not scene.is_restless()


def test_whoever_attaches_to_a_dm_learns_whether_the_other_one_is_there_wherever_that_is() -> None:
    hall = Hall("ann", "bob", kind="dm")

    def peer_of_ann() -> str | None:
        [attached] = told(Attached, hall.attach("ann"), hall.sessions["ann"])
        return attached.peer

    assert peer_of_ann() == "u_bob"
    hall.room.ended(hall.sessions["bob"])
    assert peer_of_ann() == "u_bob", "as long as nobody was told"
    hall.beat()
    assert peer_of_ann() is None
    number = hall.subscribed("bob")
    assert peer_of_ann() == "u_bob"
    [admitted] = told(Admitted, hall.room.admit(Admit(number, 9, ("u_bob",))))
    assert admitted.admissions == (Admission("member", 0, "u_ann"),)


def test_of_a_group_only_changes_are_told() -> None:
    hall = Hall("ann", "bob")
    [attached] = told(Attached, hall.attach("ann"), hall.sessions["ann"])
    assert attached.peer is None


def test_receipts_go_to_the_nodes_of_the_authors() -> None:
    hall = Hall("ann", "bob", "eve")
    number = hall.subscribed("bob")
    hall.subscribed("eve", relay=OTHER)
    hall.lands(hall.forwarded_post(number, "bob", "n"))
    hall.says("ann", Read(room=ROOM, seq=1))
    effects = hall.beat()
    [receipt] = [on for on in told(PassedOn, effects) if on.to is not None]
    assert receipt.to == ("u_bob",)
    assert [on for on in told(PassedOn, effects, OTHER) if on.to is not None] == []


def test_typing_is_passed_on_to_other_nodes_but_not_to_its_author() -> None:
    hall = Hall("ann", "bob")
    number = hall.subscribed("bob")
    [typing] = told(PassedOn, hall.forwarded(number, "bob", Typing(room=ROOM)))
    assert (typing.to, typing.but) == (None, "u_bob")


def test_counts_of_a_large_channel_reach_other_nodes() -> None:
    hall = Hall("ann", "bob", kind="channel", small_room=1)
    number = hall.subscribed()
    hall.lands(hall.forwarded(number, "eve", Join(id=1, room=ROOM)), logged=False)
    [stats] = told(PassedOn, hall.beat())
    assert stats.events == (RoomStats(room=ROOM, members=3, online=2),)


def test_a_room_does_not_rest_while_a_relay_listens() -> None:
    hall = Hall("ann")
    hall.room.ended(hall.sessions["ann"])
    hall.subscribed()
    assert of(Rest, hall.beat(REST_SECONDS * 2)) == []
    hall.room.ended(RELAY)
    hall.beat()
    assert of(Rest, hall.beat(REST_SECONDS))
