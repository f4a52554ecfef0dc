"""`hubbub admin users`: who there is, and what an operator does to them."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import click

from server.accounts.passwords import hash_password
from server.cli.admin_store import admin_store, json_option, on_store, show, show_one
from server.cli.exits import EPILOG, Ended, Exit
from server.protocol.rules import check_password
from server.store.account_messages import DeleteUser, EndSessions
from server.store.direct import NOBODY, DirectStore
from server.store.operating import PAGE, UserShown, set_disabled, user_shown, users_page
from server.store.user_messages import SetAdministrator, SetPassword

_GENERATED_BYTES: Final = 12  # 16 characters: more than anybody guesses before it is changed


@click.group("users", epilog=EPILOG)
def users_group() -> None:
    """List, show and search users; set a password; sign out, disable, delete; make administrators."""


@users_group.command("list", epilog=EPILOG)
@click.option("--search", metavar="TEXT", help="Only those whose name or display name has TEXT in it.")
@json_option
@on_store
def list_command(
    search: str | None, as_json: bool, data: str | None, database: str | None, config: Path | None
) -> None:
    """List users by name: id, role, when they signed up and were last seen."""
    with admin_store(data, database, config) as store:
        show(_all_users(store, search), _line, as_json=as_json)


def _line(user: UserShown) -> list[object]:
    role = user.role if user.disabled_since is None else f"{user.role}, disabled"
    return [user.name, user.user, role, f"since {user.since}", f"seen {user.last_seen or 'never'}"]


@users_group.command("show", epilog=EPILOG)
@click.argument("name")
@json_option
@on_store
def show_command(name: str, as_json: bool, data: str | None, database: str | None, config: Path | None) -> None:
    """Show the user NAME (or id), with how many rooms and devices they have."""
    with admin_store(data, database, config) as store:
        show_one(store.read(partial(user_shown, who=name)), as_json=as_json)


@users_group.command("password", epilog=EPILOG)
@click.argument("name")
@click.option("--generate", is_flag=True, help="Make one up, and print it.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read it from the first line of standard input.")
@on_store
def password_command(
    name: str, generate: bool, from_stdin: bool, data: str | None, database: str | None, config: Path | None
) -> None:
    """Set the password of NAME, and sign them out everywhere.

    The password is asked for, or taken from HUBBUB_PASSWORD.
    """
    with admin_store(data, database, config) as store:
        user = store.read(partial(user_shown, who=name))
        password = secrets.token_urlsafe(_GENERATED_BYTES) if generate else _password(from_stdin=from_stdin)
        hashed = hash_password(check_password(password))
        store.change(SetPassword(reply_to=NOBODY, name=user.name, password_hash=hashed))
        click.echo(f"{user.name} has a new password, and is signed out everywhere", err=generate)
        if generate:
            click.echo(password)


@users_group.command("administrator", epilog=EPILOG)
@click.argument("name")
@click.option("--no-longer", is_flag=True, help="Make them a user like others again.")
@on_store
def administrator_command(
    name: str, no_longer: bool, data: str | None, database: str | None, config: Path | None
) -> None:
    """Make NAME an administrator."""
    with admin_store(data, database, config) as store:
        store.change(SetAdministrator(reply_to=NOBODY, name=name, administrator=not no_longer))
        click.echo(f"{name} is {'no longer' if no_longer else 'now'} an administrator")


@users_group.command("sign-out", epilog=EPILOG)
@click.argument("name")
@on_store
def sign_out_command(name: str, data: str | None, database: str | None, config: Path | None) -> None:
    """End all tokens of NAME. A server that runs closes their connections within seconds."""
    with admin_store(data, database, config) as store:
        user = store.read(partial(user_shown, who=name))
        store.change(EndSessions(reply_to=NOBODY, user=user.user))
        click.echo(f"{user.name} is signed out everywhere")


@users_group.command("disable", epilog=EPILOG)
@click.argument("name")
@on_store
def disable_command(name: str, data: str | None, database: str | None, config: Path | None) -> None:
    """Sign NAME out everywhere, and let them in no more. They stay in their rooms."""
    with admin_store(data, database, config) as store:
        user = store.read(partial(user_shown, who=name))
        store.write(partial(set_disabled, user=user.user, disabled=True))
        click.echo(f"{user.name} is disabled, and signed out everywhere")


@users_group.command("enable", epilog=EPILOG)
@click.argument("name")
@on_store
def enable_command(name: str, data: str | None, database: str | None, config: Path | None) -> None:
    """Let NAME in again. They sign in anew."""
    with admin_store(data, database, config) as store:
        user = store.read(partial(user_shown, who=name))
        store.write(partial(set_disabled, user=user.user, disabled=False))
        click.echo(f"{user.name} may sign in")


@users_group.command("delete", epilog=EPILOG)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask whether that is meant.")
@on_store
def delete_command(name: str, yes: bool, data: str | None, database: str | None, config: Path | None) -> None:
    """Delete the account of NAME, for good.

    What they said stays, by a deleted user. A server that runs leaves their rooms within half a minute, any other one
    when it starts.
    """
    with admin_store(data, database, config) as store:
        user = store.read(partial(user_shown, who=name))
        if not yes and not click.confirm(f"Delete {user.name}, who is in {user.rooms} rooms?", err=True):
            raise Ended(Exit.FAILED, "nothing was done")
        store.change(DeleteUser(reply_to=NOBODY, user=user.user, known_hash=None))
        click.echo(f"{user.name} is deleted")


def _all_users(store: DirectStore, search: str | None) -> Iterator[UserShown]:
    after = ""
    while True:
        page = store.read(partial(users_page, after=after, text=search))
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].name


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    given = os.environ.get("HUBBUB_PASSWORD")
    if given is not None:
        return given
    asked: str = click.prompt("New password", hide_input=True, confirmation_prompt=True)
    return asked
