"""Whose people a crowd brings, and who is told what they see.

A watcher overrides what it cares for. It is called in the middle of the loop: what it does there, the next client waits
for. Of a delivery nothing is called: whoever wants to know what becomes of an entry keeps the `Entry`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from loadtest.crowd.entries import Entry
from loadtest.histogram import Histogram


class Roster(Protocol):
    """People by their numbers, and their rooms by theirs; `loadtest/people.py` computes one."""

    def user(self, number: int) -> str:
        """The id, as the log names authors."""
        ...

    def token(self, number: int) -> str: ...

    def room(self, room: int) -> str:
        """The id."""
        ...

    def rooms_of(self, number: int) -> Sequence[int]: ...


class Watcher:
    """Is told what happens to a crowd. People are named by number, rooms by id; times are seconds."""

    def connected(self, number: int, seconds: float) -> None:
        """The upgrade was answered, so long after the connection was begun."""

    def welcomed(self, number: int, seconds: float) -> None:
        """It is ready: welcome, and with everything it had missed; so long after the connection was begun."""

    def posted(self, number: int, room: str) -> None:
        """It sent a post, for the first time or again."""

    def acknowledged(self, number: int, room: str, seconds: float) -> None:
        """A post is on disk, so long after it was first said."""

    def denied(self, number: int, room: str, final: bool) -> None:
        """A post was answered with an error; `final`: saying it again is no use."""

    def abandoned(self, number: int, room: str) -> None:
        """A post was said again and again for as long as the crowd is patient, and never answered."""

    def late(self, number: int, seconds: float) -> None:
        """It hung up, because an answer or its welcome is overdue by far; it comes again."""

    def entry(self, entry: Entry) -> Histogram | None:
        """An entry of a room's log is seen by the first of this crowd.

        What comes back is where each of its readers records how long after the post it came.
        """

    def refused(self, status: int) -> None:
        """An upgrade was answered with this status of HTTP."""

    def closed(self, code: int) -> None:
        """The server ended a connection, with this close code; 1006: without one."""

    def failed(self, number: int) -> None:
        """A connection could not be made, or broke, with this errno."""
