"""Those who do not look at a room: who is told how it stands, and when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors import Address
from server.rooms.audience import Audience
from server.rooms.messages import Terms
from server.rooms.passive import PATIENCE_SECONDS, PassiveSessions, Told
from server.store.tally import tally_of
from tests.rooms.scene import ROOM, key

SESSIONS = [key(f"session {number}") for number in range(12)]
EVERY = 3.0


def terms(heard: int = 0, *, live: bool = False) -> Terms:
    return Terms(heard, EVERY, live)


class Place:
    """A room with a log that a test makes longer, and passive sessions that remember how far they were told."""

    def __init__(self, count: int) -> None:
        self.passive = PassiveSessions(EVERY)
        self.now = 100.0
        self.ref = 0
        self.head = 0
        self.heard: dict[Address, list[int]] = {}
        for session in SESSIONS[:count]:
            self.passive.put(session, terms(), self.head)

    def grows(self) -> None:
        self.head += 1
        self.passive.stirs()

    def told(self, told: Told | None) -> list[Address]:
        if told is None:
            return []
        pulse, to = told
        for session in to:
            self.heard.setdefault(session, []).append(pulse.tally.head)
        return list(to)

    def beat(self, *, answers: bool = True) -> list[Address]:
        """A second goes by. Who is told."""
        self.now += 1.0
        reached = self.told(self.passive.next_portion())
        self.ref += 1
        if self.passive.asks(self.ref, self.now) and answers:
            reached += self.answer()
        return reached

    def answer(self) -> list[Address]:
        return self.told(self.passive.answered(self.ref, tally_of(ROOM, self.head, [])))


def test_a_round_is_told_in_portions_over_its_seconds() -> None:
    place = Place(9)
    place.grows()
    assert [len(place.beat()) for _ in range(5)] == [3, 3, 3, 0, 0]
    assert not place.passive.is_restless
    assert all(heard == [1] for heard in place.heard.values())


def test_nobody_hears_twice_within_a_round_however_much_is_said() -> None:
    place = Place(6)
    for _ in range(9):
        place.grows()
        place.beat()
    assert {len(heard) for heard in place.heard.values()} == {3}


def test_what_comes_while_the_tally_is_read_is_told_in_the_next_round() -> None:
    place = Place(2)
    place.grows()
    place.beat(answers=False)
    place.grows()
    place.answer()
    for _ in range(5):
        place.beat()
    assert all(heard[-1] == 2 for heard in place.heard.values())


def test_who_has_not_heard_of_all_is_told_soon_and_alone() -> None:
    place = Place(3)
    place.head = 7
    place.passive.put(SESSIONS[5], terms(heard=4), 7)
    place.passive.put(SESSIONS[6], terms(heard=7), 7)
    assert place.beat() == [SESSIONS[5]]
    place.passive.hasten([SESSIONS[1], key("somebody who looks")])
    assert place.beat() == [SESSIONS[1]]


def test_a_tally_that_could_not_be_read_is_asked_for_again() -> None:
    place = Place(2)
    place.grows()
    place.beat(answers=False)
    place.passive.failed(place.ref)
    assert place.beat() == SESSIONS[:2]


def test_an_answer_that_never_comes_is_not_waited_for_for_ever() -> None:
    place = Place(2)
    place.grows()
    place.beat(answers=False)
    seconds = int(PATIENCE_SECONDS)
    assert [place.beat() for _ in range(seconds)] == [[]] * (seconds - 1) + [SESSIONS[:2]]


class Step:
    GROWS, BEATS, SLOW_BEAT, COMES, GOES = range(5)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 11)), max_size=60))
def test_at_rest_everybody_has_heard_how_it_stands(steps: list[tuple[int, int]]) -> None:
    place = Place(4)
    known = dict.fromkeys(SESSIONS[:4], 0)
    for step, number in steps:
        session = SESSIONS[number]
        match step:
            case Step.GROWS:
                place.grows()
            case Step.BEATS:
                place.beat()
            case Step.SLOW_BEAT:
                place.beat(answers=False)
                place.grows()
                place.answer()
            case Step.COMES:
                known[session] = place.head // 2
                place.heard.pop(session, None)
                place.passive.put(session, terms(heard=place.head // 2), place.head)
            case _:
                known.pop(session, None)
                place.passive.pop(session)
    for _ in range(30):
        place.beat()
    assert not place.passive.is_restless
    for session, heard in known.items():
        assert [heard, *place.heard.get(session, [])][-1] == place.head


@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from(["looks", "looks away", "both", "goes"])), max_size=40))
def test_entries_go_to_those_who_look(steps: list[tuple[int, str]]) -> None:
    audience, model = Audience(), dict[Address, str]()
    for number, step in steps:
        session, user = SESSIONS[number], f"u_{number // 2}"
        if step == "goes":
            audience.detach(session)
            model.pop(session, None)
        else:
            audience.attach(session, user)
            if step != "looks":
                audience.look_away(session, terms(live=step == "both"), 0)
            model[session] = step
        assert set(audience.everyone) == {one for one, how in model.items() if how != "looks away"}
        assert len(audience) == len(model)
        assert (audience.passive is None) == (not {"looks away", "both"} & set(model.values()))
        assert all(
            audience.user_of(one) is not None and audience.is_here(f"u_{SESSIONS.index(one) // 2}") for one in model
        )
