from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pysqlite3.dbapi2 as driver
import pytest

from server.protocol.errors import ErrorCode, Refusal
from server.store.databases import database_of
from server.store.direct import NOBODY, DirectStore
from server.store.errors import NotMigrated, Unusable
from server.store.lately import Span
from server.store.opening import Store
from server.store.sqlite import Pragmas
from server.store.user_messages import AddUser, FindUser, ListUsers, ReadRevocations, SetAdministrator, SetPassword
from tests.store.desk import Desk


def add(name: str) -> AddUser:
    return AddUser(reply_to=NOBODY, name=name, display_name=None, password_hash="hash")


def test_a_change_and_a_question_beside_a_server(store: Store) -> None:
    with DirectStore(store.database) as direct:
        added = direct.change(add("ann"))
        assert direct.ask(FindUser(reply_to=NOBODY, who="ann")) == added
        assert isinstance(users := direct.ask(ListUsers(reply_to=NOBODY)), tuple)
        assert len(users) == 1


def test_a_refusal_is_raised(store: Store) -> None:
    with DirectStore(store.database) as direct, pytest.raises(Refusal) as refused:
        direct.change(SetAdministrator(reply_to=NOBODY, name="nobody", administrator=True))
    assert refused.value.code is ErrorCode.NO_SUCH_USER


async def test_a_serving_server_hears_of_tokens_that_a_command_ended(desk: Desk) -> None:
    ann = await desk.user("ann")
    session = (await desk.identity(ann, b"h" * 32)).session
    with DirectStore(desk.store.database) as direct:
        direct.change(SetPassword(reply_to=NOBODY, name="ann", password_hash="new"))
    assert (await desk.read(ReadRevocations, spans=(Span(desk.now, 2**50),))).sessions == (session,)


def test_a_database_that_stays_locked_is_one_line(data: Path) -> None:
    with (
        closing(driver.connect(data / "hubbub.sqlite3", isolation_level=None)) as other,
        DirectStore(database_of(data, pragmas=Pragmas(busy_seconds=0.0))) as direct,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unusable, match="locked"):
            direct.change(add("ann"))


def test_there_is_nothing_to_change(tmp_path: Path) -> None:
    with pytest.raises(NotMigrated):
        DirectStore(database_of(tmp_path / "nothing"))
    (tmp_path / "hubbub.sqlite3").touch()
    with pytest.raises(NotMigrated):
        DirectStore(database_of(tmp_path))
