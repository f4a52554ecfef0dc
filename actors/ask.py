"""Asking: a question from a trio task, which waits for the answer.

The rules:
- A question ends with the answer, `Stopped`, `Crashed`, `Refused`, `TimedOut` or, across nodes, `Unreachable`; never
  in silence.
- Who is asked knows its open questions, so a crash or a stop ends them at once and not at their deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import trio

from actors.address import Address
from actors.errors import AskFailed, Refused, TimedOut
from actors.messages import Tell
from actors.reply import Reply

A = TypeVar("A")


class Awaited(Reply[A]):
    """The reply a task waits for."""

    __slots__ = ("_answer", "_done", "_failure")

    def __init__(self) -> None:
        self._done = trio.Event()
        self._answer: A
        self._failure: AskFailed | None = None

    @property
    def over(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._done.is_set()

    def tell(self, answer: object, /) -> bool:
        """See `Reply.tell`."""
        if self._done.is_set():
            return False
        self._answer = cast(A, answer)
        self._done.set()
        return True

    def fail(self, failure: AskFailed) -> None:
        """See `Reply.fail`."""
        if not self._done.is_set():
            self._failure = failure
            self._done.set()

    async def wait(self, seconds: float) -> A:
        """The answer. Raises `AskFailed` if it ended otherwise, `TimedOut` after `seconds`; then it takes none."""
        with trio.move_on_after(seconds):
            await self._done.wait()
        if not self._done.is_set():
            self.fail(TimedOut(f"no answer within {seconds:g} s"))
        failure, self._failure = self._failure, None
        if failure is None:
            return self._answer
        try:
            raise failure
        finally:
            del failure  # it holds this frame by its traceback: a reference cycle


async def ask(address: Tell, question: Callable[[Reply[A]], object], seconds: float) -> A:
    """Ask an actor from a trio task, and wait for its answer.

    Args:
        address: who is asked; with an `Inbox` or another `Tell`, only a refusal or the deadline ends a
            question early.
        question: makes the message, with the reply it is given in its attribute `reply_to`.
        seconds: how long to wait.

    Raises:
        Stopped: it has stopped, or stops before it answers.
        Crashed: it received the question, and crashed before it answered.
        Refused: its mailbox is full.
        TimedOut: no answer in time.
        Unreachable: it is on another node, and the link is lost.
    """
    reply: Awaited[A] = Awaited()
    put(address, question(reply), reply)
    try:
        return await reply.wait(seconds)
    finally:
        if isinstance(address, Address):
            address._settled(reply)


def put(address: Tell, message: object, reply: Reply[A]) -> None:
    """Tell a question; it fails at once if it is not taken, and as soon as an actor that took it ends."""
    if address.tell(message):
        if isinstance(address, Address) and not reply.over:
            address._opened(reply)
    elif isinstance(address, Address):
        reply.fail(address._why_not())
    else:
        reply.fail(Refused(f"{address!r} has not taken the question"))
