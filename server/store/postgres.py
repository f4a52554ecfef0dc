"""PostgreSQL: a database on a server, how connections to it are made, and how rows travel.

Several processes may serve from one database, so nothing is claimed here; what keeps them apart is that a room's head
moves from the expected place only.

The rules: every wait has an ending, and every lock an end that comes before the room's next owner has to wait for it
(`Timeouts`); nothing that an operator reads holds the URL's password; what only reads runs in snapshots that cannot
write.

Statements are prepared by the server when a connection has used one five times, and time-outs are set when a connection
begins; so a connection has to be somebody's as long as it lives. A pooler that gives it to others between transactions
is not supported, and there is nothing to gain by one: a process has a handful of connections, and keeps them.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from time import monotonic
from typing import Any, Final, TypeVar, cast

import psycopg
from msgspec import Struct
from psycopg import IsolationLevel
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import Int8Dumper
from sqlalchemy import Connection, Engine, Table, bindparam, column, create_engine, func, insert, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from server.store.bulk import WAY, Columns, Execute, Row, Statement
from server.store.connections import Disconnected, Writing, complaint_of
from server.store.errors import BadUrl, NotReachable, Unsuitable
from server.store.leases import LeasesSeen
from server.store.quotas import Quotas

OLDEST_SERVER: Final = 14
"""Major version: older ones get no corrections any more, and cannot notice that a client is gone while they work."""

DRIVER: Final = "psycopg 3.3"
"""Pinned in pyproject.toml, for what `_Journey` has of its inside."""

# What it logs of an error may quote rows, and every error that it logs is raised, too.
logging.getLogger("psycopg").setLevel(logging.CRITICAL)

_MIGRATION_LOCK: Final = 0x68756262  # "hubb": a number nobody else is likely to lock

T = TypeVar("T")
_Driver = psycopg.Connection[tuple[Any, ...]]


class Timeouts(Struct, frozen=True, kw_only=True):
    """When waits end, in milliseconds. What the URL says itself, also in its `options`, wins.

    All that may hold up a room's next owner ends before a dead or paused node's rooms are to be there again, six
    seconds later (docs/operations.md says why each has its value).

    Attributes
    ----------
    statement
        What one statement may take.
    lock
        What it may wait for somebody's lock.
    idle_in_transaction
        How long a transaction whose owner is silent keeps its locks.
    silence
        How long the server may say nothing to a statement before its connection is given up; above `statement`, so
        that only a server that is paused or cut off is not waited for.
    """

    statement: int = 4_000
    lock: int = 2_000
    idle_in_transaction: int = 3_000
    silence: int = 5_000


WRITING: Final = Timeouts()
LEASING: Final = Timeouts(statement=1_500, lock=1_000, idle_in_transaction=1_000, silence=2_000)
READING: Final = Timeouts(statement=8_000, silence=9_000)
MIGRATING: Final = Timeouts(statement=0, lock=0, idle_in_transaction=0, silence=0)  # as long as it takes

_NETWORK: Final = {
    "connect_timeout": "3",  # seconds, for each address of the host
    "tcp_user_timeout": "3000",  # what was sent has to be acknowledged
    "keepalives_idle": "2",  # and a connection on which nothing is sent is asked after two seconds,
    "keepalives_interval": "1",
    "keepalives_count": "2",  # and given up two later
}


class PostgresDatabase:
    """A database on a server; see `Database` for what each method is for.

    Raises
    ------
    BadUrl
        It is none.
    """

    __slots__ = ("_parameters", "name")

    patience: Final = 5.0  # a server that is restarted takes a second or two, and commands may take ten in all

    def __init__(self, url: str) -> None:
        try:
            self._parameters: dict[str, str] = {
                name: str(value) for name, value in conninfo_to_dict("postgresql" + url[url.index(":") :]).items()
            }
        except (psycopg.ProgrammingError, ValueError):
            raise BadUrl from None
        known = self._parameters
        place = f"{known.get('host') or 'localhost'}:{known.get('port') or 5432}"
        self.name: str = f"postgresql://{place}/{known.get('dbname') or known.get('user') or ''}"

    def claim(self) -> _Nothing:
        return _Nothing()

    def require(self) -> None:
        """Raises `NotReachable`, `Unsuitable`."""
        try:
            with closing(self._connect(MIGRATING)) as connection:
                known = connection.knows_its_driver()
                version, encoding = connection.info.server_version, connection.info.parameter_status("server_encoding")
        except Disconnected as error:
            raise NotReachable(self.name, complaint_of(error)) from None
        if not known:
            raise Unsuitable(self.name, f"psycopg {psycopg.__version__} is not known here: please install {DRIVER}")
        if version // 10_000 < OLDEST_SERVER:
            raise Unsuitable(self.name, f"its server is PostgreSQL {version // 10_000}, not {OLDEST_SERVER} or newer")
        if encoding != "UTF8":
            raise Unsuitable(self.name, f"its encoding is {encoding}, not UTF8")

    def writing(self, quotas: Quotas) -> Writing:
        return Writing(self._engine(WRITING, connections=1), quotas)

    def leasing(self) -> Writing:
        return Writing(self._engine(LEASING, connections=1), Quotas())

    def onlooker(self) -> LeasesSeen:
        return LeasesSeen(self.reading(1))

    def reading(self, connections: int) -> Engine:
        def read_only(connection: _Driver) -> None:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True

        return self._engine(READING, connections, read_only)

    def log_file(self, writing: Writing) -> _NoLogFile:
        return _NoLogFile()

    def migrating(self) -> Engine:
        return self._engine(MIGRATING, connections=1)

    def seeding(self) -> Engine:
        return self._engine(MIGRATING, connections=1, prepare=_trust_references)

    @contextmanager
    def migration(self, engine: Engine, found: str | None) -> Iterator[Connection]:
        try:
            with engine.begin() as connection:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
                yield connection
        except DBAPIError as error:
            if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
                raise Unsuitable(self.name, complaint_of(error)) from None
            raise

    def _engine(
        self, timeouts: Timeouts, connections: int, prepare: Callable[[_Driver], None] = lambda connection: None
    ) -> Engine:
        def connect() -> _Driver:
            connection = self._connect(timeouts)
            prepare(connection)
            return connection

        return create_engine(
            "postgresql+psycopg://",
            creator=connect,
            use_native_hstore=False,
            poolclass=QueuePool,
            pool_size=connections,
            max_overflow=0,
            hide_parameters=True,
            execution_options={WAY: AS_ARRAYS},
        )

    def _connect(self, timeouts: Timeouts) -> _Bounded:
        """Raises `Disconnected`."""
        given = self._parameters
        options = f"{_options(timeouts)} {given.get('options', '')}"
        parameters = {"fallback_application_name": "hubbub"} | _NETWORK | given | {"options": options}
        try:
            connection = _Bounded.connect(make_conninfo("", **parameters))
        except psycopg.OperationalError as error:
            raise Disconnected(error) from None
        connection.silence = timeouts.silence / 1_000 or None
        # One type for all integers: otherwise each size would make another statement of the same words.
        connection.adapters.register_dumper(int, Int8Dumper)
        return connection


def _trust_references(connection: _Driver) -> None:
    """As a replica does, which takes rows in the order in which they were written elsewhere. Only some roles may ask
    for it; the others' rows take twice as long."""
    with suppress(psycopg.errors.InsufficientPrivilege), connection.transaction():
        connection.execute("SET session_replication_role = replica")


def _options(timeouts: Timeouts) -> str:
    """Settings of the server for one connection (postgresql.org/docs/current/runtime-config.html)."""
    settings = {
        "statement_timeout": timeouts.statement,
        "lock_timeout": timeouts.lock,
        "idle_in_transaction_session_timeout": timeouts.idle_in_transaction,
        "synchronous_commit": "on",  # acknowledged means on disk, whatever the server's default is
        "client_connection_check_interval": 1_000,  # who is gone while we wait for a lock does not want it any more
        "tcp_user_timeout": 3_000,
        "tcp_keepalives_idle": 2,
        "tcp_keepalives_interval": 1,
        "tcp_keepalives_count": 2,
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


class _Journey(psycopg.Pipeline):
    """A pipeline that sets out when all of it is there, and whose last word is its end.

    psycopg sends each statement as soon as it can. The server executes it, and then waits for the next one for as long
    as that takes: whoever is paused in between keeps its locks.

    psycopg asks for what is left to be flushed behind that. The server, which has sent all of it by then, takes the
    request for a sign of life of who is idle, and waits for the next one without `idle_in_transaction` (seen with
    PostgreSQL 18, psycopg 3.3): a process paused behind it would keep its locks for good. There is no public way to
    have it otherwise, so a driver that is made differently is refused (`knows_its_driver`).
    """

    _is_whole = False

    def _enqueue_sync(self) -> None:
        super()._enqueue_sync()
        self._is_whole = True

    def _communicate_gen(self) -> PQGen[None]:
        if self._is_whole:
            self._is_whole = False
            yield from super()._communicate_gen()

    def _exit_gen(self) -> PQGen[None]:
        """What went wrong first is what went wrong: of all behind it the server says only that it was not done."""
        try:
            self._enqueue_sync()
            yield from self._communicate_gen()
        except psycopg.Error:
            with suppress(psycopg.Error):
                yield from self._fetch_gen(flush=False)
            raise
        yield from self._fetch_gen(flush=False)

    def _fetch_gen(self, *, flush: bool) -> PQGen[None]:
        return super()._fetch_gen(flush=False)


class _Bounded(psycopg.Connection[tuple[Any, ...]]):
    """A connection that is given up when the server says nothing for longer than `silence` seconds.

    TCP notices a machine that is gone; a server that is paused still acknowledges every byte.
    """

    silence: float | None = 5.0

    @contextmanager
    def pipeline(self) -> Iterator[psycopg.Pipeline]:
        self._pipeline = _Journey(self)
        with super().pipeline() as pipeline:
            yield pipeline

    @contextmanager
    def _pipeline_nolock(self) -> Iterator[psycopg.Pipeline]:
        """What psycopg itself has for many rows (`executemany`)."""
        self._pipeline = _Journey(self, _no_lock=True)
        try:
            with self._pipeline as pipeline:
                yield pipeline
        finally:
            self._pipeline = None

    def knows_its_driver(self) -> bool:
        """Whether pipelines of this driver begin and end as `_Journey` has it."""
        ending = getattr(psycopg.Pipeline, "_fetch_gen", None)
        if ending is None or "flush" not in inspect.signature(ending).parameters:
            return False
        parts = [(psycopg.Pipeline, name) for name in ("_enqueue_sync", "_communicate_gen", "_exit_gen")]
        if not all(hasattr(*part) for part in [*parts, (psycopg.Connection, "_pipeline_nolock")]):
            return False
        with self.pipeline() as pipeline:
            return isinstance(pipeline, _Journey)

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        if self.silence is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(_unless_silent(gen, self.silence), interval, timeout)
        except _Silent:
            self.pgconn.finish()
            raise psycopg.OperationalError("the server does not answer") from None


class _Silent(Exception):
    """The server has said nothing for too long."""


def _unless_silent(gen: PQGen[T], seconds: float) -> PQGen[T]:
    """The same, given up when it is not ready for so long. Who waits for it looks in every `interval`, ready or not."""
    limit = monotonic() + seconds
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                limit = monotonic() + seconds
            elif monotonic() >= limit:
                raise _Silent
            wanted = gen.send(ready)
    except StopIteration as end:
        returned: T = end.value
        return returned
    finally:
        gen.close()


class _AsArrays:
    """How many rows travel to PostgreSQL: each column is one array (see `bulk.py`).

    `executemany` takes 14,000 rows a second, this about 35,000 and one statement in the server's cache for any number
    of rows. COPY takes twice that, but cannot move heads or check that they stood where they were thought to.
    """

    __slots__ = ()

    def given(self, columns: Columns) -> _Unnested:
        arrays = [bindparam(name, type_=ARRAY(kind)) for name, kind in columns.items()]
        typed = [column(name, kind) for name, kind in columns.items()]
        rows = func.unnest(*arrays).table_valued(*typed).render_derived(name="given")
        return _Unnested({name: rows.c[name] for name in columns})

    def compiled(self, statement: Statement, columns: Columns, connection: Connection) -> Execute:
        sql, names = str(statement.compile(dialect=connection.dialect)), list(columns)

        def execute(cursor: psycopg.Cursor[Any], rows: Sequence[Row]) -> Callable[[], int]:
            cursor.execute(sql, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
            return lambda: cursor.rowcount

        return execute

    def together(self, connection: Connection) -> AbstractContextManager[object]:
        driver = cast("_Driver", connection.connection.driver_connection)
        return driver.pipeline()


class _Unnested(dict[str, Any]):
    """Columns of the rows that the arrays are, by their names."""

    def inserted_into(self, table: Table) -> Statement:
        return insert(table).from_select(list(self), select(*self.values()))


AS_ARRAYS: Final = _AsArrays()


class _NoLogFile:
    """The server sees to its own."""

    __slots__ = ()

    def size(self) -> int:
        return 0

    def forget(self) -> None:
        """Nothing to do: old rows are the vacuum's, old log the server's."""

    def is_due(self) -> bool:
        return False

    def copy_back(self) -> bool:
        """Nothing to do."""
        return True

    def shrink(self) -> None:
        """Nothing to do."""


class _Nothing:
    """Any number of processes may serve from the database."""

    __slots__ = ()

    def close(self) -> None:
        """Nothing to give back."""
