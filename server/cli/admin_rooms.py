"""`hubbub admin rooms`: which rooms there are, who is in them, and the end of one. Never what is said there.

Rooms are not changed from here: only the server that owns a room may do that. What is to be deleted is wished for in
the database (`server/store/endings.py`), and a server that finds the wish there carries it out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final, get_args

import click

from server.cli.admin_store import admin_store, json_option, on_store, show, show_one
from server.cli.exits import EPILOG, Ended, Exit
from server.protocol.objects import RoomKind
from server.protocol.rules import check_reason
from server.store.direct import DirectStore
from server.store.endings import is_wished, wish_end
from server.store.operating import PAGE, MemberShown, RoomShown, members_page, room_shown, rooms_page

LOOK_SECONDS: Final = 0.25  # between two looks whether it is done


@click.group("rooms", epilog=EPILOG)
def rooms_group() -> None:
    """List, show, search and delete rooms, and list who is in them."""


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


@rooms_group.command("delete", epilog=EPILOG)
@click.argument("room")
@click.option("--reason", metavar="TEXT", help="What its members are told.")
@click.option("--yes", is_flag=True, help="Do not ask whether that is meant.")
@click.option("--wait", type=click.FloatRange(0, 600), default=10.0, help="Seconds to wait until it is done; 10.")
@on_store
def delete_command(
    room: str, reason: str | None, yes: bool, wait: float, data: str | None, database: str | None, config: Path | None
) -> None:
    """Delete ROOM for everybody, with all that was said there.

    A server that runs does it within seconds; without one it is done when the next one starts. The last line says which
    of the two it was.
    """
    with admin_store(data, database, config) as store:
        found = store.read(partial(room_shown, room=room))
        if found.kind == "dm":
            raise Ended(Exit.FAILED, "a conversation of two cannot be deleted: it is theirs")
        shown = found.room if found.name is None else f"{found.name} ({found.room})"
        if reason is not None:
            check_reason(reason)
        if not yes and not click.confirm(f"Delete {shown}, with {found.members} members?", err=True):
            raise Ended(Exit.FAILED, "nothing was done")
        store.write(lambda connection, **_: wish_end(connection, found.room, reason))
        if _is_gone(store, found.room, wait):
            click.echo(f"{shown} is deleted")
        else:
            click.echo(f"{shown} will be deleted when a server starts: none has done it within {wait:g} s")


def _is_gone(store: DirectStore, room: str, within: float) -> bool:
    """Whether a server has deleted it, `within` seconds at the latest."""
    end = time.monotonic() + within
    while store.read(partial(is_wished, room=room)):
        if time.monotonic() >= end:
            return False
        time.sleep(LOOK_SECONDS)
    return True


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
