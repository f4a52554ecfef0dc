"""Reply: the one-use address that the answer to one question goes to.

The rules:
- It is used once. A second or a late answer is dropped, and harms nobody.
- Who is asked need not know who asks: a task waits for it (`ask.py`), an actor is told (`request.py`), and both put
  a `Reply` into the question.
- A question that a full mailbox drops has ended, even where its sender is told that all is well.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from actors.errors import AskFailed, Refused

A = TypeVar("A")


class Reply(ABC, Generic[A]):
    """Where the answer to one question goes. Travels in the question's `reply_to`; `A` is what is expected."""

    __slots__ = ()

    @property
    @abstractmethod
    def over(self) -> bool:
        """Whether nobody waits for the answer any more: it has ended, or who asked has."""

    @abstractmethod
    def tell(self, answer: object, /) -> bool:
        """Answer; takes any object, as every `Tell` does. False: nobody waits any more."""

    @abstractmethod
    def fail(self, failure: AskFailed) -> None:
        """End the question without an answer; harmless when it is over."""

    def answer(self, answer: object, /) -> bool:
        """The same as `tell`: a reply takes one answer."""
        return self.tell(answer)


def dropped(message: object) -> None:
    """A mailbox that is full has dropped this: if it was a question, it will not be answered."""
    reply = getattr(message, "reply_to", None)
    if isinstance(reply, Reply):
        reply.fail(Refused("the question was dropped by a full mailbox"))
