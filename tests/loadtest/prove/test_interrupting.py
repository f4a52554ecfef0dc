"""Ctrl-C and SIGTERM while something is done, and while it ends."""

from __future__ import annotations

import os
import signal

import pytest

from loadtest.prove.interrupting import Interrupted, interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_one_ends_what_is_done_and_a_second_one_the_patience(number: signal.Signals) -> None:
    with interruptible() as interruption:
        with pytest.raises(Interrupted, match=number.name):
            os.kill(os.getpid(), number)
        assert not interruption.in_a_hurry()
        os.kill(os.getpid(), number)
        assert interruption.in_a_hurry()


def test_an_end_that_has_begun_is_not_interrupted() -> None:
    with interruptible() as interruption:
        interruption.ending()
        os.kill(os.getpid(), signal.SIGTERM)
        assert interruption.in_a_hurry()


def test_afterwards_signals_mean_what_they_meant() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interruptible():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
