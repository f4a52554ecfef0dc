"""Options several commands share, and how they become settings.

Options are taken as text and checked by `server/settings.py`, so that a wrong one gets the same line as a wrong
environment variable.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from server.cli.exits import Ended, Exit
from server.settings import Configuration, WrongSetting, load

config_option = click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE.toml", help="Read settings from this file."
)
data_option = click.option("--data", metavar="DIR", help="The data directory (default: data).")
database_option = click.option(
    "--database", metavar="URL", help="A PostgreSQL database: postgresql+psycopg://USER@HOST/NAME (default: SQLite)."
)


def configuration(file: Path | None, **given: str | None) -> Configuration:
    """The settings of this command. Raises `Ended` for a wrong one."""
    try:
        return load(given, os.environ, file)
    except WrongSetting as wrong:
        raise Ended(Exit.WRONG_SETTING, str(wrong)) from None
