"""A locust user that is one person: reads, types, posts, scrolls back, changes rooms, with the think times of people.

What they do and when is `behaviour.py`'s, the same person always the same; this makes the moves. How fast they live is
the flag `--pace`.
"""

from __future__ import annotations

from typing import ClassVar

from locust import task
from locust.env import Environment

from loadtest.behaviour import Act, Move, Person
from loadtest.users.chat_user import ChatUser
from loadtest.users.gathering import Gathering

PAGE = 30  # messages that somebody sees when they scroll or turn to a room
_WORDS = "so it was said and heard and nobody minded "


class PersonUser(ChatUser):
    """One of the people."""

    gathering: ClassVar[Gathering]

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._me = -1
        self._rooms: list[str] = []
        self._person = Person(0, 0, 1)
        self._next: Move | None = None

    def on_start(self) -> None:
        people, parsed = self.gathering.people, self.environment.parsed_options
        assert parsed is not None
        self._me = self.gathering.next_number()
        self._rooms = [people.room(room) for room in people.rooms_of(self._me)]
        self._person = Person(parsed.seed, self._me, len(self._rooms), parsed.pace)
        self.witnesses = self.gathering.witnesses
        self.start_talking(people.token(self._me), user=people.user(self._me), number=self._me)

    def on_stop(self) -> None:
        super().on_stop()
        if self._me >= 0:
            self.gathering.left(self._me, self.testimony)

    def wait_time(self) -> float:
        """Until the next move: decided now, made afterwards."""
        self._next = self._person.next_move()
        return self._next.after

    @task
    def move(self) -> None:
        if self._next is None:  # nobody does anything in the moment in which they come
            return
        room = self._rooms[self._next.room]
        match self._next.act:
            case Act.READ:
                self.read(room, self._read_up_to(room))
            case Act.SCROLL:
                self.history(room, before=max(1, self._read_up_to(room) - PAGE), limit=PAGE)
            case Act.TURN:
                self.history(room, limit=PAGE)
                self.read(room, self._read_up_to(room))
            case Act.TYPE:
                self.typing(room)
            case Act.POST:
                self.post(room, (_WORDS * (self._next.characters // len(_WORDS) + 1))[: self._next.characters])

    def _read_up_to(self, room: str) -> int:
        cursor = self.cursors().get(room)
        return 0 if cursor is None else cursor.seq
