"""Reasons and failures: what is left of them on another node."""

from __future__ import annotations

import pytest

from actors import (
    NO_SUCH_ACTOR,
    NORMAL,
    SHUTDOWN,
    AskFailed,
    Crashed,
    Overrun,
    Refused,
    RemoteCrash,
    RemoteReason,
    Stopped,
    TimedOut,
    Unreachable,
)
from actors.distribution.reasons import LONGEST, failure_heard, failure_said, reason_heard, reason_said


def crossed(reason: object) -> object:
    """What is heard of a reason."""
    return reason_heard(*reason_said(reason))


class Unspeakable(Exception):
    """One that is broken itself."""

    def __repr__(self) -> str:
        raise ValueError("I cannot say")


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, NO_SUCH_ACTOR])
def test_the_reasons_of_the_library_are_the_same_everywhere(reason: object) -> None:
    assert crossed(reason) is reason


@pytest.mark.parametrize("error", [ValueError("too heavy: 5\nkilos"), Overrun("root/a", 0.25), KeyError("x")])
def test_a_crash_stays_a_crash(error: BaseException) -> None:
    heard = crossed(error)
    assert isinstance(heard, RemoteCrash)
    assert heard.error == type(error).__name__
    assert heard.text == repr(error).replace("\n", " ")


def test_a_crash_crosses_twice_as_once() -> None:
    once = crossed(ValueError("too heavy"))
    twice = crossed(once)
    assert isinstance(once, RemoteCrash)
    assert isinstance(twice, RemoteCrash)
    assert (twice.error, twice.text) == (once.error, once.text)


def test_what_was_unreachable_is_so_for_others_too() -> None:
    heard = crossed(Unreachable("node down"))
    assert isinstance(heard, Unreachable)
    assert str(heard) == "node down"


def test_any_other_reason_is_told_as_text() -> None:
    assert crossed("bored") == RemoteReason("'bored'")
    assert crossed(RemoteReason("'bored'")) == RemoteReason("'bored'")


def test_a_reason_that_only_newer_nodes_know_is_a_text() -> None:
    assert reason_heard("eaten", "by a bear") == RemoteReason("by a bear")


def test_what_is_said_is_bounded_and_whole() -> None:
    name, text = reason_said(ValueError("x" * 10_000))
    assert len(text) == LONGEST
    assert crossed(Unspeakable()) is not None
    assert name == "crash"


@pytest.mark.parametrize("failure", [Stopped("s"), Refused("r"), TimedOut("t"), Unreachable("u"), AskFailed("a")])
def test_a_failure_is_of_the_same_class_everywhere(failure: AskFailed) -> None:
    heard = failure_heard(*failure_said(failure))
    assert type(heard) is type(failure)
    assert str(heard) == str(failure)
    assert heard.__cause__ is None


def test_a_failure_of_the_application_is_a_failure() -> None:
    class Busy(AskFailed):
        """One of its own."""

    assert type(failure_heard(*failure_said(Busy("busy")))) is AskFailed


def test_a_crash_says_what_has_caused_it() -> None:
    failure = Crashed("root/a crashed")
    failure.__cause__ = ValueError("too heavy")
    heard = failure_heard(*failure_said(failure))
    assert isinstance(heard, Crashed)
    assert isinstance(heard.__cause__, RemoteCrash)
    assert (heard.__cause__.error, heard.__cause__.text) == ("ValueError", "ValueError('too heavy')")
