"""Leases in a real database: what each step does, and what two do that come at the same time.

The rules that hold over many steps are in tests/placement/test_keeper.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from server.placement.shards import SHARDS
from server.store.cluster_id import read_cluster_id
from server.store.leases import (
    Bury,
    GiveUp,
    Leases,
    Look,
    Reading,
    Renew,
    SignOff,
    Step,
    Take,
    TakeAll,
    perform,
)
from server.store.onlooking import SqliteOnlooker
from server.store.opening import Store
from server.store.quotas import Quotas
from tests.store.beside import another

LEASE_MS = 60_000
PATIENCE = 20.0


@pytest.fixture
def leases(store: Store) -> Iterator[Leases]:
    made = Leases(store.database.writing(Quotas()))
    yield made
    made.close()


def owned(reading: Reading, node: str | None) -> set[int]:
    assert reading.table is not None
    return {shard for shard, (owner, _) in enumerate(reading.table) if owner == node}


def live(leases: Leases, *names: str, lease_ms: int = LEASE_MS) -> None:
    for name in names:
        leases.perform(Renew(name, 1, True, lease_ms))


def dead(leases: Leases, name: str, *shards: int) -> None:
    """A node whose lease has run out, and which has these."""
    live(leases, name)
    leases.perform(Take(name, shards))
    live(leases, name, lease_ms=-1)


# --- one after the other -------------------------------------------------------------------------------------


def test_at_first_nobody_owns_anything(leases: Leases) -> None:
    reading = leases.perform(Look())
    assert reading.nodes == ()
    assert len(owned(reading, None)) == SHARDS


def test_a_node_lives_as_long_as_it_renews(leases: Leases) -> None:
    live(leases, "a")
    (row,) = leases.perform(Renew("a", 2, False, LEASE_MS)).nodes
    assert (row.name, row.weight, row.linked) == ("a", 2, False)
    assert LEASE_MS - 5_000 < row.left_ms <= LEASE_MS


def test_only_what_has_no_owner_is_taken_and_only_by_the_living(leases: Leases) -> None:
    live(leases, "a", "b")
    assert owned(leases.perform(Take("a", (1, 2, 3))), "a") == {1, 2, 3}
    assert owned(leases.perform(Take("b", (3, 4))), "b") == {4}
    assert owned(leases.perform(Take("unknown", (5,))), "unknown") == set()
    live(leases, "a", lease_ms=-1)
    assert owned(leases.perform(Take("a", (5,))), "a") == {1, 2, 3}


def test_every_change_of_an_owner_raises_the_epoch(leases: Leases) -> None:
    live(leases, "a", "b")
    leases.perform(Take("a", (1,)))
    leases.perform(GiveUp("a", (1,)))
    table = leases.perform(Take("b", (1,))).table
    assert table is not None
    assert table[:3] == ((None, 0), ("b", 3), (None, 0))


def test_the_table_is_read_only_when_it_has_changed(leases: Leases) -> None:
    live(leases, "a")
    reading = leases.perform(Take("a", (1, 2)))
    assert leases.perform(Look(reading.version)).table is None
    assert leases.perform(GiveUp("a", (7,), reading.version)).table is None, "it has no such shard"
    assert leases.perform(GiveUp("a", (1,), reading.version)).table is not None


def test_the_dead_are_buried_and_the_living_are_not(leases: Leases) -> None:
    dead(leases, "dead", 1, 2)
    live(leases, "a")
    leases.perform(Take("a", (3,)))
    reading = leases.perform(Bury())
    assert [row.name for row in reading.nodes] == ["a"]
    assert owned(reading, "dead") == set()
    assert owned(reading, "a") == {3}


def test_who_was_buried_begins_with_nothing(leases: Leases) -> None:
    dead(leases, "a", 1, 2)
    leases.perform(Bury())
    reading = leases.perform(Renew("a", 1, True, LEASE_MS))
    assert owned(reading, "a") == set()
    assert [row.name for row in reading.nodes] == ["a"]


def test_who_signs_off_is_gone_with_all_it_had(leases: Leases) -> None:
    live(leases, "a", "b")
    leases.perform(Take("a", (1, 2)))
    leases.perform(Take("b", (3,)))
    reading = leases.perform(SignOff("a"))
    assert [row.name for row in reading.nodes] == ["b"]
    assert owned(reading, "a") == set()
    assert owned(reading, "b") == {3}


def test_the_only_one_has_everything(leases: Leases) -> None:
    live(leases, "a")
    leases.perform(Take("a", (1, 2)))
    reading = leases.perform(TakeAll("sole"))
    assert len(owned(reading, "sole")) == SHARDS


def test_who_only_looks_needs_no_right_to_write(store: Store, leases: Leases) -> None:
    live(leases, "a")
    leases.perform(Take("a", (1,)))
    with closing(store.database.onlooker()) as seen:
        reading = seen.perform(Look())
        assert owned(reading, "a") == {1}
        assert seen.perform(Look(known=reading.version)).table is None, "it is known"
        leases.perform(Take("a", (2,)))
        assert owned(seen.perform(Look(known=reading.version)), "a") == {1, 2}


def test_who_only_looks_knows_the_cluster_and_cannot_write(store: Store) -> None:
    with closing(store.database.onlooker()) as seen:
        assert seen.cluster_id() == read_cluster_id(store.reading)
        if isinstance(seen, SqliteOnlooker):
            with pytest.raises(DBAPIError, match="readonly"), seen._snapshot() as connection:
                connection.execute("DELETE FROM shards")
            assert len(seen.perform(Look()).table or ()) == SHARDS, "it goes on with another connection"


def test_after_a_failure_the_next_step_has_another_connection(leases: Leases) -> None:
    with pytest.raises(Exception, match=r"nodes|long|range|large|UNIQUE|null|NULL|int"):
        leases.perform(Renew("a", 1, True, 2**70))
    live(leases, "a")
    assert [row.name for row in leases.perform(Look()).nodes] == ["a"]


# --- at the same time ----------------------------------------------------------------------------------------


class TestAtTheSameTime:
    """On PostgreSQL: with SQLite no two transactions that write are under way at once."""

    @pytest.fixture
    def engine(self) -> str:
        return "postgres"

    @pytest.fixture
    def later(self) -> Iterator[Callable[[Leases, Step], Future[Reading]]]:
        """Performs a step in a thread: it may have to wait."""
        with ThreadPoolExecutor(1) as pool:
            yield lambda leases, step: pool.submit(leases.perform, step)

    def test_a_renewal_waits_for_a_burial_and_learns_what_was_taken(
        self, store: Store, leases: Leases, later: Callable[[Leases, Step], Future[Reading]]
    ) -> None:
        dead(leases, "a", 1, 2)
        with another(store) as connection:
            perform(connection, Bury())
            renewal = later(leases, Renew("a", 1, True, LEASE_MS))
            until_somebody_waits(connection)
        assert owned(renewal.result(PATIENCE), "a") == set()

    def test_nobody_is_buried_who_is_renewing(self, store: Store, leases: Leases) -> None:
        dead(leases, "a", 1, 2)
        with another(store) as connection:
            perform(connection, Renew("a", 1, True, LEASE_MS))
            leases.perform(Bury())
        reading = leases.perform(Look())
        assert owned(reading, "a") == {1, 2}
        assert reading.nodes[0].left_ms > 0

    def test_two_that_bury_do_not_wait_for_each_other(self, store: Store, leases: Leases) -> None:
        dead(leases, "a", 1, 2)
        with another(store) as connection:
            perform(connection, Bury())
            assert owned(leases.perform(Bury()), "a") == {1, 2}
        assert owned(leases.perform(Look()), None) == set(range(SHARDS))

    def test_two_that_take_the_same_get_it_once_and_do_not_wait(self, store: Store, leases: Leases) -> None:
        live(leases, "a", "b")
        with another(store) as connection:
            perform(connection, Take("a", (1, 2)))
            assert owned(leases.perform(Take("b", (2, 3))), "b") == {3}
        assert owned(leases.perform(Look()), "a") == {1, 2}

    def test_who_takes_is_not_buried_meanwhile(self, store: Store, leases: Leases) -> None:
        """Its claim began while it lived; its lease runs out before the claim has ended."""
        live(leases, "a")
        with another(store) as connection:
            perform(connection, Take("a", (1,)))
            with another(store) as clock:
                assert clock.execute(text("SELECT count(*) FROM nodes WHERE name = 'a'")).scalar() == 1
            leases.perform(Bury())
        reading = leases.perform(Look())
        assert owned(reading, "a") == {1}
        assert [row.name for row in reading.nodes] == ["a"]

    def test_shards_in_a_commit_of_the_dead_stay_with_it_and_the_others_do_not(
        self, store: Store, leases: Leases
    ) -> None:
        dead(leases, "a", 1, 2, 3)
        with another(store) as connection:
            connection.execute(text("SELECT FROM shards WHERE id = 2 FOR SHARE"))
            reading = leases.perform(Bury())
            assert owned(reading, "a") == {2}
            assert [row.name for row in reading.nodes] == ["a"], "it still owns something"
        assert leases.perform(Bury()).nodes == ()

    def test_giving_up_waits_for_a_commit_under_way(
        self, store: Store, leases: Leases, later: Callable[[Leases, Step], Future[Reading]]
    ) -> None:
        live(leases, "a")
        leases.perform(Take("a", (1, 2)))
        with another(store) as connection:
            connection.execute(text("SELECT FROM shards WHERE id = 1 FOR SHARE"))
            giving = later(leases, GiveUp("a", (1, 2)))
            until_somebody_waits(connection)
        assert owned(giving.result(PATIENCE), "a") == set()


def until_somebody_waits(connection: Connection) -> None:
    """Until another connection waits for a lock that this one holds."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))")
    for _ in range(2_000):
        if connection.execute(waiting).scalar():
            return
        connection.execute(text("SELECT pg_sleep(0.01)"))
    raise AssertionError("nobody waits")
