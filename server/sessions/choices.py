"""What those people have chosen who have sessions on this node and have chosen anything: one table for all sessions.

A session comes with what the store knows of its user, and the first of them brings it here; what is changed while they
are here is told to them. Most people have chosen nothing: of them there is nothing here, and nothing in their sessions.
"""

from __future__ import annotations

from server.store.choices import NOTHING, Choice


class Choices:
    """See the top of this file."""

    __slots__ = ("_chosen",)

    def __init__(self) -> None:
        self._chosen: dict[str, Choice] = {}

    def __len__(self) -> int:
        return len(self._chosen)

    def of(self, user: str) -> Choice:
        return self._chosen.get(user, NOTHING)

    def has_come(self, user: str, choice: Choice | None) -> None:
        """A session of the user begins, with what the store knew a moment ago; what is here is newer."""
        if choice is not None:
            self._chosen.setdefault(user, choice)

    def put(self, user: str, choice: Choice) -> None:
        """The user has chosen this just now."""
        if choice == NOTHING:
            self._chosen.pop(user, None)
        else:
            self._chosen[user] = choice

    def drop(self, user: str) -> None:
        """No session of the user is here any more."""
        self._chosen.pop(user, None)
