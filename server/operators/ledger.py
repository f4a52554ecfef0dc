"""What workers had counted that count no more, so that the sum over all never steps back.

A reader of metrics takes a step back for a restart from nothing, and counts all that is there as new: the sum over many
workers may not do that each time one of them is replaced. So whoever sums writes down what each worker has counted by
then; what stands there of one that is gone, or does not answer, is added to the sum. What it counted after the last
look is lost, as it is where there is one process.

The file lies in the run directory, which is emptied when the parent starts: all begins anew there.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from server.metrics.exposition import Family
from server.metrics.merging import merged
from server.operators.answering import SUFFIX
from server.parent.run_directory import RunDirectory

_FILE: Final = "counted"
_LONGEST: Final = 64 * 1024 * 1024


class Written(Struct, frozen=True):
    """What stands in the file.

    Attributes
    ----------
    last
        What each worker had counted when it was last asked, by the name of its socket.
    gone
        The sum of those that have ended.
    """

    last: dict[str, list[Family]] = {}
    gone: list[Family] = []


def settled(before: Written, now: Mapping[str, Iterable[Family]], there: Iterable[str]) -> Written:
    """What is to be written down now. Pure.

    Parameters
    ----------
    now
        What those have counted that have answered.
    there
        Those that live; some of them may not have answered.
    """
    quiet = set(there) - now.keys()
    ended = [families for name, families in before.last.items() if name not in quiet | now.keys()]
    silent = {name: families for name, families in before.last.items() if name in quiet}
    answered = {name: [family for family in families if _is_counted(family)] for name, families in now.items()}
    return Written(silent | answered, merged(("", families) for families in [before.gone, *ended]))


def to_add(written: Written, now: Mapping[str, object]) -> list[Family]:
    """What the sum over those that have answered lacks."""
    silent = [families for name, families in written.last.items() if name not in now]
    return merged(("", families) for families in [written.gone, *silent])


class Ledger:
    """The file."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run

    def settled(self, now: Mapping[str, Iterable[Family]]) -> list[Family]:
        """Write down what was counted; returns what is to be added to the sum of it."""
        descriptor = os.open(self._run.address(_FILE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # others hold it for a millisecond
            written = settled(_read(descriptor), now, self._run.names(SUFFIX))
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, msgspec.msgpack.encode(written), 0)
        finally:
            os.close(descriptor)
        return to_add(written, now)


def _read(descriptor: int) -> Written:
    text = os.pread(descriptor, _LONGEST, 0)
    try:
        return msgspec.msgpack.decode(text, type=Written)
    except msgspec.DecodeError:  # nothing yet; or who wrote it was killed over it
        return Written()


def _is_counted(family: Family) -> bool:
    return family.kind != "gauge" and family.across == "sum"
