"""A single process over a PostgreSQL database, and another one that somebody has started beside it by mistake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.placement.alone import owning_all
from server.placement.shards import SHARDS
from server.store.errors import InUseByNodes, NotReachable
from server.store.leases import Leases, Renew, Take
from server.store.log_messages import Landed, Lost
from server.store.opening import Store, open_store
from tests.harness.postgres import PostgresProcess, PostgresServer
from tests.store.desk import serving


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.database()


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path, database=url) as opened:
        yield opened


def live(store: Store, node: str, lease_ms: int) -> None:
    with closing(Leases(store.database.leasing())) as leases:
        leases.perform(Renew(node, 1, True, 60_000))
        leases.perform(Take(node, (1, 2, 3)))
        leases.perform(Renew(node, 1, True, lease_ms))


def test_it_owns_everything_for_good(store: Store) -> None:
    assert len(owning_all(store, "n_1").served) == SHARDS


def test_it_does_not_start_beside_nodes_that_live(store: Store) -> None:
    live(store, "n_node", 60_000)
    with pytest.raises(InUseByNodes, match="name their engine"):
        owning_all(store, "n_1")


def test_nodes_that_are_gone_are_nobody(store: Store) -> None:
    live(store, "n_node", -1)
    assert len(owning_all(store, "n_1").served) == SHARDS


def test_a_database_that_is_gone_is_one_line(own_postgres: PostgresProcess, tmp_path: Path) -> None:
    with open_store(tmp_path, database=own_postgres.url) as store:
        own_postgres.stop()
        with pytest.raises(NotReachable, match="cannot reach"):
            owning_all(store, "n_1")


async def test_what_the_first_appends_is_lost_once_a_second_has_started(
    store: Store, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(store, owning_all(store, "n_1")) as first:
        ann = await first.user("ann")
        room = await first.anchored(await first.created(ann))
        assert isinstance(await room.said(ann, "n1"), Landed)
        with open_store(tmp_path, database=url) as beside:
            async with serving(beside, owning_all(beside, "n_2")) as second:
                again = await second.anchored(room.room)
                assert isinstance(await room.said(ann, "n2"), Lost)
                assert isinstance(await again.said(ann, "n3"), Landed)
    assert "1 rooms are not this process's any more" in caplog.text
