"""Alembic's entry: runs the migrations on the connection it is given, or on the database that the command line names.

`hubbub serve` and `hubbub migrate` come with a connection of their own. The `alembic` command, which only developers
use (`alembic revision --autogenerate`), finds `[tool.alembic]` in pyproject.toml and works on `-x data=DIR`, by
default `./data`, or on `-x database=postgresql+psycopg://…`. Logging is left as it is: `fileConfig` would silence the
server that runs this.
"""

from __future__ import annotations

from pathlib import Path

from alembic import context
from sqlalchemy import Connection

from server.store.databases import database_of
from server.store.tables import metadata


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    said = context.get_x_argument(as_dictionary=True)
    engine = database_of(Path(said.get("data", "data")), said.get("database", "")).migrating()
    with engine.begin() as own:
        run(own)
    engine.dispose()
