"""The table of a session's places: small while there are few, a dictionary where there are more."""

from __future__ import annotations

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from actors import Address
from server.sessions.places import Attaching, Place, Places

ROOM, ACTOR = "r_ONE", cast("Address", "the actor")


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdefg")), max_size=40))
def test_it_is_a_table_whatever_its_size(steps: list[tuple[bool, str]]) -> None:
    places, model = Places(), dict[str, Place]()
    for takes, room in steps:
        if takes:
            place = places.take_place(room)
            assert place is model.setdefault(room, place), "taken twice, it is the same"
        else:
            places.drop_place(room)
            model.pop(room, None)
        assert list(places.each_place()) == list(model.values())
        assert [places.place(room) for room in "abcdefg"] == [model.get(room) for room in "abcdefg"]


def test_an_answer_to_another_question_decides_nothing() -> None:
    place = Place(ROOM, ACTOR, attached=Attaching(7, creator=3))
    place.answered(6)
    assert (place.awaits, place.creator) == (7, 3)


def test_a_room_is_still_to_be_told_of_when_the_attachment_has_to_be_tried_again() -> None:
    place = Place(ROOM, ACTOR, attached=Attaching(7, creator=3))
    place.answered(7)
    assert (place.awaits, place.creator) == (None, 3)
    assert place.take_creator() == 3
    assert place.attaching is None


def test_the_answer_to_a_later_question_is_awaited_when_the_room_was_told_of() -> None:
    place = Place(ROOM, ACTOR, attached=Attaching(8, creator=3))
    assert place.take_creator() == 3
    assert (place.awaits, place.creator) == (8, None)
    assert place.take_creator() is None


def test_what_a_room_gave_ends_with_it() -> None:
    place = Place(ROOM, ACTOR, head=5, read=4, attached=Attaching(7, creator=3, attachment=1))
    place.ended()
    assert place == Place(ROOM, ACTOR, head=5, read=4, attached=Attaching(None, creator=3))


def test_what_a_room_gave_counts_while_it_is_asked_again() -> None:
    place = Place(ROOM, ACTOR)
    place.given(1)
    place.wants(7, shown=4)
    assert (place.attachment, place.awaits, place.shown) == (1, 7, 4)
    place.wants(8, creator=3)
    assert (place.attachment, place.awaits, place.creator, place.shown) == (1, 8, 3, 4)
    place.given(2)
    place.answered(8)
    assert place.take_creator() == 3
    assert place.attached == 2, "nothing but the number is left of it"
