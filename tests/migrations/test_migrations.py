"""Every way into today's schema, and nothing beside it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pysqlite3.dbapi2 as driver
import pytest
import trio
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine

import migrations
from server.placement.shards import SHARDS
from server.store.channel_queries import read_channels
from server.store.databases import database_of
from server.store.direct import NOBODY
from server.store.errors import Damaged
from server.store.finding_messages import ReadChannels
from server.store.history_messages import ReadLog
from server.store.migrating import REVISIONS, migrate
from server.store.opening import open_store
from server.store.room_messages import ListRooms
from server.store.sqlite import Pragmas, writing_engine
from server.store.sqlite_database import COPIES_KEPT
from server.store.tables import metadata
from server.store.user_messages import FindIdentity, Identity
from tests.harness.postgres import PostgresServer
from tests.store.desk import serving

FIXTURES = Path(__file__).parent.parent / "fixtures"
OWN_OF_THE_ENGINE = "document_words"
"""How that begins what one engine has to find words in: no model says what it is."""

FIRST_VERSION = FIXTURES / "first-version.sqlite3"


def is_modelled(item: object, name: str | None, *_: object) -> bool:
    return not (name or "").startswith(OWN_OF_THE_ENGINE)


COMPARED = {"compare_type": True, "include_object": is_modelled}


@contextmanager
def engine_of(data: Path) -> Iterator[Engine]:
    engine = writing_engine(data / "hubbub.sqlite3", Pragmas())
    yield engine
    engine.dispose()


def test_migrations_from_nothing_and_the_models_agree(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with engine_of(tmp_path) as engine, engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARED)
        assert compare_metadata(context, metadata) == []


def test_the_models_agree_on_postgresql_as_well(postgres: PostgresServer) -> None:
    engine = database_of(Path("unused"), postgres.database()).migrating()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARED)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_very_statements_of_both_ways_are_the_same(tmp_path: Path) -> None:
    """Autogeneration does not see everything (WITHOUT ROWID, conditions of indexes): the database's own text does."""
    open_store(tmp_path).close()
    with engine_of(tmp_path) as engine:
        migrated = schema(engine)
    from_models = create_engine("sqlite://", module=driver)
    metadata.create_all(from_models)
    assert migrated == schema(from_models)
    from_models.dispose()


def schema(engine: Engine) -> set[tuple[str, ...]]:
    query = (
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name != 'alembic_version'"
        f" AND tbl_name NOT LIKE '{OWN_OF_THE_ENGINE}%'"
    )
    with engine.connect() as connection:
        return {normal(sql) for sql in connection.exec_driver_sql(query).scalars()}


def normal(sql: str) -> tuple[str, ...]:
    """Its words in one order: a table's constraints may come in any."""
    return tuple(sorted(re.findall(r"\w+", sql)))


def test_every_revision_is_known_to_the_program() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == REVISIONS


def test_a_second_migration_does_nothing(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    before = (tmp_path / "hubbub.sqlite3").read_bytes()
    open_store(tmp_path).close()
    assert (tmp_path / "hubbub.sqlite3").read_bytes() == before
    assert not (tmp_path / "backups").exists(), "nothing was changed, so nothing was copied"


def test_a_database_with_data_is_copied_first_and_three_copies_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(tmp_path).close()
    monkeypatch.setattr("server.store.migrating.REVISIONS", (*REVISIONS, "9999"))
    monkeypatch.setattr("server.store.migrating._upgrade", lambda connection: None)
    times = iter(range(10))
    monkeypatch.setattr("server.store.sqlite_database.time.strftime", lambda *told: f"2026010{next(times)}T000000Z")
    for _ in range(COPIES_KEPT + 2):
        migrate(database_of(tmp_path))
    copies = sorted(path.name for path in (tmp_path / "backups").iterdir())
    assert copies == [f"2026010{day}T000000Z-schema-{REVISIONS[-1]}.sqlite3" for day in (2, 3, 4)]
    with closing(driver.connect(tmp_path / "backups" / copies[0])) as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == (REVISIONS[-1],)


def test_a_migration_that_fails_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(FIRST_VERSION, tmp_path / "hubbub.sqlite3")

    def half_way(connection: object) -> None:
        connection.exec_driver_sql("DELETE FROM members")  # type: ignore[attr-defined]
        connection.exec_driver_sql("PRAGMA foreign_keys")  # type: ignore[attr-defined]
        raise RuntimeError("forced by the test")

    monkeypatch.setattr("server.store.migrating.REVISIONS", (*REVISIONS, "9999"))
    monkeypatch.setattr("server.store.migrating._upgrade", half_way)
    with pytest.raises(RuntimeError):
        migrate(database_of(tmp_path))
    with closing(driver.connect(tmp_path / "hubbub.sqlite3")) as connection:
        assert connection.execute("SELECT count(*) FROM members").fetchone()[0] > 0


def test_references_have_to_hold_after_a_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(FIRST_VERSION, tmp_path / "hubbub.sqlite3")
    monkeypatch.setattr("server.store.migrating.REVISIONS", (*REVISIONS, "9999"))
    monkeypatch.setattr(
        "server.store.migrating._upgrade", lambda connection: connection.exec_driver_sql("DELETE FROM users")
    )
    with pytest.raises(Damaged, match="refer to others"):
        migrate(database_of(tmp_path))


async def test_a_database_of_the_first_version_still_tells_what_was_said(tmp_path: Path) -> None:
    """tests/fixtures/make_first_version.py made it, and wrote down what is in it."""
    shutil.copy(FIRST_VERSION, tmp_path / "hubbub.sqlite3")
    expected = json.loads(await trio.Path(FIXTURES / "first-version.json").read_text())
    with open_store(tmp_path) as store:
        async with serving(store) as desk:
            identity = await desk.read(FindIdentity, token_hash=bytes.fromhex(expected["token_hash"]))
            assert isinstance(identity, Identity)
            rooms = (await desk.read(ListRooms, user=identity.user.user)).rooms
            found = {}
            for room in rooms:
                page = await desk.read(ReadLog, room=room.room, after=0, upto=room.last_seq, limit=500)
                found[room.kind] = [getattr(entry, "text", type(entry).__name__) for entry in page.entries]
    assert found == expected["logs"]


def test_channels_of_the_first_version_are_found(tmp_path: Path) -> None:
    shutil.copy(FIRST_VERSION, tmp_path / "hubbub.sqlite3")
    with open_store(tmp_path) as store, store.reading.connect() as connection:
        question = ReadChannels(reply_to=NOBODY, reader="u_1", query="neral", limit=10, next=None)
        assert [channel.name for channel in read_channels(connection, question).channels] == ["general"]


def test_acts_are_kept_where_their_table_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(FIRST_VERSION, tmp_path / "hubbub.sqlite3")
    upgrade = command.upgrade
    with monkeypatch.context() as before:
        before.setattr(command, "upgrade", lambda config, _: upgrade(config, "0026"))
        before.setattr("server.store.migrating.REVISIONS", REVISIONS[: REVISIONS.index("0027")])
        migrate(database_of(tmp_path))
    with closing(driver.connect(tmp_path / "hubbub.sqlite3")) as connection, connection:
        connection.execute(
            "INSERT INTO audit SELECT 'r_1', 1, 5, 'kick', id, id, 'Off topic', 3, '{}' FROM users LIMIT 1"
        )
        acts = connection.execute("SELECT * FROM audit").fetchall()
    migrate(database_of(tmp_path))
    with closing(driver.connect(tmp_path / "hubbub.sqlite3")) as connection:
        assert connection.execute("SELECT * FROM audit").fetchall() == acts != []


def test_all_shards_are_there_and_nobody_owns_one(tmp_path: Path) -> None:
    shutil.copy(FIRST_VERSION, tmp_path / "hubbub.sqlite3")
    with open_store(tmp_path) as store, store.writing.begin() as connection:
        rows = connection.exec_driver_sql("SELECT id, owner, epoch FROM shards ORDER BY id").all()
    assert [tuple(row) for row in rows] == [(shard, None, 0) for shard in range(SHARDS)]
