"""Who owns which shard, in the database: one transaction for each thing a node may do about it.

A node lives while its row in `nodes` has not expired, by the database's clock; every node renews its own. The rules:

- Whoever changes or reads what a node owns as a matter of its life or death holds the lock of that node's row. A
  renewal and a burial of one node are therefore one before the other: the dead one learns by its next renewal what
  was taken, and nobody is buried who has just renewed.
- A shard is taken only from nobody, and by a node that lives at that moment. What a dead node had is given to nobody
  first (`Bury`). So a claimer that was stopped half-way takes nothing when it goes on.
- Every change of an owner raises the shard's epoch, and with it their sum: as long as that is the same, the table is.
- Nobody waits for a row that somebody else has locked: it is left for the next time. A commit of a paused owner
  holds its shards (`fencing.py`) until the database ends it, and the others can be taken meanwhile.
- Rows are locked in the order of their ids.

With SQLite the transactions come one after the other anyhow, and locks are not spelled out.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Select,
    Text,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from server.store.cluster_id import read_cluster_id
from server.store.connections import Writing, snapshot
from server.store.tables import nodes, shards


class Renew(Struct, frozen=True):
    """This node lives for another `lease_ms`; it is entered if it is not there. Answered with `Reading`."""

    node: str
    weight: int
    linked: bool
    lease_ms: int
    known: int = -1


class Look(Struct, frozen=True):
    """How do things stand? Answered with `Reading`."""

    known: int = -1


class Bury(Struct, frozen=True):
    """Nodes whose lease has run out own nothing any more. Answered with `Reading`."""

    known: int = -1


class Take(Struct, frozen=True):
    """`node` owns those of `wanted` that have no owner, if it lives itself. Answered with `Reading`."""

    node: str
    wanted: tuple[int, ...]
    known: int = -1


class TakeAll(Struct, frozen=True):
    """`node` owns everything, whoever owned it: for who is known to be the only one. Answered with `Reading`."""

    node: str
    known: int = -1


class GiveUp(Struct, frozen=True):
    """`node` does not own these any more. Answered with `Reading`."""

    node: str
    given: tuple[int, ...]
    known: int = -1


class SignOff(Struct, frozen=True):
    """`node` owns nothing any more, and is gone. Answered with `Reading`."""

    node: str
    known: int = -1


Step = Renew | Look | Bury | Take | TakeAll | GiveUp | SignOff
"""In each, `known` is the `version` of the table that is known already."""


class NodeRow(Struct, frozen=True):
    """`left_ms`: how long its lease holds by the database's clock; 0 or less: it has run out."""

    name: str
    weight: int
    linked: bool
    left_ms: int


class Reading(Struct, frozen=True):
    """How things stood at the end of the transaction.

    Attributes
    ----------
    version
        Higher the more often an owner has changed.
    table
        Owner and epoch of each shard, in their order; None: `version` is the known one.
    """

    nodes: tuple[NodeRow, ...]
    version: int
    table: tuple[tuple[str | None, int], ...] | None


LONGEST_LEASE_MS: Final = 60_000
"""No lease is longer. One that is has come so by a clock that was set back, and would keep a dead node's shards."""


class database_now(FunctionElement[int]):  # noqa: N801 - a function of SQL
    """Milliseconds since the epoch by the database's clock, at the moment at which the statement comes to it."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _sqlite_now(*_: Any, **__: Any) -> str:  # noqa: ANN401 - a compiler's hook
    return "CAST(unixepoch('subsec') * 1000 AS INTEGER)"


@compiles(database_now, "postgresql")
def _postgresql_now(*_: Any, **__: Any) -> str:  # noqa: ANN401 - a compiler's hook
    """Not `now()`, which is when the transaction began: a renewal may have waited for a burial."""
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"


_me: Final = bindparam("node", type_=Text)
_expiry: Final = database_now() + bindparam("lease_ms", type_=BigInteger)
_entry: Final = {"weight": bindparam("as_weight"), "linked": bindparam("as_linked"), "expires_at": _expiry}
_renew: Final = update(nodes).where(nodes.c.name == _me).values(_entry)
_enter: Final = insert(nodes).values(_entry | {"name": _me, "started_at": database_now()})

_longest: Final = database_now() + LONGEST_LEASE_MS
_shorten: Final = update(nodes).where(nodes.c.expires_at > _longest).values(expires_at=_longest)
_has_expired: Final = nodes.c.expires_at <= database_now()
_owner_unknown: Final = shards.c.owner.is_not(None) & ~exists().where(nodes.c.name == shards.c.owner)
_find_unknown: Final = select(shards.c.owner).where(_owner_unknown).distinct()
_enter_dead: Final = insert(nodes).values(name=_me, weight=0, linked=False, expires_at=0, started_at=0)
_lock_dead: Final = select(nodes.c.name).where(_has_expired).order_by(nodes.c.name).with_for_update(skip_locked=True)
_lock_shards_of: Final = (
    select(shards.c.id)
    .where(shards.c.owner.in_(bindparam("owners", expanding=True)))
    .order_by(shards.c.id)
    .with_for_update(skip_locked=True)
)
_to_nobody: Final = (
    update(shards)
    .where(shards.c.id.in_(bindparam("locked", expanding=True)))
    .values(owner=None, epoch=shards.c.epoch + 1)
)
_forget_dead: Final = delete(nodes).where(
    nodes.c.name.in_(bindparam("dead", expanding=True)), ~exists().where(shards.c.owner == nodes.c.name)
)

_lock_living: Final = select(literal(1)).where(nodes.c.name == _me, ~_has_expired).with_for_update(read=True)
_lock_unowned: Final = (
    select(shards.c.id)
    .where(shards.c.id.in_(bindparam("wanted", expanding=True)), shards.c.owner.is_(None))
    .order_by(shards.c.id)
    .with_for_update(skip_locked=True)
)
_to_me: Final = (
    update(shards)
    .where(shards.c.id.in_(bindparam("locked", expanding=True)))
    .values(owner=_me, epoch=shards.c.epoch + 1)
)
_all_to_me: Final = update(shards).values(owner=_me, epoch=shards.c.epoch + 1)
_lock_mine: Final = select(shards.c.id).where(shards.c.owner == _me).order_by(shards.c.id).with_for_update()
_lock_given: Final = _lock_mine.where(shards.c.id.in_(bindparam("given", expanding=True)))
_forget_me: Final = delete(nodes).where(nodes.c.name == _me)

VERSION: Final = select(func.sum(shards.c.epoch))
SHARDS_IN_ORDER: Final = select(shards.c.owner, shards.c.epoch).order_by(shards.c.id)
_living: Final = select(
    nodes.c.name, nodes.c.weight, nodes.c.linked, (nodes.c.expires_at - database_now()).label("left")
)


class Leases:
    """The leases of a database, by a connection of their own. In one thread at a time.

    Parameters
    ----------
    writing
        Its waits have to end well before a lease does.
    """

    __slots__ = ("_writing",)

    def __init__(self, writing: Writing) -> None:
        self._writing = writing

    def perform(self, step: Step) -> Reading:
        """Do one thing, and see how it stands then.

        Raises
        ------
        sqlalchemy.exc.DBAPIError, Disconnected
            Nobody knows whether it was done. The next step goes by another connection.
        """
        try:
            with self._writing.begin() as connection:
                return perform(connection, step)
        except DBAPIError:
            self._writing.throw_away()
            raise

    def close(self) -> None:
        self._writing.throw_away()


class LeasesSeen:
    """The leases of a database, for who only looks.

    Parameters
    ----------
    engine
        Its connections cannot write.
    """

    __slots__ = ("_engine",)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def cluster_id(self) -> str:
        """See `read_cluster_id`."""
        return read_cluster_id(self._engine)

    def perform(self, step: Step) -> Reading:
        """See how it stands. Raises `sqlalchemy.exc.DBAPIError`, `Disconnected`."""
        with snapshot(self._engine) as connection:
            return perform(connection, step)

    def close(self) -> None:
        self._engine.dispose()


def perform(connection: Connection, step: Step) -> Reading:
    """In a transaction of its own."""
    match step:
        case Renew():
            _renewed(connection, step)
        case Bury():
            _bury(connection)
        case Take():
            _take(connection, step)
        case TakeAll():
            connection.execute(_all_to_me, {"node": step.node})
        case GiveUp():
            _to_others(connection, _lock_given, {"node": step.node, "given": step.given})
        case SignOff():
            _to_others(connection, _lock_mine, {"node": step.node})
            connection.execute(_forget_me, {"node": step.node})
        case Look():
            pass
    return _read(connection, step.known)


def _renewed(connection: Connection, step: Renew) -> None:
    entry = {"node": step.node, "as_weight": step.weight, "as_linked": step.linked, "lease_ms": step.lease_ms}
    if not connection.execute(_renew, entry).rowcount:
        connection.execute(_enter, entry)


def _bury(connection: Connection) -> None:
    """Also leases that are too long are made as long as they may be.

    An owner without a row (somebody has put a copy of the database back, or taken rows out by hand) is entered as
    one that is dead: then its row can be locked. Should it enter itself meanwhile, one of the two fails, and tries
    again."""
    connection.execute(_shorten)
    for unknown in connection.execute(_find_unknown).scalars().all():
        connection.execute(_enter_dead, {"node": unknown})
    dead = connection.execute(_lock_dead).scalars().all()
    if not dead:
        return
    locked = connection.execute(_lock_shards_of, {"owners": dead}).scalars().all()
    if locked:
        connection.execute(_to_nobody, {"locked": locked})
    connection.execute(_forget_dead, {"dead": dead})


def _take(connection: Connection, step: Take) -> None:
    if connection.execute(_lock_living, {"node": step.node}).scalar() is None:
        return
    locked = connection.execute(_lock_unowned, {"wanted": step.wanted}).scalars().all()
    if locked:
        connection.execute(_to_me, {"locked": locked, "node": step.node})


def _to_others(connection: Connection, lock: Select[int], parameters: dict[str, object]) -> None:
    """Waits for commits under way, which are this node's own."""
    locked = connection.execute(lock, parameters).scalars().all()
    if locked:
        connection.execute(_to_nobody, {"locked": locked})


def _read(connection: Connection, known: int) -> Reading:
    rows = tuple(NodeRow(*row) for row in connection.execute(_living))
    version = int(connection.execute(VERSION).scalar_one())
    if version == known:
        return Reading(rows, version, None)
    table = tuple((owner, epoch) for owner, epoch in connection.execute(SHARDS_IN_ORDER))
    return Reading(rows, sum(epoch for _, epoch in table), table)
