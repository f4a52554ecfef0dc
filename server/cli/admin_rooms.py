"""`hubbub admin rooms`: which rooms there are, and who is in them. Never what is said there.

Rooms are not changed from here: only the server that owns a room may add to its log. Whoever owns one deletes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import get_args

import click

from server.cli.admin_store import admin_store, json_option, on_store, show, show_one
from server.cli.exits import EPILOG
from server.protocol.objects import RoomKind
from server.store.direct import DirectStore
from server.store.operating import PAGE, MemberShown, RoomShown, members_page, room_shown, rooms_page


@click.group("rooms", epilog=EPILOG)
def rooms_group() -> None:
    """List, show and search rooms, and who is in them."""


@rooms_group.command("list", epilog=EPILOG)
@click.option("--kind", type=click.Choice(get_args(RoomKind)), help="Only those of one kind.")
@click.option("--search", metavar="TEXT", help="Only those with TEXT in their name.")
@json_option
@on_store
def list_command(
    kind: str | None, search: str | None, as_json: bool, data: str | None, database: str | None, config: Path | None
) -> None:
    """List rooms, oldest first: id, kind, name, how many members and entries."""
    with admin_store(data, database, config) as store:
        show(_all_rooms(store, kind, search), _line, as_json=as_json)


def _line(room: RoomShown) -> list[object]:
    return [
        room.room,
        room.kind,
        room.name,
        f"{room.members} members",
        f"{room.last_seq} entries",
        f"since {room.since}",
    ]


@rooms_group.command("show", epilog=EPILOG)
@click.argument("room")
@json_option
@on_store
def show_command(room: str, as_json: bool, data: str | None, database: str | None, config: Path | None) -> None:
    """Show ROOM, by its id, or a channel by its name."""
    with admin_store(data, database, config) as store:
        show_one(store.read(partial(room_shown, room=room)), as_json=as_json)


@rooms_group.command("members", epilog=EPILOG)
@click.argument("room")
@json_option
@on_store
def members_command(room: str, as_json: bool, data: str | None, database: str | None, config: Path | None) -> None:
    """List who is in ROOM, by name."""
    with admin_store(data, database, config) as store:
        found = store.read(partial(room_shown, room=room))
        show(_all_members(store, found.room), _member_line, as_json=as_json)


def _member_line(member: MemberShown) -> list[object]:
    return [member.name, member.user, member.role, f"since {member.since}"]


def _all_rooms(store: DirectStore, kind: str | None, search: str | None) -> Iterator[RoomShown]:
    after = ""
    while True:
        page = store.read(partial(rooms_page, after=after, kind=kind, text=search))
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].room


def _all_members(store: DirectStore, room: str) -> Iterator[MemberShown]:
    after = ""
    while True:
        page = store.read(partial(members_page, room=room, after=after))
        yield from (member for _, member in page)
        if len(page) < PAGE:
            return
        after = page[-1][0]
