"""Whose door is open: the parent's part of `server/turns.py`.

The rules: a door is open while its worker serves. One where somebody has waited from one look to the next, and nobody
was let in meanwhile, is shut until nobody waits there any more; its worker is stopped, or hangs, or has too much to do,
and whoever comes has to go elsewhere. The turn is taken from a door that is shut. Who stands there already waits for
it, or its successor. Only one that stays shut for long counts as hanging, to which others hand nobody over any more.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from typing import Final

from server.turns import Turns, open_those, send_to, waiting_at

LOOK_SECONDS: Final = 1.0
PATIENCE_LOOKS: Final = 10
"""For which a door is shut until its worker counts as hanging. With forty processes that want to run on two processors
some are behind for seconds all the time: when a shut door was enough, of two million who came to twenty workers 36 in
100 were handed over, where it should be 95 (docs/growth.md)."""


class Porter:
    """See the top of this file.

    Parameters
    ----------
    listeners
        All that share the port, in the order of the workers.

    Attributes
    ----------
    look_at
        When to look the next time, in seconds of a clock that never steps back; None: there is but one door.
    """

    __slots__ = ("_let_in", "_listeners", "_serving", "_shut", "_turns", "_waited", "look_at")

    def __init__(self, turns: Turns, listeners: Sequence[socket.socket]) -> None:
        self._turns = turns
        self._listeners = listeners
        self._serving: frozenset[int] = frozenset()
        self._shut: dict[int, int] = {}  # and for how many looks
        self._waited: frozenset[int] = frozenset()
        self._let_in = [0] * len(listeners)
        self.look_at: float | None = 0.0 if len(listeners) > 1 else None

    def serve(self, indices: Iterable[int]) -> None:
        """These workers do, and no others."""
        serving = frozenset(indices)
        if serving != self._serving:
            self._serving = serving
            self._set()

    def look(self, now: float) -> frozenset[int]:
        """Whether anybody waits in vain. Returns those doors that are shut for it since this look.

        Who was full may have room again: it is tried once from look to look.
        """
        self.look_at = now + LOOK_SECONDS
        for index in range(self._turns.doors):
            self._turns.is_full[index] = False
        let_in = list(self._turns.let_in)
        waiting = {index for index, listener in enumerate(self._listeners) if waiting_at(listener)}
        in_vain = frozenset(index for index in waiting & self._waited if let_in[index] == self._let_in[index])
        self._let_in, self._waited = let_in, frozenset(waiting)
        before, shut = self._shut, (self._shut.keys() & waiting) | in_vain
        self._shut = {index: before.get(index, 0) + 1 for index in shut}
        if before or shut:
            self._set()
        for index in in_vain:  # also where the door was shut before: a worker may have seen it open, and sent people
            self._send_on_from(index)
        return frozenset(shut - before.keys())

    def _set(self) -> None:
        were = [index for index in range(self._turns.doors) if self._turns.is_open[index]]
        are = self._serving - self._shut.keys()
        open_those(self._turns, are, (each for each in self._serving if self._shut.get(each, 0) < PATIENCE_LOOKS))
        for index in were:
            if index not in are:  # it may have had the turn
                self._send_on_from(index)

    def _send_on_from(self, index: int) -> None:
        send_to(self._listeners[0], self._turns.after(index))
