"""Who listens on other nodes: the same, whether by few relays or by many."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.rooms.elsewhere import FEW, Elsewhere
from tests.rooms.scene import key

RELAYS = [key(f"relay {n}") for n in range(2 * FEW)]

EVERYWHERE = "u_everywhere"
"""Is with all relays."""

steps = st.lists(st.tuples(st.integers(0, len(RELAYS) - 1), st.booleans()), max_size=120)


@settings(deadline=None)
@given(steps)
@example([(place, begins) for begins in (True, False) for place in range(len(RELAYS))])
def test_subscriptions_are_found_by_their_numbers_and_by_their_relays(steps: list[tuple[int, bool]]) -> None:
    elsewhere, model = Elsewhere(7), dict[int, int]()
    for which, (place, begins) in enumerate(steps):
        if begins and place not in model:
            model[place] = which
            elsewhere.begin(which, RELAYS[place], 100 + which)
            for user in (f"u_{place}", EVERYWHERE):
                elsewhere.came(which, user)
        elif not begins and place in model:
            number = model.pop(place)
            assert sorted(elsewhere.users_of(number)) == sorted((f"u_{place}", EVERYWHERE))
            for user in elsewhere.users_of(number):
                elsewhere.went(number, user)
            elsewhere.end(number)
        assert elsewhere.relays == tuple(RELAYS[there] for there in model)
        assert elsewhere.find(len(steps)) is None
        for there, relay in enumerate(RELAYS):
            number = model.get(there)
            assert elsewhere.numbers_of(relay) == (() if number is None else (number,))
            assert elsewhere.has(f"u_{there}") is (number is not None)
            if number is not None:
                assert elsewhere.number_of(relay, 100 + number) == number
                assert elsewhere.number_of(relay, 99) is None
                assert elsewhere.is_with(number, f"u_{there}")
        assert elsewhere.users() == {f"u_{there}" for there in model} | ({EVERYWHERE} if model else set())
        assert elsewhere.places_of(EVERYWHERE) == len(model)
        assert elsewhere.numbers_with(EVERYWHERE) == list(model.values())
        wanted = [(RELAYS[there], ("u_0", EVERYWHERE) if there == 0 else (EVERYWHERE,)) for there in model]
        assert list(elsewhere.who_has(("u_0", EVERYWHERE))) == wanted


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, len(RELAYS) - 1)), max_size=60))
def test_users_stay_where_they_are_when_few_become_many_and_many_few(steps: list[tuple[int, int]]) -> None:
    elsewhere = Elsewhere(7)
    for number in range(FEW):
        elsewhere.begin(number, RELAYS[number], number)
    there: set[tuple[int, str]] = set()
    for kind, which in steps:
        number, user = which % FEW, f"u_{which % 3}"
        match kind:
            case 0:
                elsewhere.came(number, user)
                there.add((number, user))
            case 1:
                elsewhere.went(number, user)
                there.discard((number, user))
            case _ if elsewhere.find(FEW) is None:
                elsewhere.begin(FEW, RELAYS[FEW], FEW)
            case _:
                elsewhere.end(FEW)
        assert {(at, one) for at in range(FEW) for one in elsewhere.users_of(at)} == there
        assert all(elsewhere.has(f"u_{one}") == any(user == f"u_{one}" for _, user in there) for one in range(3))
    elsewhere.forget("u_0")
    assert not elsewhere.has("u_0")
