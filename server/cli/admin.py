"""`hubbub admin`: what an operator does to users, tokens and registration, also while a server runs on the same data.

Each command is one small transaction beside the server's; `seed.py`, which hangs here too, is not. That works whether a
server runs or not, and needs no password or port: who may write to the database may do this. The server needs no
telling: it reads what it needs at each sign-up, looks for ended tokens every two seconds, and for deleted people every
half a minute.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from server.cli.admin_audit import audit_command
from server.cli.admin_rooms import rooms_group
from server.cli.admin_store import admin_store, on_store
from server.cli.admin_tokens import tokens_group
from server.cli.admin_users import users_group
from server.cli.exits import EPILOG
from server.cli.seed import seed_command
from server.store.direct import NOBODY
from server.store.user_messages import SetRegistration


@click.group("admin")
def admin_group() -> None:
    """Users, rooms, tokens, registration, audit: beside a running server. People for load tests: without one."""


for command in (users_group, rooms_group, tokens_group, audit_command, seed_command):
    admin_group.add_command(command)


@admin_group.command("registration", epilog=EPILOG)
@click.argument("state", type=click.Choice(["open", "close"]))
@on_store
def registration_command(
    state: Literal["open", "close"], data: str | None, database: str | None, config: Path | None
) -> None:
    """Let strangers sign up, or not.

    It is kept in the database. Where the setting `registration_open` is false, nobody can sign up either way.
    """
    with admin_store(data, database, config) as store:
        store.change(SetRegistration(reply_to=NOBODY, open=state == "open"))
        click.echo(f"registration is {'open' if state == 'open' else 'closed'}")
