"""`hubbub migrate`: what `serve` does before it serves, without serving."""

from __future__ import annotations

from pathlib import Path

import click

from server.cli.options import config_option, configuration, data_option, database_option
from server.cli.stores import store_errors
from server.store.migrating import REVISIONS
from server.store.opening import open_store


@click.command("migrate")
@data_option
@database_option
@config_option
def migrate_command(data: str | None, database: str | None, config: Path | None) -> None:
    """Bring the database to this version's form, after a copy of it into DIR/backups where it is one of SQLite.

    `hubbub serve` does the same when it starts.
    """
    settings = configuration(config, data=data, database=database).settings
    with store_errors(), open_store(settings.data, database=settings.database) as store:
        click.echo(f"{store.database.name}: schema {REVISIONS[-1]}")
