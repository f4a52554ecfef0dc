"""`hubbub migrate`: what `serve` does before it serves, without serving."""

from __future__ import annotations

from pathlib import Path

import click

from server.cli.options import config_option, configuration, data_option
from server.cli.stores import store_errors
from server.store.migrating import REVISIONS
from server.store.opening import open_store


@click.command("migrate")
@data_option
@config_option
def migrate_command(data: str | None, config: Path | None) -> None:
    """Bring the database to this version's form, after a copy of it into DIR/backups.

    `hubbub serve` does the same when it starts.
    """
    settings = configuration(config, data=data).settings
    with store_errors(), open_store(settings.data):
        click.echo(f"{settings.data}: schema {REVISIONS[-1]}")
