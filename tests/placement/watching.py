"""Who sees why actors end, and how a test waits for what it sees."""

from __future__ import annotations

from collections.abc import Callable

import trio

from actors import Actor, Address, Down

PATIENCE = 20.0
"""Seconds until a test gives up waiting."""


async def until(condition: Callable[[], object]) -> None:
    with trio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is looked at tells nobody
            await trio.sleep(0.005)


class Witness(Actor):
    """Keeps why others ended."""

    __slots__ = ("_reasons",)

    def __init__(self, reasons: dict[str, object]) -> None:
        self._reasons = reasons

    def receive(self, message: object) -> None:
        match message:
            case Address():
                self.watch(message)
            case Down(address=address, reason=reason):
                self._reasons[str(address.name)] = reason
