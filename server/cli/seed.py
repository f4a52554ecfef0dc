"""`hubbub admin seed`: people for a load test, put into the database in bulk.

The manifest is written before anybody is, so that whatever happens then, its owner can go on with it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from loadtest.people import BadPeople, People
from loadtest.plans import PEOPLE_AT_MOST, BadPlan
from server.accounts.tokens import token_hash
from server.cli.exits import EPILOG, Ended, Exit
from server.cli.options import config_option, configuration, data_option, database_option
from server.cli.stores import store_errors
from server.settings import Settings
from server.store.opening import open_store
from server.store.seeding import PRAGMAS, Seeded, seed

ROOMS: Final = "all,each:10"


@click.command("seed", epilog=EPILOG)
@click.option("--users", type=click.IntRange(1, PEOPLE_AT_MOST), metavar="N", help="How many people.")
@click.option("--rooms", metavar="PLAN", help=f"Which rooms they are in: see above (default: {ROOMS}).")
@click.option(
    "--people",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="Their manifest: written if it is missing, else the people in it are taken.",
)
@data_option
@database_option
@config_option
def seed_command(
    users: int | None, rooms: str | None, people: Path, data: str | None, database: str | None, config: Path | None
) -> None:
    """Put people for a load test into the database, with tokens and rooms, while no server runs.

    PLAN is made of parts, joined by commas: `all` is one room with everybody, `each:10` rooms of ten with everybody in
    one of them, `rooms:5x200` five rooms of 200, `zipf:1000:1.0:5` a thousand rooms of Zipf's sizes with everybody in
    five of them on the average. More than 256 people are a channel, fewer are a group.

    These people have no passwords, because a million would take nine hours to hash: nobody can log in as one of them,
    their tokens let them in. The tokens follow from FILE, which is as good as all of them; keep it to yourself.

    If it is interrupted, the first so many people are there with all that is theirs, and the same command goes on
    behind them. It also puts the people of a FILE into another database. A server's limits on the members of a room
    and the rooms of a person do not hold here.
    """
    settings = configuration(config, data=data, database=database).settings
    there = people.exists()
    arrivals = _known(people, users, rooms) if there else _new(users, rooms or ROOMS)
    with store_errors(), open_store(settings.data, PRAGMAS, database=settings.database) as store:
        if not there:
            _write(arrivals, people)
        began = time.perf_counter()
        with _watched(arrivals, people) as told:
            seeded = seed(store, arrivals, token_hash, time.time_ns() // 1_000_000, told)
        click.echo(_said(arrivals, people, seeded, time.perf_counter() - began))
    for line in _beyond(arrivals, settings):
        click.echo(line, err=True)


def _new(users: int | None, rooms: str) -> People:
    if users is None:
        raise Ended(Exit.WRONG_SETTING, "how many people? Say --users N")
    try:
        return People.made(users, rooms)
    except BadPlan as wrong:
        raise Ended(Exit.WRONG_SETTING, f"--rooms: {wrong}") from None


def _known(file: Path, users: int | None, rooms: str | None) -> People:
    """Those of a manifest, which have to be the ones that are asked for."""
    try:
        known = People.read(file)
    except (BadPeople, BadPlan) as wrong:
        raise Ended(Exit.WRONG_SETTING, str(wrong)) from None
    except OSError as error:
        raise Ended(Exit.FAILED, f"cannot read {file}: {error.strerror}") from None
    if users not in (None, known.count) or rooms not in (None, known.plan):
        raise Ended(
            Exit.WRONG_SETTING,
            f"{file} is there, with {known.count:,} people in `{known.plan}`: name another file, "
            "or take these by leaving out --users and --rooms",
        )
    return known


def _write(people: People, file: Path) -> None:
    try:
        people.write(file)
    except OSError as error:
        raise Ended(Exit.FAILED, f"cannot write {file}: {error.strerror}") from None


@contextmanager
def _watched(people: People, file: Path) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, and a word about how far it came if it is broken off."""
    there = 0
    with _bar(people.count) as shown:

        def told(number: int) -> None:
            nonlocal there
            there = number
            shown(number)

        try:
            yield told
        except KeyboardInterrupt:
            raise Ended(
                Exit.FAILED,
                f"interrupted: {there:,} of {people.count:,} people are there; --people {file} goes on behind them",
            ) from None


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], None]]:
    """Nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda number: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("people", total=total)
        yield lambda number: progress.update(task, completed=number)


def _said(people: People, file: Path, seeded: Seeded, seconds: float) -> str:
    if not seeded.people:
        return f"all {people.count:,} people of {file} were there already"
    before = people.count - seeded.people
    behind = f" behind the {before:,} that were there" if before else ""
    return (
        f"{seeded.people:,} people{behind}, rooms: {seeded.rooms:,}, memberships: {seeded.memberships:,}, in "
        f"{seconds:.1f} s ({seeded.people / seconds:,.0f} people a second); their tokens are in {file}, they have no "
        "passwords"
    )


def _beyond(people: People, settings: Settings) -> Iterator[str]:
    """Limits for joins that a server with these settings has, and the plan goes beyond."""
    largest = people.size_of(0)
    if largest > settings.max_members_per_room:
        yield (
            f"a room has {largest:,} members: it is served, but above {settings.max_members_per_room:,} "
            "(max_members_per_room) nobody else can join it"
        )
    if people.most_rooms > settings.max_rooms_per_user:
        yield (
            f"people are in {people.most_rooms:,} rooms: above {settings.max_rooms_per_user:,} (max_rooms_per_user) "
            "they can join no other"
        )
