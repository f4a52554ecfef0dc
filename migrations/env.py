"""Alembic's entry: runs the migrations on the connection it is given, or on the database of the data directory.

`hubbub serve` and `hubbub migrate` come with a connection of their own. The `alembic` command, which only developers
use (`alembic revision --autogenerate`), finds `[tool.alembic]` in pyproject.toml and works on `-x data=DIR`, by
default `./data`. Logging is left as it is: `fileConfig` would silence the server that runs this.
"""

from __future__ import annotations

from pathlib import Path

from alembic import context
from sqlalchemy import Connection

from server.store.sqlite import Pragmas, writing_engine
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
    data = Path(context.get_x_argument(as_dictionary=True).get("data", "data"))
    engine = writing_engine(data / "hubbub.sqlite3", Pragmas())
    with engine.begin() as own:
        run(own)
    engine.dispose()
