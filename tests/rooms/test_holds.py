"""Posts behind a refused one, in the words of the file."""

from __future__ import annotations

from server.rooms.holds import HOLD_SECONDS, Holds


def test_nothing_is_held_back_without_a_refusal() -> None:
    holds: Holds[str] = Holds()
    assert all(holds.admits("ann", nonce, 0.0) for nonce in "abc")


def test_what_follows_a_refused_post_waits_until_it_is_seen_again() -> None:
    holds: Holds[str] = Holds()
    assert holds.admits("ann", "a", 0.0)
    holds.refused("ann", "a", 0.0)
    assert not holds.admits("ann", "b", 1.0)
    assert holds.admits("bob", "b", 1.0), "others are not concerned"
    assert holds.admits("ann", "a", 2.0)
    assert holds.admits("ann", "b", 2.0)


def test_what_was_refused_is_let_through_in_its_order_only() -> None:
    holds: Holds[str] = Holds()
    for nonce in "abc":
        holds.admits("ann", nonce, 0.0)
    holds.refused("ann", "c", 0.0)
    holds.refused("ann", "b", 0.0)
    holds.refused("ann", "a", 0.0)
    assert not holds.admits("ann", "c", 1.0), "although it was refused first"
    assert not holds.admits("ann", "b", 1.0)
    assert holds.admits("ann", "a", 1.0)
    assert not holds.admits("ann", "c", 1.0)
    assert holds.admits("ann", "b", 1.0)
    assert holds.admits("ann", "c", 1.0)


def test_who_is_refused_again_is_waited_for_again() -> None:
    holds: Holds[str] = Holds()
    holds.refused("ann", "a", 0.0)
    assert holds.admits("ann", "a", 1.0)
    holds.refused("ann", "a", 1.0)
    assert not holds.admits("ann", "b", 1.0 + HOLD_SECONDS - 0.1)


def test_a_post_that_was_given_up_holds_nobody_for_long() -> None:
    holds: Holds[str] = Holds()
    holds.refused("ann", "a", 0.0)
    assert not holds.admits("ann", "b", HOLD_SECONDS - 0.1)
    assert holds.admits("ann", "b", HOLD_SECONDS)


def test_a_final_answer_ends_the_wait_and_leaves_nothing_behind() -> None:
    holds: Holds[str] = Holds()
    holds.refused("ann", "a", 0.0)
    holds.settled("ann", "a")
    assert holds.admits("ann", "b", 0.0)
    holds.settled("ann", "b")
    holds.settled("ann", "never seen")
    assert not holds


def test_a_post_that_was_given_up_is_forgotten_and_one_under_way_is_not() -> None:
    holds: Holds[str] = Holds()
    holds.refused("ann", "a", 0.0)
    holds.refused("bob", "a", 1.0)
    assert holds.admits("eve", "a", 0.0)
    holds.sweep(HOLD_SECONDS)
    assert holds.admits("ann", "b", HOLD_SECONDS)
    assert not holds.admits("bob", "b", HOLD_SECONDS), "who is still expected"
    holds.settled("ann", "b")
    holds.sweep(HOLD_SECONDS + 1.0)
    assert holds, "what is under way may still be refused"
    holds.settled("eve", "a")
    assert not holds
