"""`--database` as a person meets it: what works on PostgreSQL, one line for what does not, and never the password."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from server.cli.exits import Exit
from server.store.migrating import REVISIONS
from tests.harness import preloaded
from tests.harness.postgres import PostgresServer

NOBODY_LISTENS = "postgresql+psycopg://ann:secret@127.0.0.1:1/hubbub"


def hubbub(*arguments: str, database: str | None = None) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
    return preloaded.run(arguments, clean | ({} if database is None else {"HUBBUB_DATABASE": database}))


def test_migrate_makes_the_schema_and_admin_works_on_it(postgres: PostgresServer) -> None:
    url = postgres.empty_database()
    early = hubbub("admin", "users", "list", "--database", url)
    assert early.returncode == Exit.FAILED
    assert "run `hubbub migrate`" in early.stderr
    done = hubbub("migrate", "--database", url)
    assert done.returncode == 0
    assert f"schema {REVISIONS[-1]}" in done.stdout
    assert hubbub("admin", "registration", "close", database=url).stdout == "registration is closed\n"
    assert hubbub("admin", "users", "list", "--database", url).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "program"), [(("backup", "copy.sqlite3"), "pg_dump"), (("restore", "copy.sqlite3"), "pg_restore")]
)
def test_copies_are_left_to_the_programs_that_postgresql_has(arguments: tuple[str, ...], program: str) -> None:
    ended = hubbub(*arguments, database=NOBODY_LISTENS)
    assert ended.returncode == Exit.FAILED
    assert program in ended.stderr
    assert not Path(arguments[1]).exists()


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("migrate",), ("admin", "users", "list")])
@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        (NOBODY_LISTENS, Exit.DATABASE, "cannot reach postgresql://127.0.0.1:1/hubbub: "),
        ("postgresql://ann:secret@[::1/hubbub", Exit.WRONG_SETTING, "the setting `database`"),
        ("mysql://ann:secret@db/hubbub", Exit.WRONG_SETTING, "environment HUBBUB_DATABASE"),
    ],
)
def test_a_database_that_will_not_do_is_one_line(command: tuple[str, ...], url: str, code: Exit, words: str) -> None:
    ended = hubbub(*command, database=url)
    assert ended.returncode == code
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "secret" not in ended.stderr + ended.stdout


def test_config_shows_where_it_is_and_no_password() -> None:
    shown = hubbub("config", database=NOBODY_LISTENS).stdout
    assert 'database = "postgresql+psycopg://ann:***@127.0.0.1:1/hubbub"' in shown
    assert "secret" not in shown
