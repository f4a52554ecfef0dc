"""`hubbub admin`: what an operator does to users and to registration, also while a server runs on the same data.

Each command here is one small transaction beside the server's; `seed.py`, which hangs here too, is not. The server
needs no telling: it reads what it needs at each sign-up, and looks for ended tokens every few seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import click

from server.accounts.passwords import hash_password
from server.cli.exits import EPILOG, Ended, Exit
from server.cli.options import config_option, configuration, data_option, database_option
from server.cli.seed import seed_command
from server.cli.stores import store_errors
from server.protocol.errors import Refusal
from server.protocol.rules import check_password
from server.protocol.times import rfc3339
from server.store.databases import database_of
from server.store.direct import NOBODY, DirectStore
from server.store.messages import FindUser, ListUsers, SetAdministrator, SetPassword, SetRegistration, UserRow

_PAGE: Final = 1_000


@click.group("admin")
def admin_group() -> None:
    """Users, passwords, administrators, registration: beside a running server. People for load tests: without one."""


admin_group.add_command(seed_command)


@admin_group.group("users", epilog=EPILOG)
def users_group() -> None:
    """List users, set a password, make administrators."""


@users_group.command("list", epilog=EPILOG)
@data_option
@database_option
@config_option
def list_command(data: str | None, database: str | None, config: Path | None) -> None:
    """List all users by name: id, role, when they signed up and were last seen."""
    with _store(data, database, config) as store:
        for row in _all_users(store):
            seen = rfc3339(row.last_seen) if row.last_seen is not None else "never"
            role = "administrator" if row.administrator else "user"
            click.echo(f"{row.name}\t{row.user}\t{role}\tsince {rfc3339(row.created_at)}\tseen {seen}")


@users_group.command("password", epilog=EPILOG)
@click.argument("name")
@data_option
@database_option
@config_option
def password_command(name: str, data: str | None, database: str | None, config: Path | None) -> None:
    """Set the password of NAME, and sign them out everywhere.

    The password is asked for, or taken from HUBBUB_PASSWORD.
    """
    with _store(data, database, config) as store:
        if store.ask(FindUser(reply_to=NOBODY, who=name)) is None:
            raise Ended(Exit.FAILED, f"there is no user {name}")
        hashed = hash_password(check_password(_password()))
        store.change(SetPassword(reply_to=NOBODY, name=name, password_hash=hashed))
        click.echo(f"{name} has a new password, and is signed out everywhere")


@users_group.command("administrator", epilog=EPILOG)
@click.argument("name")
@click.option("--no-longer", is_flag=True, help="Make them a user like others again.")
@data_option
@database_option
@config_option
def administrator_command(
    name: str, no_longer: bool, data: str | None, database: str | None, config: Path | None
) -> None:
    """Make NAME an administrator."""
    with _store(data, database, config) as store:
        store.change(SetAdministrator(reply_to=NOBODY, name=name, administrator=not no_longer))
        click.echo(f"{name} is {'no longer' if no_longer else 'now'} an administrator")


@admin_group.command("registration", epilog=EPILOG)
@click.argument("state", type=click.Choice(["open", "close"]))
@data_option
@database_option
@config_option
def registration_command(
    state: Literal["open", "close"], data: str | None, database: str | None, config: Path | None
) -> None:
    """Let strangers sign up, or not.

    It is kept in the database. Where the setting `registration_open` is false, nobody can sign up either way.
    """
    with _store(data, database, config) as store:
        store.change(SetRegistration(reply_to=NOBODY, open=state == "open"))
        click.echo(f"registration is {'open' if state == 'open' else 'closed'}")


@contextmanager
def _store(data: str | None, database: str | None, config: Path | None) -> Iterator[DirectStore]:
    settings = configuration(config, data=data, database=database).settings
    try:
        with store_errors(), DirectStore(database_of(settings.data, settings.database)) as store:
            yield store
    except Refusal as refusal:
        raise Ended(Exit.FAILED, refusal.message) from None


def _all_users(store: DirectStore) -> Iterator[UserRow]:
    after = ""
    while True:
        rows = store.ask(ListUsers(reply_to=NOBODY, after=after, limit=_PAGE))
        assert isinstance(rows, tuple)
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1].name


def _password() -> str:
    given = os.environ.get("HUBBUB_PASSWORD")
    if given is not None:
        return given
    asked: str = click.prompt("New password", hide_input=True, confirmation_prompt=True)
    return asked
