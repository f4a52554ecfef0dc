"""What a session is in the middle of.

Most sessions are quiet most of the time, and the tables for what is under way would be more than all the rest of one.
So they are made together when the first of them is needed, and let go together when nothing is left in any of them.
"""

from __future__ import annotations

from actors import Address, Timer
from server.sessions.commands import Commands
from server.sessions.purposes import Opening, Purpose


class Ongoing:
    """Commands without a reply, connections that are not welcomed yet, and questions to the store.

    Parameters
    ----------
    command_seconds
        How long a command may stay without a reply.

    Attributes
    ----------
    asked
        By the reference of the question.
    overdue
        Looks after the oldest command, or one that was answered meanwhile.
    """

    __slots__ = ("asked", "commands", "openings", "overdue")

    def __init__(self, command_seconds: float) -> None:
        self.commands = Commands(command_seconds)
        self.openings: dict[Address, Opening] = {}
        self.asked: dict[int, Purpose] = {}
        self.overdue: Timer | None = None

    def __bool__(self) -> bool:
        return self.overdue is not None or bool(self.openings or self.asked) or not self.commands.are_forgotten
