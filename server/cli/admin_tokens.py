"""`hubbub admin tokens`: who is signed in where, and the end of that."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click

from server.cli.admin_store import admin_store, json_option, on_store, show
from server.cli.exits import EPILOG
from server.store.direct import DirectStore
from server.store.operating import PAGE, TokenShown, revoke, tokens_page, user_shown


@click.group("tokens", epilog=EPILOG)
def tokens_group() -> None:
    """List tokens by their public ids, and revoke one."""


@tokens_group.command("list", epilog=EPILOG)
@click.option("--user", "name", metavar="NAME", help="Only those of one user.")
@json_option
@on_store
def list_command(name: str | None, as_json: bool, data: str | None, database: str | None, config: Path | None) -> None:
    """List tokens that were not revoked, oldest first: id, whose, the device, when made and last used."""
    with admin_store(data, database, config) as store:
        user = None if name is None else store.read(partial(user_shown, who=name)).user
        show(_all_tokens(store, user), _line, as_json=as_json)


def _line(token: TokenShown) -> list[object]:
    return [token.token, token.name, token.device, f"since {token.since}", f"used {token.last_used}"]


@tokens_group.command("revoke", epilog=EPILOG)
@click.argument("token")
@on_store
def revoke_command(token: str, data: str | None, database: str | None, config: Path | None) -> None:
    """End TOKEN, by its public id. A server that runs closes its connections within seconds."""
    with admin_store(data, database, config) as store:
        store.write(partial(revoke, token=token))
        click.echo(f"{token} has ended")


def _all_tokens(store: DirectStore, user: str | None) -> Iterator[TokenShown]:
    after = ""
    while True:
        page = store.read(partial(tokens_page, after=after, user=user))
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].token
