"""What only PostgreSQL has: a server that is killed, silent or too old, and others who write at the same time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import trio
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import DBAPIError

from server.protocol.errors import ErrorCode, Refusal
from server.store import postgres as engine_file
from server.store.batches import Batch, commit
from server.store.connections import Disconnected, complaint_of
from server.store.databases import database_of
from server.store.direct import NOBODY, DirectStore
from server.store.errors import BadUrl, Damaged, NotMigrated, NotReachable, TooNew, Unsuitable
from server.store.history_messages import ReadLog
from server.store.log_messages import Denied, Known, Landed, Lost
from server.store.messages import Ready
from server.store.migrating import REVISIONS
from server.store.opening import Store, open_store
from server.store.postgres import Timeouts
from server.store.room_messages import LoadRoom
from server.store.tables import entries, users
from server.store.user_messages import AddUser
from tests.harness.postgres import PostgresProcess, PostgresServer
from tests.store.desk import PATIENCE, Desk, Room, serving

NOWHERE = Path("unused")


@pytest.fixture
def engine() -> str:
    return "postgres"


async def a_room(desk: Desk) -> tuple[str, Room]:
    ann = await desk.user("ann")
    return ann, await desk.anchored(await desk.created(ann))


# --- opening -------------------------------------------------------------------------------------------------


def test_several_processes_that_start_at_once_migrate_once(postgres: PostgresServer) -> None:
    url = postgres.empty_database()
    with ThreadPoolExecutor(6) as threads:
        for store in threads.map(lambda _: open_store(NOWHERE, database=url), range(6)):
            store.close()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISIONS[-1],)]


def test_nothing_is_left_in_the_data_directory(postgres: PostgresServer, tmp_path: Path) -> None:
    open_store(tmp_path / "data", database=postgres.database()).close()
    assert not (tmp_path / "data").exists()


def test_a_database_from_a_newer_version_is_named_and_left_alone(postgres: PostgresServer) -> None:
    url = postgres.database()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(TooNew, match="newer version \\(schema 9999\\)"):
        open_store(NOWHERE, database=url)


def test_somebody_elses_database(postgres: PostgresServer) -> None:
    url = postgres.empty_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE theirs (x integer)")
    with pytest.raises(Damaged, match="no schema version"):
        open_store(NOWHERE, database=url)


def test_commands_do_not_migrate(postgres: PostgresServer) -> None:
    with pytest.raises(NotMigrated, match="hubbub migrate"):
        DirectStore(database_of(NOWHERE, postgres.empty_database()))


def test_a_server_that_is_not_there(own_postgres: PostgresProcess) -> None:
    own_postgres.stop()
    with pytest.raises(NotReachable, match="refused") as caught:
        open_store(NOWHERE, database=own_postgres.url.replace("hubbub@", "hubbub:secret@"))
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_too_old(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_file, "OLDEST_SERVER", 99)
    with pytest.raises(Unsuitable, match="99 or newer"):
        open_store(NOWHERE, database=postgres.empty_database())


def test_a_driver_whose_pipelines_end_in_an_unknown_way(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paused process would keep its locks, and nobody would notice before."""
    monkeypatch.setattr(psycopg.Pipeline, "_fetch_gen", lambda pipeline: iter(()))
    with pytest.raises(Unsuitable, match=r"psycopg .* is not known here: please install psycopg 3\.3"):
        open_store(NOWHERE, database=postgres.empty_database())


def test_what_went_wrong_first_is_what_a_journey_says(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where other answers come later: that these were not done would look like a fault of the database."""

    def only_the_first(pipeline: psycopg.Pipeline) -> Iterator[None]:
        pipeline.command_queue.clear()
        yield from ()
        raise psycopg.errors.UniqueViolation("the first")

    def the_rest(pipeline: psycopg.Pipeline, *, flush: bool) -> Iterator[None]:
        pipeline.result_queue.clear()
        yield from ()
        raise psycopg.errors.PipelineAborted("pipeline aborted")

    with engine_file._Bounded.connect(postgres.empty_database()) as connection:
        monkeypatch.setattr(psycopg.Pipeline, "_communicate_gen", only_the_first)
        monkeypatch.setattr(psycopg.Pipeline, "_fetch_gen", the_rest)
        with pytest.raises(psycopg.errors.UniqueViolation, match="the first"), connection.pipeline():
            pass


def test_a_database_of_another_encoding(postgres: PostgresServer) -> None:
    with pytest.raises(Unsuitable, match="encoding is LATIN1, not UTF8"):
        open_store(NOWHERE, database=postgres.empty_database("LATIN1"))


def test_a_role_that_may_not_make_tables(postgres: PostgresServer) -> None:
    url = postgres.empty_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE hubbub_test_guest LOGIN PASSWORD 'guest'")
        try:
            theirs = make_url(url).set(username="hubbub_test_guest", password="guest")
            with pytest.raises(Unsuitable, match="permission denied"):
                open_store(NOWHERE, database=theirs.render_as_string(hide_password=False))
        finally:
            connection.execute("DROP ROLE hubbub_test_guest")


@pytest.mark.parametrize("url", ["postgresql://ann:secret@[::1/x", "postgresql://ann:secret@h/x?nonsense=1"])
def test_a_url_that_is_none_is_not_quoted(url: str) -> None:
    with pytest.raises(BadUrl) as caught:
        open_store(NOWHERE, database=url)
    assert "secret" not in str(caught.value)


# --- connections ---------------------------------------------------------------------------------------------


def test_readers_cannot_write(store: Store) -> None:
    with store.reading.begin() as connection, pytest.raises(DBAPIError, match="read-only"):
        connection.execute(text("DELETE FROM users"))


def test_a_snapshot_does_not_move(store: Store) -> None:
    def names() -> list[str | None]:
        return list(reading.execute(select(users.c.name)).scalars())

    with store.reading.begin() as reading:
        assert names() == []
        ann = AddUser(reply_to=NOBODY, name="ann", display_name=None, password_hash="")
        commit(store.writing, Batch([], {}, [ann], (), ()), 1)
        assert names() == []
    with store.reading.begin() as reading:
        assert names() == ["ann"]


def test_waits_have_an_ending_and_what_the_url_says_wins(postgres: PostgresServer) -> None:
    url = postgres.database() + "?options=" + quote("-c lock_timeout=7 -c synchronous_commit=remote_write")
    with open_store(NOWHERE, database=url) as store, store.writing.begin() as connection:
        said = {
            name: connection.execute(text(f"SHOW {name}")).scalar()
            for name in (
                "lock_timeout",
                "statement_timeout",
                "idle_in_transaction_session_timeout",
                "synchronous_commit",
            )
        }
    assert said == {
        "lock_timeout": "7ms",
        "statement_timeout": "4s",
        "idle_in_transaction_session_timeout": "3s",
        "synchronous_commit": "remote_write",
    }


def test_no_locks_outlive_the_time_in_which_rooms_are_to_be_there_again() -> None:
    """Six seconds, of which others need the last one."""
    for waits in (engine_file.WRITING.lock, engine_file.WRITING.statement, engine_file.WRITING.idle_in_transaction):
        assert 0 < waits < 5_000
    assert engine_file.WRITING.silence <= 5_000


def test_lists_are_in_the_order_of_bytes_as_with_sqlite(store: Store) -> None:
    with store.writing.begin() as connection:
        order = connection.execute(
            text("SELECT name FROM (VALUES ('a'), ('B'), ('_')) t (name) ORDER BY name COLLATE \"C\"")
        )
        assert list(order.scalars()) == ["B", "_", "a"]
        collated = (
            "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text' "
        )
        collated += "AND table_name IN ('users', 'members', 'rooms', 'entries') AND collation_name IS DISTINCT FROM 'C'"
        assert connection.execute(text(collated)).scalar() == 0


def test_an_error_of_the_database_never_quotes_what_was_said(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DBAPIError) as error, store.writing.begin() as connection:
        connection.execute(
            entries.insert(), {"room_id": "r", "seq": 1, "kind": "message", "at": 1, "user_id": "u", "text": "a secret"}
        )
    assert "a secret" not in complaint_of(error.value)
    assert "a secret" not in caplog.text


def journeys(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One for each time that somebody waited for the server."""
    seen: list[None] = []
    wait = engine_file._Bounded.wait

    def noting(*args: object, **named: object) -> object:
        seen.append(None)
        return wait(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(engine_file._Bounded, "wait", noting)
    return seen


async def test_a_commit_takes_a_few_journeys_however_large_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """BEGIN; what is written, together (twice to send, once to hear of it); COMMIT."""
    ann, room = await a_room(desk)
    for warm in range(10):
        await room.said(ann, f"{warm}")
    seen = journeys(monkeypatch)
    for nonce in range(500):
        room.say(ann, f"n{nonce}")
    await room.ear.outcomes_of(510)
    assert len(seen) <= 5


async def test_a_nul_is_the_guilty_posters_own_problem(desk: Desk) -> None:
    ann, room = await a_room(desk)
    room.say(ann, "n1", "\0")
    room.say(ann, "\0")
    room.say(ann, "n3")
    first, second, third = await room.ear.outcomes_of(3)
    assert isinstance(first, Denied)
    assert isinstance(second, Denied)
    assert third == Landed(3, 2, desk.now)


# --- others who write ----------------------------------------------------------------------------------------


async def test_a_room_that_two_processes_write_for_has_one_log(store: Store, postgres: PostgresServer) -> None:
    """Nobody is to do that (`placement`), and if somebody does, one of them loses."""
    async with serving(store) as ours:
        ann, room = await a_room(ours)
        with theirs(store) as other:
            async with serving(other) as desk:
                same = await desk.anchored(room.room)
                assert isinstance(await same.said(ann, "theirs"), Landed)
                assert isinstance(await room.said(ann, "ours"), Lost)
                room = await ours.anchored(room.room)
                assert await room.said(ann, "theirs") == Known(1, 2, desk.now)
                assert isinstance(await room.said(ann, "ours"), Landed)
                assert isinstance(await same.said(ann, "theirs again"), Lost)


async def test_two_who_want_the_same_name_from_different_processes(store: Store) -> None:
    with theirs(store) as other:
        async with serving(store) as ours, serving(other) as desk:
            told: list[object] = []

            async def sign_up(where: Desk, name: str) -> None:
                try:
                    told.append(await where.user(name))
                except Refusal as refusal:
                    told.append(refusal.code)

            for turn in range(20):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(sign_up, ours, f"ann{turn}")
                    nursery.start_soon(sign_up, desk, f"ann{turn}")
    assert told.count(ErrorCode.NAME_TAKEN) == 20


@contextmanager
def theirs(store: Store) -> Iterator[Store]:
    """The same database, as another process has it."""
    with Store(store.database, store.database.claim(), store.writing.quotas) as other:
        yield other


@pytest.mark.parametrize("rows", [[("1",)], [("1",), ("2",)]])
def test_whoever_is_silent_in_a_transaction_gives_its_locks_back(
    postgres: PostgresServer, rows: list[tuple[str]]
) -> None:
    """Also behind several rows, which the driver sends in a way of its own."""
    url = postgres.database() + "?options=" + quote("-c idle_in_transaction_session_timeout=200")
    with open_store(NOWHERE, database=url) as store:

        def paused() -> None:
            with store.writing.begin() as connection:
                connection.execute(text("LOCK TABLE rooms IN EXCLUSIVE MODE"))
                connection.exec_driver_sql("UPDATE users SET name = %s WHERE false", rows)
                with theirs(store) as other, other.writing.begin() as later:
                    later.execute(text("LOCK TABLE rooms IN EXCLUSIVE MODE"))  # waits for as long as that is held
                connection.execute(text("SELECT 1"))

        with pytest.raises(Disconnected, match="idle-in-transaction"):
            paused()


def test_statements_that_travel_together_set_out_when_all_are_there(store: Store) -> None:
    """Whoever is paused between two of them is not silent in a transaction, as the server sees it."""
    lock = "LOCK TABLE rooms IN EXCLUSIVE MODE"
    with store.writing.begin() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        with driver.pipeline():
            driver.execute(lock)
            with theirs(store) as other, other.writing.begin() as meanwhile:
                meanwhile.execute(text(lock))
        with theirs(store) as other, pytest.raises(DBAPIError), other.writing.begin() as later:
            later.execute(text(f"{lock} NOWAIT"))


# --- a server that goes away ---------------------------------------------------------------------------------


@pytest.fixture
def brittle(own_postgres: PostgresProcess) -> Iterator[tuple[PostgresProcess, Store]]:
    with open_store(NOWHERE, database=own_postgres.url) as store:
        yield own_postgres, store


async def test_a_server_that_was_restarted_meanwhile_is_noticed_by_nobody(
    brittle: tuple[PostgresProcess, Store],
) -> None:
    server, store = brittle
    async with serving(store) as desk:
        ann, room = await a_room(desk)
        await trio.to_thread.run_sync(server.stop)
        await trio.to_thread.run_sync(server.start)
        assert isinstance(await room.said(ann, "n1"), Landed)
        assert (await desk.read(LoadRoom, room=room.room)).last_seq == 2


async def test_who_comes_while_the_server_is_away_waits_for_it(brittle: tuple[PostgresProcess, Store]) -> None:
    server, store = brittle
    async with serving(store) as desk:
        ann, room = await a_room(desk)
        await trio.to_thread.run_sync(server.kill)
        room.say(ann, "n1")
        answers: list[object] = []

        async def ask() -> None:
            answers.append(await desk.read(Ready))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.to_thread.run_sync(server.start)
            assert isinstance((await room.ear.outcomes_of(1))[0], Landed)
        assert answers == [True]


async def test_a_server_that_stays_away_is_told_of_and_comes_back(
    brittle: tuple[PostgresProcess, Store], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log, once: not for everybody who is refused."""
    server, store = brittle
    monkeypatch.setattr(engine_file.PostgresDatabase, "patience", 0.3)
    async with serving(store) as desk:
        ann, room = await a_room(desk)
        await trio.to_thread.run_sync(server.kill)
        assert isinstance(await room.said(ann, "n1"), Lost)
        for asked in (desk.read(Ready), desk.user("bob"), desk.read(Ready), desk.read(Ready)):
            with pytest.raises(Refusal) as refused:
                await asked
            assert refused.value.code is ErrorCode.UNAVAILABLE
        assert [caplog.text.count(f"away, and {what} are refused") for what in ("questions", "changes")] == [1, 1]
        assert desk.counts.failed_commits >= 2
        await trio.to_thread.run_sync(server.start)
        room = await anchored(desk, room.room)
        assert isinstance(await room.said(ann, "n1"), Landed)
        assert await desk.read(Ready)
        assert [caplog.text.count(f"back, and takes {what} again") for what in ("questions", "changes")] == [1, 1]


async def test_a_paused_server_is_not_waited_for(
    brittle: tuple[PostgresProcess, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = brittle
    monkeypatch.setattr(engine_file, "WRITING", Timeouts(silence=300))
    monkeypatch.setattr(engine_file.PostgresDatabase, "patience", 0.0)
    with open_store(NOWHERE, database=server.url) as store:
        async with serving(store) as desk:
            ann, room = await a_room(desk)
            backend = store.writing.driver_connection().info.backend_pid
            os.kill(backend, signal.SIGSTOP)
            try:
                assert isinstance(await room.said(ann, "n1"), Lost)
            finally:
                os.kill(backend, signal.SIGCONT)
            room = await desk.anchored(room.room)
            assert isinstance(await room.said(ann, "n1"), Landed)


async def test_what_was_acknowledged_survives_a_server_that_is_killed_again_and_again(
    brittle: tuple[PostgresProcess, Store],
) -> None:
    """Posters that never stop, each with its own room; a lost post is tried again with its nonce. A third of the kills
    come while nobody waits for a commit, the others find some."""
    server, store = brittle
    acknowledged: dict[str, dict[str, int]] = {}
    over = trio.Event()

    async def post(desk: Desk, ann: str, name: str) -> None:
        landed = acknowledged.setdefault(name, {})
        room = await anchored(desk, name)
        while not over.is_set():
            nonces = [f"{len(landed)}-{number}" for number in range(5)]
            while nonces:
                so_far = len(room.ear.outcomes)
                for nonce in nonces:
                    room.say(ann, nonce)
                told = (await room.ear.outcomes_of(so_far + len(nonces)))[so_far:]
                for nonce, outcome in zip(list(nonces), told, strict=True):
                    if isinstance(outcome, Landed | Known):
                        assert outcome.seq is not None
                        assert landed.setdefault(nonce, outcome.seq) == outcome.seq
                        nonces.remove(nonce)
                if nonces:
                    room = await anchored(desk, name)

    async with serving(store) as desk:
        ann = await desk.user("ann")
        names = [await desk.created(ann) for _ in range(5)]
        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(post, desk, ann, name)
            for kill in range(3):
                enough = 50 * (kill + 1)
                with trio.fail_after(PATIENCE):
                    while min(len(acknowledged.get(name, ())) for name in names) < enough:  # noqa: ASYNC110 - as above
                        await trio.sleep(0.01)
                await trio.to_thread.run_sync(server.kill)
                await trio.to_thread.run_sync(server.start)
            over.set()
        for name in names:
            await assert_log_holds(desk, name, acknowledged[name])


async def answers(desk: Desk) -> bool:
    try:
        return bool(await desk.read(Ready))
    except Refusal:
        return False


async def anchored(desk: Desk, room: str) -> Room:
    """As soon as the database is there again."""
    with trio.fail_after(PATIENCE):
        while not await answers(desk):  # noqa: ASYNC110 - it tells nobody by itself
            await trio.sleep(0.01)
        return await desk.anchored(room)


async def assert_log_holds(desk: Desk, room: str, acknowledged: dict[str, int]) -> None:
    last = (await desk.read(LoadRoom, room=room)).last_seq
    page = await desk.read(ReadLog, room=room, after=0, upto=last, limit=100_000)
    assert [entry.seq for entry in page.entries] == list(range(1, last + 1))
    said = [(entry.nonce, entry.seq) for entry in page.entries if getattr(entry, "nonce", None)]
    assert len(dict(said)) == len(said), "a nonce has one place"
    assert acknowledged.items() <= dict(said).items()
