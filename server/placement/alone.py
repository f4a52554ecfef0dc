"""A single process over a database that others can reach, too: it takes all shards when it starts, and renews nothing.

So it can be noticed when somebody starts a second one by mistake. It does not start beside nodes of a cluster, who live
by their leases; whoever starts later takes the shards, and what this process appends is lost from then on, not mixed
with what the other does.
"""

from __future__ import annotations

import math
from contextlib import closing

from server.placement.ownership import Held, LeasedOwnership, boot_seconds
from server.store.connections import DATABASE_ERRORS, complaint_of
from server.store.errors import InUseByNodes, NotReachable
from server.store.leases import Leases, Look, TakeAll
from server.store.opening import Store


def owning_all(store: Store, node: str) -> LeasedOwnership:
    """The ownership of everything, for good.

    Raises
    ------
    InUseByNodes, NotReachable
        One line for the operator.
    """
    ownership = LeasedOwnership(node, math.inf)
    with closing(Leases(store.database.leasing())) as leases:
        try:
            if any(row.left_ms > 0 for row in leases.perform(Look()).nodes):
                raise InUseByNodes(store.database.name)
            table = leases.perform(TakeAll(node)).table
        except DATABASE_ERRORS as error:
            raise NotReachable(store.database.name, complaint_of(error)) from None
    assert table is not None, "every shard has changed"
    ownership.renewed(boot_seconds())
    ownership.learn([Held(*row) for row in table])
    return ownership
