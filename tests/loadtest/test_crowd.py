"""A crowd and a server that does the least there is: who comes, speaks, reads, is cut off and comes again."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from loadtest.accounts import Accounts
from loadtest.crowd.crowd import Crowd
from loadtest.crowd.entries import Entry
from loadtest.crowd.watcher import Watcher
from loadtest.histogram import Histogram
from loadtest.ledger import Ledger
from loadtest.people import People
from server.protocol.attention_commands import Typing
from server.protocol.events import Reconnect
from server.protocol.hello_commands import Ping
from tests.harness.plain_server import PlainServer

COUNT = 30
PEOPLE = People.made(COUNT, "all,each:10")
EVERYBODY = range(COUNT)
ALL = 0
SOON, NEVER = 10.0, 0.1


class Witness(Watcher):
    def __init__(self) -> None:
        self.closes: list[int] = []
        self.entries: list[Entry] = []
        self.seen = Histogram()
        self.welcomes = 0

    def welcomed(self, number: int, seconds: float) -> None:
        self.welcomes += 1

    def closed(self, code: int) -> None:
        self.closes.append(code)

    def entry(self, entry: Entry) -> Histogram:
        self.entries.append(entry)
        return self.seen


class Place:
    """The crowd and the server, in turns."""

    def __init__(self, numbers: range, *, hurry: bool = True, chance: float = 0.0) -> None:
        self.server = PlainServer(PEOPLE, socket.create_server(("127.0.0.1", 0), backlog=COUNT))
        self.witness, self.ledger = Witness(), Ledger()
        self.crowd = Crowd(
            PEOPLE, numbers, [self.server.endpoint], self.witness, self.ledger, hurry=hurry, chance=lambda: chance
        )

    def happens(self, holds: Callable[[], bool], within: float = SOON) -> bool:
        def after_a_step() -> bool:
            self.server.step()
            return holds()

        return self.crowd.run(after_a_step, within)

    def all_come(self, numbers: range = EVERYBODY) -> None:
        for number in numbers:
            self.crowd.bring(number)
        assert self.happens(lambda: self.crowd.ready == self.crowd.wanted)

    def all_have_everything(self) -> bool:
        return self.happens(lambda: not self.crowd.unanswered() and not self.crowd.behind(self.ledger.heads))

    def close(self) -> None:
        self.crowd.close()
        self.server.close()


@pytest.fixture
def place() -> Iterator[Place]:
    opened = Place(EVERYBODY)
    opened.all_come()
    yield opened
    opened.close()


def test_one_says_something_and_everybody_is_given_it_once(place: Place) -> None:
    place.crowd.post(3, ALL, "to all", label="big")
    assert place.happens(lambda: place.crowd.delivered == COUNT)
    assert place.all_have_everything()
    (entry,) = place.witness.entries
    assert (entry.readers, entry.seq, entry.author) == (COUNT, 1, PEOPLE.user(3))
    assert entry.mark is not None
    assert (entry.mark.label, entry.last_at >= entry.sent) == ("big", True)
    assert place.witness.seen.total == COUNT
    assert place.ledger.contradictions == 0


def test_a_small_room_is_told_apart_from_the_large_one(place: Place) -> None:
    small = PEOPLE.rooms_of(3)[1]
    place.crowd.post(3, small)
    place.crowd.post(3, ALL)
    assert place.happens(lambda: place.crowd.delivered == COUNT + 10)
    assert [place.crowd.reached(number, PEOPLE.room(small)) for number in (3, 9, 10)] == [1, 1, 0]
    assert place.crowd.reached(10, PEOPLE.room(ALL)) == 1


@pytest.mark.parametrize("reset", [True, False, None])
def test_who_is_cut_off_misses_nothing(place: Place, reset: bool | None) -> None:
    gone = range(0, COUNT, 2)
    place.crowd.drop(gone, reset=reset)
    assert (place.crowd.wanted, place.crowd.ready) == (COUNT // 2, COUNT // 2)
    for number in range(1, COUNT, 2):
        place.crowd.post(number, ALL)
    assert place.happens(lambda: place.ledger.acknowledged == COUNT // 2)
    assert place.happens(lambda: place.crowd.behind(place.ledger.heads) == COUNT // 2)
    place.all_come(gone)
    assert place.all_have_everything()
    assert {place.crowd.lives(number) for number in gone} == {2}
    assert (place.ledger.contradictions, place.ledger.gaps) == (0, 0)


@pytest.mark.parametrize("hurry", [True, False])
def test_whom_the_server_cuts_off_comes_again_by_itself(hurry: bool) -> None:
    place = Place(EVERYBODY, hurry=hurry, chance=0.1)
    place.all_come()
    for number in range(5):
        place.server.send_away(number, 4002)
    assert place.happens(lambda: place.crowd.ready == COUNT and place.witness.welcomes == COUNT + 5)
    assert place.witness.closes == [4002] * 5
    place.close()


@pytest.mark.parametrize("code", [4500, 4501, 4502])
def test_who_is_sent_away_for_good_stays_away(place: Place, code: int) -> None:
    place.server.send_away(7, code)
    assert place.happens(lambda: place.crowd.wanted == COUNT - 1)
    assert not place.happens(lambda: place.server.is_here(7), NEVER)


def test_who_was_flooding_stays_away_for_a_minute(place: Place) -> None:
    place.server.send_away(7, 4503)
    assert place.happens(lambda: place.crowd.ready == COUNT - 1)
    assert not place.happens(lambda: place.server.is_here(7), NEVER)
    assert place.crowd.wanted == COUNT


def test_who_is_asked_to_reconnect_does_and_tells_nobody_that_anything_went_wrong(place: Place) -> None:
    place.server.tell(7, Reconnect(after=0, window=1))
    assert place.happens(lambda: place.crowd.lives(7) == 2 and place.crowd.ready == COUNT)
    assert place.witness.closes == []


def test_who_does_not_read_is_behind_until_it_reads_again(place: Place) -> None:
    place.crowd.deafen(4)
    place.crowd.post(3, ALL, "x" * 1_000)
    assert place.happens(lambda: place.crowd.delivered == COUNT - 1)
    assert place.crowd.behind(place.ledger.heads) == 1
    place.crowd.sip(4, 100)
    assert place.crowd.behind(place.ledger.heads) == 1, "that was not all of it"
    place.crowd.hear(4)
    assert place.all_have_everything()
    assert place.witness.seen.total == COUNT, "what a slow reader made of it is not the server's time"


def test_what_the_kernel_does_not_take_at_once_is_said_later(place: Place) -> None:
    for _ in range(1_000):
        place.crowd.post(3, PEOPLE.rooms_of(3)[1], "x" * 3_000)
    assert place.happens(lambda: place.ledger.acknowledged == 1_000)
    assert place.crowd.waiting() == []


def test_other_commands_are_said_without_waiting(place: Place) -> None:
    place.crowd.say(3, Typing(room=PEOPLE.room(ALL)))
    answers: list[object] = []
    place.crowd.say(3, Ping(), answers.append)
    place.crowd.drop([3])
    assert answers == [None]


def test_what_each_process_saw_fits_together() -> None:
    place = Place(EVERYBODY)
    place.all_come()
    for number in EVERYBODY:
        place.crowd.post(number, ALL)
    assert place.all_have_everything()
    accounts = Accounts([place.ledger.export(place.crowd.readers())], PEOPLE)
    assert accounts.rooms() == [PEOPLE.room(ALL)]
    assert accounts.readers(PEOPLE.room(ALL)) == COUNT
    lost = accounts.judge(PEOPLE.room(ALL), [])
    assert len({finding.kind for finding in lost}) == 2, "nothing is stored, and everything was acknowledged and given"
    place.close()


def test_who_is_dropped_while_others_are_read_for_takes_nobody_with_them() -> None:
    place = Place(EVERYBODY)
    place.all_come()
    last = COUNT - 1

    def drop_some(entry: Entry) -> None:
        place.crowd.drop([5, 6, 7])

    place.witness.entry = drop_some  # type: ignore[method-assign]
    place.crowd.post(3, ALL)
    assert place.happens(lambda: place.crowd.reached(last, PEOPLE.room(ALL)) == 1)
    assert (place.crowd.wanted, place.crowd.ready, place.crowd.lives(last)) == (COUNT - 3, COUNT - 3, 1)
    assert place.witness.closes == []
    place.close()
