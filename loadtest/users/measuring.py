"""What all users here have in common: telling locust true times, and leaving nothing behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from locust import User
from locust.env import Environment

from loadtest.users.websocket import Message


@dataclass(slots=True)
class Measured:
    """A request that is under way. `length`: bytes or characters that came."""

    began: float
    ended: float | None = None
    length: int = 0

    def until(self, message: Message) -> Message:
        """It ended when this message came, however late that is noticed."""
        self.ended = message.at
        self.length = len(message.data)
        return message


class MeasuringUser(User):
    """A user that reports requests by its own clock.

    Attributes
    ----------
    request_type
        Under which locust lists them.
    """

    abstract = True
    request_type: str = ""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._tied = False

    @contextmanager
    def measure(self, name: str) -> Iterator[Measured]:
        """Report what is inside as a request: how long it took, and the failure if it raises one.

        A `WebSocketFailure` then ends the task quietly. Anything else is a fault of the test: locust shows it.
        """
        measured = Measured(perf_counter())
        try:
            yield measured
        except Exception as failure:  # not GreenletExit: who was stopped in the middle has neither succeeded nor failed
            self.report(name, perf_counter() - measured.began, exception=failure)
            raise
        ended = perf_counter() if measured.ended is None else measured.ended
        self.report(name, ended - measured.began, measured.length)

    def report(self, name: str, seconds: float, length: int = 0, exception: Exception | None = None) -> None:
        """Report a request that was measured otherwise, such as the age of a message that came unasked."""
        self.environment.events.request.fire(
            request_type=self.request_type,
            name=name,
            response_time=seconds * 1000,
            response_length=length,
            exception=exception,
            context=self.context(),
            start_time=time.time() - seconds,
        )

    def tie(self) -> None:
        """Whatever ends this user calls `hang_up`, also where locust does not call `on_stop`."""
        if not self._tied and self.greenlet is not None:
            self.greenlet.rawlink(lambda _: self.hang_up())
            self._tied = True

    def hang_up(self) -> None:
        """Let go of every greenlet and socket, without waiting: the event loop itself may call it."""
