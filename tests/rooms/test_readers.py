"""In a large room authors are told how many have read what they wrote, and nobody is told who."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from server.protocol.attention_commands import Read, Received
from server.protocol.events import Readers, Receipt
from server.relays.messages import PassedOn
from server.rooms.effects import Effect, FanOut
from server.rooms.readers import TOLD_SECONDS, Covered, Written, count, untold
from server.rooms.receipts import REMEMBERED_AUTHORS
from tests.rooms.scene import ROOM, Scene, events_of, key, of
from tests.rooms.test_relaying import RELAY, Hall
from tests.rooms.test_relaying import told as told_to_relay

PEOPLE = ("ann", "bob", "eve", "zoe")


def told(scene: Scene, effects: list[Effect]) -> dict[str, list[tuple[int, int]]]:
    """By name, of which messages and how many readers somebody is told."""
    heard: dict[str, list[tuple[int, int]]] = {}
    for fan_out in of(FanOut, effects):
        [name] = [name for name, session in scene.sessions.items() if session in fan_out.to]
        assert len(fan_out.to) == 1, "an author and nobody else"
        events = events_of(fan_out)
        heard[name] = [(event.read, event.readers) for event in events if isinstance(event, Readers)]
        assert len(heard[name]) == len(events)
    return heard


def posted(scene: Scene, *names: str) -> None:
    for number, name in enumerate(names):
        scene.lands(scene.posts(name, f"{name} {scene.last_seq} {number}"))


def test_authors_are_told_how_many_others_have_read_together_and_after_a_while() -> None:
    scene = Scene(*PEOPLE, small_room=2)
    posted(scene, "ann", "bob", "ann")
    scene.says("eve", Read(room=ROOM, seq=2))
    assert told(scene, scene.beat()) == {}
    scene.says("ann", Read(room=ROOM, seq=3))
    scene.says("zoe", Received(room=ROOM, seq=3))
    scene.says("bob", Read(room=ROOM, seq=3))
    assert told(scene, scene.beat()) == {}
    assert scene.is_restless()
    assert told(scene, scene.beat(TOLD_SECONDS)) == {"ann": [(1, 2), (3, 1)], "bob": [(2, 2)]}
    assert told(scene, scene.beat(TOLD_SECONDS)) == {}
    assert not scene.is_restless(), "nothing is left to be told"
    scene.says("eve", Read(room=ROOM, seq=3))
    scene.beat()
    assert told(scene, scene.beat(TOLD_SECONDS)) == {"ann": [(3, 2)]}, "and of nothing that is as it was"


def test_who_keeps_it_to_themselves_is_not_counted() -> None:
    scene = Scene(*PEOPLE, small_room=2)
    posted(scene, "ann")
    request = scene.request("bob", Read(room=ROOM, seq=1))
    scene.room.request(structs.replace(request, hides=True), scene.now)
    scene.beat()
    assert told(scene, scene.beat(TOLD_SECONDS)) == {}


def test_of_what_was_posted_before_the_room_was_opened_nothing_is_counted() -> None:
    scene = Scene(*PEOPLE, small_room=2, last_seq=7)
    scene.says("bob", Read(room=ROOM, seq=7))
    scene.beat()
    assert told(scene, scene.beat(TOLD_SECONDS)) == {}
    assert not scene.is_restless()


def test_an_author_on_another_node_is_told_there() -> None:
    hall = Hall("bob", "eve", "ann", small_room=2)
    hall.room.ended(hall.sessions["ann"])
    number = hall.subscribed("ann")
    del hall.sessions["ann"]
    posted(hall, "ann")
    hall.beat()
    hall.says("bob", Read(room=ROOM, seq=1))
    hall.forwarded(number, "ann", Read(room=ROOM, seq=1))
    hall.beat()
    effects = hall.beat(TOLD_SECONDS)
    [passed] = told_to_relay(PassedOn, effects, RELAY)
    assert (passed.to, passed.events) == (("u_ann",), (Readers(room=ROOM, read=1, readers=1),))
    assert key("bob") not in [to for fan_out in of(FanOut, effects) for to in fan_out.to]


def test_the_oldest_messages_are_counted_no_further() -> None:
    scene = Scene(*PEOPLE, small_room=2)
    posted(scene, "ann", *["bob"] * REMEMBERED_AUTHORS)
    scene.says("eve", Read(room=ROOM, seq=REMEMBERED_AUTHORS + 1))
    scene.beat()
    heard = told(scene, scene.beat(TOLD_SECONDS))
    assert list(heard) == ["bob"]
    assert len(heard["bob"]) == REMEMBERED_AUTHORS


MARKS = st.lists(st.tuples(st.sampled_from(PEOPLE), st.integers(0, 12)), max_size=30)


@given(st.lists(st.sampled_from(PEOPLE), max_size=10), st.lists(MARKS, max_size=5))
def test_each_reader_counts_once_however_they_read(authors: list[str], rounds: list[list[tuple[str, int]]]) -> None:
    written = [Written(seq, author) for seq, author in enumerate(authors, start=2)]
    read = dict.fromkeys(PEOPLE, 0)
    known: dict[int, int] = {}
    for marks in rounds:
        covered = []
        for user, seq in marks:
            if seq > read[user]:
                covered.append(Covered(Receipt(room=ROOM, user=user, read=seq), read[user], seq))
                read[user] = seq
        changed = count(written, covered)
        news = untold(written, ROOM)
        assert changed == bool(news)
        known |= {event.read: event.readers for events in news.values() for event in events}
        expected = {
            message.seq: sum(seq >= message.seq and user != message.author for user, seq in read.items())
            for message in written
        }
        assert known == {seq: readers for seq, readers in expected.items() if readers}
