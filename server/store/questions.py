"""What every question to the store has, and how each is answered. The questions themselves are in the files named
`…_messages.py`, by what they are about; `messages.py` lists them.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from msgspec import Struct

from server.protocol.errors import Refusal


@runtime_checkable
class Asker(Protocol):
    """Where an answer goes: an actor's address, or the one-use `Reply` of a task."""

    def answer(self, message: object, /) -> bool: ...


class Question(Struct, frozen=True, kw_only=True):
    reply_to: Asker
    ref: int = 0


class Done(Struct, frozen=True):
    """The question `ref` was answered; the type of `value` tells what it was."""

    ref: int
    value: object


class Failed(Struct, frozen=True):
    """The question `ref` was refused, or could not be answered (`unavailable`)."""

    ref: int
    refusal: Refusal
