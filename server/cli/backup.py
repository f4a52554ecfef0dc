"""`hubbub backup` and `hubbub restore`: the database as one file, and back.

PostgreSQL has programs of its own for this, which copy more than we could: the commands name them.
"""

from __future__ import annotations

from pathlib import Path

import click

from server.cli.exits import Ended, Exit
from server.cli.options import config_option, configuration, data_option
from server.cli.stores import store_errors
from server.settings import Settings
from server.store.backup import back_up, restore
from server.store.errors import AlreadyThere

file_argument = click.argument("file", type=click.Path(path_type=Path))


@click.command("backup")
@file_argument
@data_option
@config_option
def backup_command(file: Path, data: str | None, config: Path | None) -> None:
    """Copy the database to the new FILE, as of this moment, also while a server runs."""
    settings = configuration(config, data=data).settings
    _require_sqlite(settings, "copy it with pg_dump")
    with store_errors():
        back_up(settings.data, file)
    click.echo(f"{settings.data} is backed up in {file}")


@click.command("restore")
@file_argument
@click.option("--replace", is_flag=True, help="Move a database that is there to DIR/backups.")
@data_option
@config_option
def restore_command(file: Path, replace: bool, data: str | None, config: Path | None) -> None:
    """Put the backup FILE in place of the database. No server may be running on it.

    Every room gets a new log id: clients then know that what they have seen since the backup is no more.
    """
    settings = configuration(config, data=data).settings
    _require_sqlite(settings, "put it back with pg_restore, then see docs/operations.md")
    with store_errors():
        try:
            former = restore(settings.data, file, replace=replace)
        except AlreadyThere as error:
            raise Ended(Exit.FAILED, f"{error} (--replace moves it to backups)") from None
    click.echo(f"{file} is restored in {settings.data}")
    if former is not None:
        click.echo(f"the former database is now {former}")


def _require_sqlite(settings: Settings, advice: str) -> None:
    if settings.database:
        raise Ended(Exit.FAILED, f"the database is on a PostgreSQL server (setting `database`): {advice}")
