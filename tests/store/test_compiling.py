"""What a parent has compiled, no worker compiles."""

from __future__ import annotations

import pytest

from server.store.answering import answer_all
from server.store.compiling import compile_ahead
from server.store.direct import NOBODY
from server.store.history_messages import ReadLog
from server.store.opening import Store
from server.store.room_messages import ListRooms, LoadRoom
from server.store.sqlite import COMPILED
from server.store.user_messages import FindIdentity


@pytest.fixture
def engine() -> str:
    return "sqlite"


def test_a_database_that_is_opened_later_finds_the_statements_of_a_crowd_compiled(store: Store) -> None:
    COMPILED.clear()
    compile_ahead()
    compiled = {id(each) for each in COMPILED.values()}
    assert len(compiled) >= 10
    questions = (
        FindIdentity(reply_to=NOBODY, token_hash=b"h"), FindIdentity(reply_to=NOBODY, token_hash=b"i"),
        ListRooms(reply_to=NOBODY, user="u_1"), ListRooms(reply_to=NOBODY, user="u_2"),
        LoadRoom(reply_to=NOBODY, room="r_1"), ReadLog(reply_to=NOBODY, room="r_1", after=3, upto=9, limit=5),
    )  # fmt: skip
    answer_all(store.reading, questions, 1, 1)
    assert {id(each) for each in COMPILED.values()} == compiled
