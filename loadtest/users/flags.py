"""Flags and environment variables of the locustfiles, made from the fields of `Options`.

A setting stands in one place, `scenarios/messages.py`: its meaning, its limits and its default. Here it becomes a flag
(`--at-once`), a variable (`HUBBUB_LOAD_AT_ONCE`) and a field of locust's web page, all held to the same limits.
"""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Final, get_args, get_type_hints

import msgspec
from locust.argument_parser import LocustArgumentParser

from clients.endpoint import BadUrl, Endpoint, endpoint_of
from loadtest.people import People
from loadtest.scenarios.messages import Options
from loadtest.scenarios.table import SCENARIOS

PREFIX: Final = "HUBBUB_LOAD_"


class BadSettings(Exception):
    """The run cannot begin; the message says why, in one line."""


def add_people(parser: LocustArgumentParser) -> None:
    """The flags that a run of any kind takes."""
    parser.add_argument(
        "--people",
        metavar="FILE",
        env_var=f"{PREFIX}PEOPLE",
        default="people.json",
        help="who comes: what `hubbub admin seed --people FILE` wrote; on every machine",
    )


def add_options(parser: LocustArgumentParser) -> None:
    """The flags of a scenario: one for each field of `Options`, and the journal."""
    parser.add_argument(
        "--journal",
        metavar="FILE",
        env_var=f"{PREFIX}JOURNAL",
        default="",
        help="write how it stands as a line of JSON every second, and the results as the last one",
    )
    kinds = get_type_hints(Options, include_extras=True)
    for field in msgspec.structs.fields(Options):
        name, kind = field.name, kinds[field.name]
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            env_var=PREFIX + name.upper(),
            type=_reader(kind),
            default=msgspec.convert(field.default, kind, strict=False),
            choices=list(SCENARIOS) if name == "scenario" else None,
            metavar=None if name == "scenario" else f"<{_plain(kind).__name__}>",
            help=_meaning(kind).replace("%", "%%"),
        )


def add_pace(parser: LocustArgumentParser) -> None:
    """The flags of people who chat by themselves."""
    parser.add_argument(
        "--pace", env_var=f"{PREFIX}PACE", type=float, default=1.0, help="how many times as fast as people"
    )
    parser.add_argument(
        "--seed", env_var=f"{PREFIX}SEED", type=int, default=1, help="who does what and when follows from it"
    )


def options_of(parsed: Namespace) -> Options:
    """The options, held to their limits again: a web page may have changed them.

    Raises
    ------
    BadSettings
    """
    given = {name: getattr(parsed, name) for name in Options.__struct_fields__}
    try:
        return msgspec.convert(given, Options, strict=False)
    except msgspec.ValidationError as error:
        raise BadSettings(f"settings: {error}") from None


def people_of(parsed: Namespace, wanted: int) -> People:
    """Who comes, `wanted` of them at the most.

    Raises
    ------
    BadSettings
    """
    path = Path(parsed.people)
    try:
        people = People.read(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadSettings(f"--people {path}: {reason} (`hubbub admin seed --people {path} …` writes one)") from None
    if wanted > people.count:
        raise BadSettings(f"--connections {wanted}: {path} has only {people.count} people")
    return people


def endpoints_of(host: str | None) -> list[Endpoint]:
    """Where to connect: one URL, or several with commas between them.

    Raises
    ------
    BadSettings
    """
    if not host:
        raise BadSettings("--host is missing: the URL of the server, such as http://127.0.0.1:8000")
    try:
        return [endpoint_of(url.strip()) for url in host.split(",")]
    except BadUrl as error:
        raise BadSettings(f"--host {error}") from None


def _reader(kind: object) -> Callable[[str], object]:
    def read(text: str) -> object:
        try:
            return msgspec.convert(text, kind, strict=False)
        except msgspec.ValidationError as error:
            raise ArgumentTypeError(f"{text!r}: {str(error).lower()}") from None

    return read


def _plain(kind: object) -> type:
    plain: type = get_args(kind)[0]
    return plain


def _meaning(kind: object) -> str:
    return str(get_args(kind)[1].description)
