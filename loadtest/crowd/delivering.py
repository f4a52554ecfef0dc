"""The loop of a delivery, spelled out, because it is what most of a load test is.

Of a client that is ready, and does not wait for anything, one read brings what was read before for another one, and it
is the next entry of the room: of that one nothing is called. All else goes where it belongs. Its shape is measured by
`python -m tests.bench.loadtest_memory`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

from loadtest.crowd import kernel
from loadtest.crowd.members import Members
from loadtest.crowd.sockets import Sockets
from loadtest.crowd.standing import READY
from loadtest.histogram import HALF_BITS

READ_BYTES: Final = 64 * 1024


class Delivery:
    """Reads for everybody for whom something came.

    Parameters
    ----------
    happened
        Given the slot, descriptor and event of everything that is no delivery to one who is ready.
    came
        Given what was read, if nobody of the crowd had read it before.
    broken
        Given why a read failed.
    """

    __slots__ = ("_broken", "_came", "_happened", "_members", "_sockets")

    def __init__(
        self,
        members: Members,
        sockets: Sockets,
        happened: Callable[[int, int, int], None],
        came: Callable[[int, bytes], None],
        broken: Callable[[int, OSError], None],
    ) -> None:
        self._members, self._sockets = members, sockets
        self._happened, self._came, self._broken = happened, came, broken

    def read(self, events: list[tuple[int, int]]) -> None:
        """One pass over what the epoll says."""
        members = self._members
        states, places = members.states, members.places
        seqs, keys, first = places.seqs, places.keys, places.first
        slot_of, known = self._sockets.slot_of, members.reads
        read, clock = os.read, time.monotonic_ns
        delivered = 0
        for descriptor, event in events:
            slot = slot_of[descriptor]
            if states[slot] != READY or event != kernel.IN:
                self._happened(slot, descriptor, event)
                continue
            try:
                data = read(descriptor, READ_BYTES)
            except OSError as error:
                self._broken(slot, error)
                continue
            entries = known.newer.get(data)
            if entries is None:
                self._came(slot, data)
                continue
            now = clock()
            for entry in entries:
                at = first[slot]
                if keys[at] != entry.key:
                    at = places.find(slot, entry.key)
                if at >= 0 and seqs[at] + 1 == entry.seq:
                    seqs[at] += 1
                else:
                    members.take(slot, entry)
                entry.readers += 1
                entry.last_at = now
                if entry.tally is not None:
                    us = (now - entry.sent) // 1000
                    shift = us.bit_length() - HALF_BITS - 1  # `histogram.bucket`, without the call
                    entry.tally.counts[us if shift <= 0 else (shift << HALF_BITS) + (us >> shift)] += 1
            delivered += len(entries)
        members.delivered += delivered
