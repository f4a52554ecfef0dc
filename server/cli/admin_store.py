"""What the commands of `hubbub admin` have in common: the store they work on, and how they show what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from msgspec import Struct

from server.cli.exits import Ended, Exit
from server.cli.options import config_option, configuration, data_option, database_option
from server.cli.stores import store_errors
from server.protocol.errors import Refusal
from server.store.databases import database_of
from server.store.direct import DirectStore

S = TypeVar("S", bound=Struct)
F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")


def on_store(command: F) -> F:
    """The options that say which store."""
    return data_option(database_option(config_option(command)))


@contextmanager
def admin_store(data: str | None, database: str | None, config: Path | None) -> Iterator[DirectStore]:
    """What is refused in the block is one line for the operator."""
    settings = configuration(config, data=data, database=database).settings
    try:
        with store_errors(), DirectStore(database_of(settings.data, settings.database)) as store:
            yield store
    except Refusal as refusal:
        raise Ended(Exit.FAILED, refusal.message) from None


def show(rows: Iterable[S], line: Callable[[S], Iterable[object]], *, as_json: bool) -> None:
    """Each on a line of its own: as JSON, or what `line` makes of it, with tabs between."""
    for row in rows:
        click.echo(msgspec.json.encode(row) if as_json else "\t".join(map(_shown, line(row))))


def show_one(row: Struct, *, as_json: bool) -> None:
    """With the name of each field before it."""
    if as_json:
        click.echo(msgspec.json.encode(row))
        return
    for field, value in msgspec.structs.asdict(row).items():
        click.echo(f"{field.replace('_', ' ')}\t{_shown(value)}")


def _shown(value: object) -> str:
    return "-" if value is None else str(value)
