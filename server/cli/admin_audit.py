"""`hubbub admin audit`: who did what not everybody may, in all rooms, and what operators have deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click

from server.cli.admin_store import admin_store, json_option, on_store, show
from server.cli.exits import EPILOG
from server.store.auditing import KEPT_MS
from server.store.direct import DirectStore
from server.store.operating import PAGE, ActPlace, ActShown, acts_page


@click.command("audit", epilog=EPILOG)
@click.argument("about", required=False)
@json_option
@on_store
def audit_command(
    about: str | None, as_json: bool, data: str | None, database: str | None, config: Path | None
) -> None:
    """List what was done in the last 90 days by a right that not everybody has, the newest first: when, what, by whom,
    where, to whom and why. ABOUT is the id of a room, also of a deleted one, or of a deleted account.

    What an operator has deleted is by "operator".
    """
    with admin_store(data, database, config) as store:
        show(_all_acts(store, about), _line, as_json=as_json)


def _line(act: ActShown) -> list[object]:
    return [act.at, act.act, f"by {act.by_name or act.by}", act.about, act.user, act.reason]


def _all_acts(store: DirectStore, about: str | None) -> Iterator[ActShown]:
    since = time.time_ns() // 1_000_000 - KEPT_MS
    before: ActPlace | None = None
    while True:
        page = store.read(partial(acts_page, since=since, before=before, about=about))
        yield from (act for _, act in page)
        if len(page) < PAGE:
            return
        before = page[-1][0]
