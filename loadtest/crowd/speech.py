"""What of a client is there only while something is under way: its opening, and what it said and was not answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from loadtest.crowd.upgrade import new_key
from server.protocol.replies import Error, Ok


class Opening:
    """From the beginning of a connection until it is ready.

    Attributes
    ----------
    received
        What came of the answer to the upgrade.
    recovering
        Rooms, by key, that were named in `hello`, until they are recovered; None before the upgrade is done.
    """

    __slots__ = ("began", "key", "received", "recovering", "token_went_ahead")

    def __init__(self, began: float) -> None:
        self.began = began
        self.key = new_key()
        self.received = b""
        self.recovering: set[int] | None = None
        self.token_went_ahead = False


class Said:
    """A post. `first`: when it was first meant to be said; `at`: when it was said last, on which connection: `life`."""

    __slots__ = ("at", "command", "first", "life", "refused", "room", "text")

    def __init__(self, room: str, text: str, command: bytes, first: float) -> None:
        self.room = room
        self.text = text
        self.command = command
        self.first = self.at = first
        self.life = 0
        self.refused = False

    def is_under_way(self, life: int) -> bool:
        """Whether an answer may still come on this connection."""
        return self.life == life and not self.refused


class Question:
    """Another command. `then` gets its answer, or None if the connection ends before."""

    __slots__ = ("at", "command", "then")

    def __init__(self, command: bytes, then: Callable[[Ok | Error | None], None], at: float) -> None:
        self.command = command
        self.then = then
        self.at = at


class Speech:
    """What a client said and was not answered, by id, in the order in which it was said."""

    __slots__ = ("retrying", "said")

    def __init__(self) -> None:
        self.said: dict[int, Said | Question] = {}
        self.retrying = False

    def posts(self) -> Iterator[Said]:
        return (said for said in self.said.values() if isinstance(said, Said))

    def interrupt(self) -> list[Question]:
        """The connection is gone: posts stay, to be said again; the others come back."""
        questions = {count: said for count, said in self.said.items() if isinstance(said, Question)}
        for count in questions:
            del self.said[count]
        for post in self.posts():
            post.refused = False
            post.life = 0
        return list(questions.values())

    def waited(self, now: float) -> float:
        """Seconds since the oldest that is under way was said; 0.0 if none is."""
        waiting = (said.at for said in self.said.values() if isinstance(said, Question) or not said.refused)
        return now - min(waiting, default=now)
