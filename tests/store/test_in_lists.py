"""Lists of keys in few lengths."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from server.store.answering import answer_all
from server.store.in_lists import padded
from server.store.messages import Read
from server.store.opening import Store
from server.store.room_messages import ListRooms
from server.store.user_messages import FindIdentity
from tests.store.desk import Ear


@pytest.mark.parametrize(
    ("keys", "asked"),
    [("", ""), ("a", "a"), ("ab", "ab"), ("abc", "abcc"), ("abcd", "abcd"), ("abcde", "abcdeeee")],
)
def test_a_list_is_as_long_as_a_power_of_two(keys: str, asked: str) -> None:
    assert padded(keys) == list(asked)


def test_portions_of_every_size_take_few_statements(store: Store) -> None:
    statements: set[str] = set()

    def noted(connection: object, cursor: object, statement: str, *_: Any) -> None:
        statements.add(statement)

    event.listen(store.reading, "before_cursor_execute", noted)
    ear = Ear()
    for size in range(1, 33):
        portion: list[Read] = [FindIdentity(reply_to=ear, token_hash=bytes([n])) for n in range(size)]
        portion += [ListRooms(reply_to=ear, user=f"u{n}") for n in range(size)]
        answer_all(store.reading, portion, 0, 0)
    assert len(statements) == 2 * len({1, 2, 4, 8, 16, 32})
