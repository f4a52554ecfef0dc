"""Where the users of a large room are: as a dictionary has it, in parts that are alike."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from actors.few import Few, added, each
from server.rooms import whereabouts
from server.rooms.whereabouts import WHOLE, Whereabouts

puts = st.lists(st.tuples(st.integers(0, 20).map(str), st.sampled_from([None, 1, 2])), max_size=60)


@given(puts)
def test_it_is_a_dictionary_of_those_who_are_anywhere(puts: list[tuple[str, int | None]]) -> None:
    there, model = Whereabouts(), dict[str, int]()
    for user, number in puts:
        there.put(user, number)
        if number is None:
            model.pop(user, None)
        else:
            model[user] = number
        assert len(there) == len(model)
        assert dict(there.items()) == model
        assert sorted(there) == sorted(model)
        assert (user in there) is (user in model)
        assert there.get(user) == model.get(user)


def test_a_large_one_is_divided_into_parts_of_about_the_same_size() -> None:
    there = Whereabouts()
    users = [f"u_{number}" for number in range(4 * WHOLE)]
    for which, user in enumerate(users):
        there.put(user, added(there.get(user), which % 50))
        assert len(there) == which + 1
    assert sorted(there) == sorted(users)
    assert all(each(there.get(user)) == (which % 50,) for which, user in enumerate(users))
    sizes = [len(part) for part in there._parts]
    assert len(sizes) == whereabouts._PARTS
    assert max(sizes) < 2 * len(users) / len(sizes)
    for user in users:
        there.put(user, None)
    assert not there
    assert not list(there)


def test_parts_do_not_share_the_bits_by_which_a_dictionary_finds_its_place() -> None:
    """Or every part would be searched from end to end."""
    there = Whereabouts()
    for number in range(4 * WHOLE):
        there.put(f"u_{number}", 1)
    lowest = Counter(hash(user) & 15 for user in there._parts[0])
    assert len(lowest) == 16
    assert there.get("nobody") is None


def few(*numbers: int) -> Few[int]:
    whole: Few[int] = None
    for number in numbers:
        whole = added(whole, number)
    return whole


def test_who_is_with_several_has_all_of_them() -> None:
    there = Whereabouts()
    there.put("ann", few(1, 2, 3))
    assert each(there.get("ann")) == (1, 2, 3)
    assert len(there) == 1
