"""How many sockets each address has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.gateway.addresses import Addresses


def test_a_number_that_is_given_out_anew_puts_a_forgotten_goodbye_right() -> None:
    addresses = Addresses()
    addresses.enter(7, "192.0.2.1")
    addresses.enter(7, "198.51.100.7")
    assert (addresses.count("192.0.2.1"), addresses.count("198.51.100.7")) == (0, 1)


def test_a_second_goodbye_and_one_of_a_closed_socket_are_harmless() -> None:
    addresses = Addresses()
    addresses.enter(3, "192.0.2.1")
    for descriptor in (3, 3, -1, 1_000):
        addresses.leave(descriptor)
    assert len(addresses) == 0


def test_who_goes_by_another_number_counts_once() -> None:
    addresses = Addresses()
    addresses.enter(3, "192.0.2.1")
    addresses.move(3, 50)
    assert (addresses.network_of(3), addresses.network_of(50), addresses.count("192.0.2.1")) == (None, "192.0.2.1", 1)
    addresses.move(50, 50)
    addresses.move(7, 8)
    addresses.enter(3, "192.0.2.1")
    assert addresses.count("192.0.2.1") == 2
    addresses.leave(50)
    addresses.leave(3)
    assert len(addresses) == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.sampled_from("abc")), max_size=100))
def test_counts_are_those_of_the_open_sockets(steps: list[tuple[bool, int, str]]) -> None:
    addresses, model = Addresses(), dict[int, str]()
    for enters, descriptor, network in steps:
        if enters:
            addresses.enter(descriptor, network)
            model[descriptor] = network
        else:
            addresses.leave(descriptor)
            model.pop(descriptor, None)
        for each in "abc":
            assert addresses.count(each) == list(model.values()).count(each)
        assert len(addresses) == len(set(model.values()))
