"""The command `hubbub`: the table of its commands.

A command's module is imported when the command runs, so that `hubbub --help` answers at once and `hubbub chat`
never loads a database. That is why the one line of help of each stands here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final, NamedTuple

import click

from server.cli.exits import EPILOG, one_line_errors


class Lazy(NamedTuple):
    module: str
    function: str
    help: str


COMMANDS: Final[dict[str, Lazy]] = {
    "serve": Lazy("server.cli.serve", "serve_command", "Serve chat until told to stop."),
    "chat": Lazy("server.cli.chat", "chat_command", "Talk, in this terminal."),
    "config": Lazy("server.cli.config", "config_command", "Print the settings, and where each comes from."),
    "migrate": Lazy("server.cli.migrate", "migrate_command", "Bring the database to this version's form."),
    "backup": Lazy("server.cli.backup", "backup_command", "Copy the database to a file, also while serving."),
    "restore": Lazy("server.cli.backup", "restore_command", "Put a backup in place of the database."),
    "admin": Lazy("server.cli.admin", "admin_group", "Users, rooms, tokens, registration."),
    "prove": Lazy("server.cli.prove", "prove_command", "Prove the claims on this machine: load, measure, check."),
    "version": Lazy("server.cli.version", "version_command", "Print the version."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        command = getattr(import_module(lazy.module), lazy.function)
        assert isinstance(command, click.Command)
        command.epilog = EPILOG
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in COMMANDS.items()])


@click.group("hubbub", cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
def hubbub() -> None:
    """Hubbub, a chat server in which every connection, room and session is a supervised actor."""


def main() -> None:
    with one_line_errors():
        hubbub(prog_name="hubbub")


if __name__ == "__main__":
    main()
