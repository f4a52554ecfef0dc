from __future__ import annotations

import pytest
from sqlalchemy import bindparam, insert, update
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.dialects.sqlite import pysqlite

from server.store.bulk import Bulk
from server.store.planning import EntryRow
from server.store.tables import entries, rooms


def test_rows_of_the_log_have_the_tables_columns_in_its_order() -> None:
    assert EntryRow._fields == tuple(column.name for column in entries.columns)


@pytest.mark.parametrize("dialect", [pysqlite.dialect(), psycopg.dialect()])  # type: ignore[no-untyped-call]
def test_a_statement_is_compiled_for_rows_by_position(dialect: object) -> None:
    sql = Bulk(insert(entries), EntryRow._fields)._compile(dialect)  # type: ignore[arg-type]
    assert sql.count("?") + sql.count("%s") == len(EntryRow._fields)


def test_parameters_in_another_order_than_the_statements_are_a_mistake() -> None:
    statement = update(rooms).where(rooms.c.id == bindparam("room")).values(topic=bindparam("words"))
    with pytest.raises(TypeError, match="words"):
        Bulk(statement, ("room", "words"))._compile(pysqlite.dialect())
