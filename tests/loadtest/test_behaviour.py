"""What people do, and how often."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

import pytest

from loadtest.behaviour import CHARACTERS, LOOK_SECONDS, POSTS_A_SECOND, Act, Move, Person, pace_for


def moves(person: Person, count: int) -> list[Move]:
    return list(islice(iter(person.next_move, None), count))


def test_the_same_person_does_the_same_again() -> None:
    assert moves(Person(1, 7, 3), 200) == moves(Person(1, 7, 3), 200)
    assert moves(Person(1, 7, 3), 200) != moves(Person(1, 8, 3), 200)
    assert moves(Person(1, 7, 3), 200) != moves(Person(2, 7, 3), 200)


def test_people_post_as_often_as_it_says() -> None:
    made = [move for number in range(200) for move in moves(Person(1, number, 3), 300)]
    posts = [move for move in made if move.act is Act.POST]
    assert len(posts) / sum(move.after for move in made) == pytest.approx(POSTS_A_SECOND, rel=0.03)
    assert sum(move.characters for move in posts) / len(posts) == pytest.approx(CHARACTERS, rel=0.05)
    looks = [move.after for move in made if move.act is not Act.POST]
    assert sum(looks) / len(looks) == pytest.approx(LOOK_SECONDS, rel=0.03)


def test_people_who_have_been_there_for_long_post_as_often_from_the_first_moment_on() -> None:
    soon = 0
    for number in range(20_000):
        person = Person(1, number, 1)
        move, at = person.first_move(), 0.0
        while (at := at + move.after) < 2.0:
            soon += move.act is Act.POST
            move = person.next_move()
    assert soon == pytest.approx(20_000 * 2.0 * POSTS_A_SECOND, rel=0.1)


def test_who_posts_has_typed_in_that_room_before() -> None:
    made = moves(Person(1, 1, 3), 2_000)
    for before, move in pairwise(made):
        assert (move.act is Act.POST) == (before.act is Act.TYPE)
        if move.act is Act.POST:
            assert move.room == before.room
            assert move.characters > 0


def test_larger_rooms_get_more_attention_and_one_room_all_of_it() -> None:
    turns = Counter(
        move.room for number in range(50) for move in moves(Person(1, number, 4), 400) if move.act is Act.TURN
    )
    assert [room for room, _ in turns.most_common()] == [0, 1, 2, 3]
    assert turns[0] / turns[3] == pytest.approx(4.0, rel=0.25)
    assert {move.room for move in moves(Person(1, 1, 1), 200)} == {0}


def test_pace_changes_when_and_not_what() -> None:
    slow, quick = moves(Person(1, 1, 3), 100), moves(Person(1, 1, 3, pace=10.0), 100)
    assert [(move.act, move.room) for move in slow] == [(move.act, move.room) for move in quick]
    assert sum(move.after for move in slow) == pytest.approx(10 * sum(move.after for move in quick))


def test_a_rate_is_a_pace_for_so_many_people() -> None:
    assert pace_for(25.0, 1_000) == pytest.approx(1.0)
    assert pace_for(50.0, 100) == pytest.approx(20.0)
