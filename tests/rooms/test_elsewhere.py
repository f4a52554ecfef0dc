"""Who listens on other nodes: the same, whether by few relays or by many."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from server.rooms.elsewhere import FEW, Elsewhere
from tests.rooms.scene import key

RELAYS = [key(f"relay {n}") for n in range(2 * FEW)]

steps = st.lists(st.tuples(st.integers(0, len(RELAYS) - 1), st.booleans()), max_size=120)


@given(steps)
@example([(place, begins) for begins in (True, False) for place in range(len(RELAYS))])
def test_subscriptions_are_found_by_their_numbers_and_by_their_relays(steps: list[tuple[int, bool]]) -> None:
    elsewhere, model = Elsewhere(7), dict[int, int]()
    for which, (place, begins) in enumerate(steps):
        if begins and place not in model:
            model[place] = which
            elsewhere.begin(which, RELAYS[place], 100 + which)
            elsewhere.find(which).came(f"u_{place}")  # type: ignore[union-attr]
        elif not begins and place in model:
            elsewhere.end(model.pop(place))
        assert elsewhere.relays == tuple(RELAYS[there] for there in model)
        for there, relay in enumerate(RELAYS):
            number = model.get(there)
            assert elsewhere.numbers_of(relay) == (() if number is None else (number,))
            assert elsewhere.has(f"u_{there}") is (number is not None)
            if number is not None:
                assert elsewhere.number_of(relay, 100 + number) == number
                assert elsewhere.number_of(relay, 99) is None
        assert elsewhere.find(len(steps)) is None
        assert elsewhere.users() == {f"u_{there}" for there in model}
