"""People that a test put into the store, as a crowd knows them: by number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.bench.seed import Person


class Listed:
    """Those of a list, numbered as they stand in it; rooms as they are first named."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._people = list(people)
        self._rooms = list(dict.fromkeys(room for person in self._people for room in person.rooms))
        self._room_numbers = {room: number for number, room in enumerate(self._rooms)}

    @property
    def everybody(self) -> range:
        return range(len(self._people))

    def user(self, number: int) -> str:
        return self._people[number].user

    def token(self, number: int) -> str:
        return self._people[number].token

    def room(self, room: int) -> str:
        return self._rooms[room]

    def rooms_of(self, number: int) -> Sequence[int]:
        return [self._room_numbers[room] for room in self._people[number].rooms]
