from __future__ import annotations

import pytest
from sqlalchemy import Text, select, update

from server.store.bulk import Bulk, RowsMissing, together
from server.store.opening import Store
from server.store.rows import EntryRow, MessageRow
from server.store.tables import entries, settings

_MIGRATED = {"cluster", "invite_key"}  # what a new database has already
_insert = Bulk({"name": Text(), "value": Text()}, lambda given: given.inserted_into(settings))
_change = Bulk(
    {"value": Text(), "name": Text()},
    lambda given: update(settings).where(settings.c.name == given["name"]).values(value=given["value"]),
)
_mark = Bulk(
    {"name": Text(), "mark": Text()},
    lambda given: (
        update(settings)
        .where(settings.c.name == given["name"], settings.c.value != given["mark"])
        .values(value=given["mark"])
    ),
)


_look = Bulk(
    {"name": Text(), "value": Text()},
    lambda given: (
        select(settings.c.name)
        .where(settings.c.name == given["name"], settings.c.value == given["value"])
        .order_by(settings.c.name)
        .with_for_update(read=True, of=settings)
    ),
)


def kept(store: Store) -> dict[str, str]:
    with store.reading.begin() as connection:
        return {row.name: row.value for row in connection.execute(select(settings)) if row.name not in _MIGRATED}


def test_rows_of_the_log_have_columns_of_the_table() -> None:
    """Not all of them: what a message becomes later is not written with it."""
    for row in (MessageRow, EntryRow):
        assert set(row._fields) <= set(entries.columns.keys())


def test_rows_are_written_whatever_order_a_statement_names_their_columns_in(store: Store) -> None:
    with store.writing.begin() as connection, together(connection) as statements:
        statements.execute(_insert, [("a", "1"), ("b", "2"), ("c", "%s")])
        statements.execute(_change, [("3", "a"), (":value", "b")])
        statements.execute(_mark, [("a", "4")])
    assert kept(store) == {"a": "4", "b": ":value", "c": "%s"}


def test_a_row_that_touches_nothing_is_missing(store: Store) -> None:
    def write() -> None:
        with store.writing.begin() as connection, together(connection) as statements:
            statements.execute(_insert, [("a", "1")])
            statements.execute(_change, [("2", "a"), ("2", "b")])

    with pytest.raises(RowsMissing, match="1 rows instead of 2"):
        write()
    assert kept(store) == {}


def test_what_is_not_there_is_not_found(store: Store) -> None:
    def look(*rows: tuple[str, str]) -> None:
        with store.writing.begin() as connection, together(connection) as statements:
            statements.execute(_look, rows)

    with store.writing.begin() as connection, together(connection) as statements:
        statements.execute(_insert, [("a", "1"), ("b", "2")])
    look(("b", "2"), ("a", "1"))
    with pytest.raises(RowsMissing, match="1 rows instead of 2"):
        look(("a", "1"), ("b", "1"))


def test_where_not_every_row_has_to_touch_something_none_is_missing(store: Store) -> None:
    with store.writing.begin() as connection, together(connection) as statements:
        statements.execute(_insert, [("a", "1")])
        statements.execute(_mark, [("a", "1"), ("b", "1")], each=False)
        statements.execute(_change, [])
    assert kept(store) == {"a": "1"}
