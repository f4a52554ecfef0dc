"""A second process beside the one whose store is open: its connection to the same database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from server.store.opening import Store
from server.store.quotas import Quotas


@contextmanager
def another(store: Store) -> Iterator[Connection]:
    """A transaction on a connection of its own; committed at the end of the block."""
    writing = store.database.writing(Quotas())
    try:
        with writing.begin() as connection:
            yield connection
    finally:
        writing.throw_away()
