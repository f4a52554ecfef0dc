"""The server that is wrong on purpose lacks every guard, also of what was built after it."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Insert, Table, insert, literal

from server.store import appending
from server.store.bulk import Bulk
from server.store.tables import entries
from tests.chaos.unguarded_server import WAYS_INTO_THE_LOG


class Into(defaultdict[str, object]):
    """Columns that are given, and where they are inserted."""

    def __init__(self) -> None:
        super().__init__(lambda: literal(1))
        self.table: Table | None = None

    def inserted_into(self, table: Table) -> Insert:
        self.table = table
        return insert(table)


def table_of(bulk: Bulk) -> Table | None:
    """Where it inserts; None: it does something else."""
    into = Into()
    bulk._build(into)  # type: ignore[arg-type]
    return into.table


def test_every_way_into_the_log_writes_over_what_is_there() -> None:
    ways = {name for name, made in vars(appending).items() if isinstance(made, Bulk) and table_of(made) is entries}
    assert ways == WAYS_INTO_THE_LOG.keys()
