"""Who is told how those look for whom they have asked: the rules, without runtime and store."""

from __future__ import annotations

import pytest

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.events import Presence
from server.protocol.limits import PRESENCES
from server.protocol.showing import HIDDEN, PLAIN, Shown
from server.sessions.watched import LOOKS, Watched
from server.sessions.watching import PEOPLE, QUESTIONS, portion
from tests.rooms.scene import key

ANN, TAB = key("session of ann"), key("another session of ann")
GRACE = 15.0


def presence(user: str, status: str, **more: str) -> Presence:
    return Presence(user=user, status=status, **more)  # type: ignore[arg-type]


def watching(*people: str, may: tuple[str, ...] | None = None) -> Watched:
    """Ann asks for these, and may know of them."""
    watched = Watched()
    assert watched.watch(ANN, "u_ann", people) == []
    assert watched.may_know(ANN, people if may is None else may) == []
    return watched


def look(watched: Watched, user: str, here: Shown | None, now: float = 0.0) -> list[Presence]:
    """What Ann is told of it."""
    return [news for _, news in watched.news(user)] if watched.looked(user, here, now, GRACE) else []


def test_who_is_here_is_told_once_and_again_when_they_look_otherwise() -> None:
    watched = watching("u_bob", "u_cat")
    assert look(watched, "u_bob", PLAIN) == [presence("u_bob", "online")]
    assert look(watched, "u_bob", PLAIN) == []
    assert look(watched, "u_bob", Shown("busy", "at sea")) == [presence("u_bob", "busy", text="at sea")]
    assert look(watched, "u_cat", None) == []


def test_going_waits_for_a_grace_and_who_is_back_by_then_has_never_been_away() -> None:
    watched = watching("u_bob")
    look(watched, "u_bob", PLAIN, 100.0)
    assert look(watched, "u_bob", None, 114.0) == []
    assert look(watched, "u_bob", PLAIN, 114.5) == []
    assert look(watched, "u_bob", None, 129.0) == []
    assert look(watched, "u_bob", None, 130.0) == [presence("u_bob", "offline")]


def test_who_is_invisible_goes_as_everybody_does_and_nobody_hears_that_they_come() -> None:
    watched = watching("u_bob", "u_cat")
    look(watched, "u_bob", PLAIN, 100.0)
    assert look(watched, "u_bob", HIDDEN, 101.0) == []
    assert look(watched, "u_bob", HIDDEN, 115.0) == [presence("u_bob", "offline")]
    assert look(watched, "u_cat", HIDDEN, 100.0) == []


def test_nothing_is_told_of_whom_one_may_not_know_until_one_may() -> None:
    watched = watching("u_bob", "u_nobody", may=())
    assert look(watched, "u_bob", PLAIN) == []
    assert watched.may_know(ANN, ("u_bob",)) == [presence("u_bob", "online")]
    assert look(watched, "u_bob", Shown("away")) == [presence("u_bob", "away")]
    assert watched.may_know(ANN, ()) == [presence("u_bob", "offline")], "without a grace"
    assert watched.may_know(ANN, ()) == []
    assert look(watched, "u_bob", PLAIN) == []


def test_somebody_looks_as_they_do_on_all_nodes_and_one_that_says_nothing_more_is_forgotten() -> None:
    watched = watching("u_bob")
    watched.answered("n_2", "u_bob", Shown("away"))
    assert look(watched, "u_bob", None, 100.0) == [presence("u_bob", "away")]
    assert look(watched, "u_bob", PLAIN, 101.0) == [presence("u_bob", "online")]
    for second in range(1, LOOKS):
        assert look(watched, "u_bob", None, 101.0 + second) == ([presence("u_bob", "away")] if second == 1 else [])
    assert look(watched, "u_bob", None, 101.0 + GRACE) == []
    assert look(watched, "u_bob", None, 102.0 + GRACE) == [presence("u_bob", "offline")]
    watched.answered("n_2", "u_bob", HIDDEN)
    assert look(watched, "u_bob", PLAIN, 200.0) == [], "the more private holds"
    watched.answered("n_2", "u_nobody_asks_for", PLAIN)


def test_a_session_asks_for_so_many_and_for_nobody_twice() -> None:
    people = [f"u_{number}" for number in range(PRESENCES)]
    watched = watching(*people)
    assert watched.watch(ANN, "u_ann", people) == []
    with pytest.raises(Refusal) as refused:
        watched.watch(ANN, "u_ann", ["u_0", "u_more"])
    assert refused.value.code is ErrorCode.LIMIT_REACHED
    watched.unwatch(ANN, ["u_0", "u_nobody"])
    watched.watch(ANN, "u_ann", ["u_more"])
    assert set(watched.next(2 * PRESENCES)) == {*people[1:], "u_more"}


def test_a_second_tab_is_told_what_the_first_one_knows() -> None:
    watched = watching("u_bob")
    look(watched, "u_bob", PLAIN)
    assert watched.watch(ANN, "u_ann", ["u_bob"]) == [presence("u_bob", "online")]


def test_with_the_session_everything_ends_that_it_asked_for() -> None:
    watched = watching("u_bob")
    watched.watch(TAB, "u_ann", ["u_bob", "u_cat"])
    watched.ended(ANN)
    watched.ended(ANN)
    assert watched.next(10) == ["u_cat", "u_bob"]
    watched.unwatch(TAB, ["u_bob", "u_cat"])
    assert watched.next(10) == []
    assert not watched
    assert watched.may_know(ANN, ("u_bob",)) == [], "an answer that comes too late"


def test_all_have_their_turn_and_who_is_new_has_it_first() -> None:
    watched = watching("u_1", "u_2", "u_3")
    seen = watched.next(2)
    watched.watch(ANN, "u_ann", ["u_4"])
    assert watched.next(1) == ["u_4"]
    assert {*seen, *watched.next(1)} == {"u_1", "u_2", "u_3"}


def test_of_whom_one_may_know_is_asked_now_and_then_the_oldest_first() -> None:
    watched = watching("u_bob")
    watched.watch(TAB, "u_ann", ["u_cat"])
    for now, session in ((1.0, ANN), (2.0, TAB)):
        assert watched.check(session, now).user == "u_ann"
    assert watched.due(10.0, every=15.0, most=5) == []
    assert [check.session for check in watched.due(17.0, every=15.0, most=1)] == [ANN]
    assert [check.people for check in watched.due(17.0, every=15.0, most=5)] == [("u_cat",)]


def test_many_nodes_are_asked_for_fewer_people_each() -> None:
    assert portion(0) == portion(1) == PEOPLE
    assert portion(100) * 100 == QUESTIONS
    assert portion(10**6) == 1
