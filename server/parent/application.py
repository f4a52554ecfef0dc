"""What a parent is given: the life of its workers, and what surrounds it. The parent knows nothing of chat."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

from server.parent.crew import Failure
from server.parent.place import WorkerPlace
from server.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """See the top of this file.

    Parameters
    ----------
    modules
        What workers need, to be loaded before the first fork.
    make
        Called behind that: makes what all workers share; opens nothing that is not closed again, starts no thread.
    prepare
        Called in a process of its own before there are workers, and by a new program before it takes over, while
        workers of the old one serve: brings the database to the newest form. The lock of the data directory is held.
        Returns an exit code; what is wrong is on stderr then.
    work
        The life of a worker, in a process of its own; returns its exit code.
    reread
        The settings as they are now. Raises `WrongSetting`.
    open_admin
        The listener for operators, if there is one.
    announce
        Called once, when all workers serve: with a listener of theirs, and that of operators.
    owners
        On how many workers rooms live.
    leave_seconds
        Within which a worker that was told to has ended.
    mistakes
        Exit codes of a worker that mean: an operator has to change something first.
    """

    modules: tuple[str, ...]
    make: Callable[[], None]
    prepare: Callable[[Settings], int]
    work: Callable[[WorkerPlace], int]
    reread: Callable[[], Settings]
    open_admin: Callable[[Settings], socket.socket | None]
    announce: Callable[[socket.socket, socket.socket | None], None]
    owners: int
    leave_seconds: float
    mistakes: frozenset[int]


class GaveUp(Exception):
    """Everything was stopped because a child could not be kept alive.

    Parameters
    ----------
    failure
        Its line is empty where somebody has said it already.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.line)
        self.line = failure.line
        self.code = failure.code
