"""Asking the store (and the hashing task) from a trio task: every ending is a value or a `Refusal`.

What the asker did wrong comes back as the refusal the store gave. That nobody answered in time, or that the queue
is full, is `unavailable`: nothing was done, or doing it again does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from actors import AskFailed, Reply, Tell, ask
from server.protocol.errors import unavailable
from server.store.questions import Done, Failed, Question

V = TypeVar("V")
W = TypeVar("W")
Asking = Callable[[Reply[Any]], Question]


@overload
async def answer_to(address: Tell, question: Asking, kind: type[V], seconds: float) -> V: ...
@overload
async def answer_to(address: Tell, question: Asking, kind: tuple[type[V], type[W]], seconds: float) -> V | W: ...
async def answer_to(
    address: Tell, question: Asking, kind: type[object] | tuple[type[object], ...], seconds: float
) -> object:
    """The value of the answer, which is of `kind` (one of these, for a tuple).

    Raises
    ------
    Refusal
        The question was refused, or there was no answer within `seconds`.
    """
    try:
        answer: Done | Failed = await ask(address, question, seconds)
    except AskFailed as failure:
        raise unavailable() from failure
    if isinstance(answer, Failed):
        raise answer.refusal
    assert isinstance(answer.value, kind), f"unexpected answer: {type(answer.value).__name__}"
    return answer.value
