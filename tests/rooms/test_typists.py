from __future__ import annotations

from server.rooms.typists import LARGE_ROOM_SECONDS, USER_SECONDS, Typists


def test_each_is_passed_on_once_in_three_seconds() -> None:
    typists = Typists()
    assert typists.passes("ann", 0.0, large=False)
    assert not typists.passes("ann", USER_SECONDS - 0.1, large=False)
    assert typists.passes("bob", 0.1, large=False)
    assert typists.passes("ann", USER_SECONDS, large=False)


def test_in_a_large_room_they_share_one_a_second() -> None:
    typists = Typists()
    assert typists.passes("ann", 0.0, large=True)
    assert not typists.passes("bob", LARGE_ROOM_SECONDS - 0.1, large=True)
    assert typists.passes("bob", LARGE_ROOM_SECONDS, large=True)


def test_nobody_is_remembered_for_ever() -> None:
    typists = Typists()
    typists.passes("ann", 0.0, large=False)
    typists.sweep(USER_SECONDS - 0.1)
    assert typists
    typists.sweep(USER_SECONDS)
    assert not typists
