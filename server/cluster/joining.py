"""How a process comes to be a node: what it may do in the cluster, by the database there is and the part it was given.

    database     part       rooms live here          writes
    PostgreSQL   owner      a share of them          beside all others
    PostgreSQL   gateway    none                     beside all others
    SQLite       owner      all, once it has the     alone
                            lock of the writer
    SQLite       gateway    none                     never

With SQLite there may be two owners for a moment, while one makes way for the other: the second is a gateway until then.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from server.cluster.engine_url import read_engine_url
from server.cluster.era import Timing
from server.cluster.node import ClusterNode, Standing
from server.placement.keeper import Keeper, Sharing, Sole, Watching
from server.placement.ownership import LeasedOwnership
from server.settings import Settings
from server.store.cluster_id import read_cluster_id
from server.store.databases import Onlooker
from server.store.leases import Leases
from server.store.opening import Store
from server.store.writer_lock import WriterLock

WEIGHT: Final = 1
"""Processes own like shares: whoever has more cores has more processes."""

MOVING_SHARDS: Final = 64
"""Handed over at a time: a sixteenth of all rooms wait for a moment."""

WATCH_SECONDS: Final = 1.0
LINKED_WATCH_SECONDS: Final = 3.0
"""Who becomes an owner says so to all; if that is lost, its rooms are found after this, and are served again within the
six seconds that are promised."""


_SILENCE: Final = 5
"""So many times as long as others a worker over SQLite may be silent. Whoever dies is found by its connection, which
the kernel closes. Who only stands still has no successor before it ends, so nothing is won by taking it for dead, and
much is lost: every relay of every worker asks anew for its room, which was the end of 700,000 connections whose owner
had stood still for seven seconds (docs/figures.md)."""


@contextmanager
def joined(settings: Settings, store: Store, *, name: str, engine: str, owner: bool) -> Iterator[ClusterNode]:
    """A node, for the length of a block.

    Parameters
    ----------
    store
        The database, open and migrated.
    engine
        Where the nodes hear each other, as a setting has it.
    owner
        Whether rooms live here.

    Raises
    ------
    StoreError
        One line for the operator.
    """
    alone = not settings.database
    ownership = LeasedOwnership(name, math.inf if alone else settings.lease)
    with ExitStack() as opened:
        leases: Leases | Onlooker
        if owner:
            leases, cluster = Leases(store.database.leasing()), read_cluster_id(store.reading)
        else:
            leases = store.database.onlooker()
            cluster = leases.cluster_id()
        opened.callback(leases.close)
        keeper: Keeper
        if not owner:
            keeper = Watching(ownership, period=WATCH_SECONDS, linked_period=LINKED_WATCH_SECONDS)
        elif alone:
            lock = WriterLock(settings.data)
            opened.callback(lock.close)
            keeper = Sole(ownership, lock.take)
        else:
            keeper = Sharing(ownership, lease_seconds=settings.lease, weight=WEIGHT, most=MOVING_SHARDS)
        yield ClusterNode(
            Standing(
                name=name,
                cluster=cluster,
                engine=read_engine_url(engine),
                timing=_timing(settings, alone=alone),
                ownership=ownership,
                keeper=keeper,
                leases=leases,
                may_own=owner,
                has_writer=owner or not alone,
                writes_alone=alone,
                is_leased=owner and not alone,
            )
        )


def _timing(settings: Settings, *, alone: bool) -> Timing:
    return Timing(
        beat=settings.beat,
        dead=settings.dead_after,
        silence=settings.dead_after * (_SILENCE if alone else 1),
    )
