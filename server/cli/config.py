"""`hubbub config`: the effective settings, as a TOML file that says where each value comes from."""

from __future__ import annotations

from pathlib import Path

import click

from server.cli.options import config_option, configuration, data_option
from server.settings import Configuration, Described, described, shown


@click.command("config")
@config_option
@data_option
def config_command(config: Path | None, data: str | None) -> None:
    """Print every setting with its value, its meaning, and where the value comes from.

    The output is itself a settings file.
    """
    effective = configuration(config, data=data)
    for setting in described():
        click.echo(_line(setting, effective))
    for variable in effective.unknown_variables:
        click.echo(f"# {variable} in the environment is no setting", err=True)


def _line(setting: Described, effective: Configuration) -> str:
    value = shown(getattr(effective.settings, setting.name))
    source = effective.sources[setting.name]
    return f"{setting.name} = {value}  # {setting.meaning} [{source}]"
