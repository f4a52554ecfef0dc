"""What a parent hands to the program that takes its place in the same process: an upgrade.

An exec keeps the process, its children, and those descriptors that are to be kept; their numbers stand in a variable
of the environment, as JSON. First a child runs the new program to see whether it can start at all (`PREPARE`): that
loads the code, reads the settings and brings the database to the newest form, while everything goes on. A program that
cannot, never takes over.

The variable is taken out of the environment when it is read: nobody further down shall believe it.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from enum import Enum
from typing import Final

import msgspec
from msgspec import Struct

VARIABLE: Final = "_HUBBUB_HANDED_OVER"
FORM: Final = 1
"""Raised when what is handed over changes; a new program reads what the old one writes, or says that it cannot."""


class Purpose(Enum):
    PREPARE = "prepare"
    TAKE_OVER = "take over"


class HandedWorker(Struct, frozen=True):
    index: int
    pid: int


class HandedOver(Struct, frozen=True, kw_only=True):
    """See the top of this file.

    Parameters
    ----------
    lock, listeners, admin, turns
        Descriptors. A program that knows nothing of turns hands over none.
    engine
        The process id of the embedded one.
    terminal
        Whether there was one whose end is to be heeded (`terminal.py`).
    """

    form: int = FORM
    purpose: Purpose
    lock: int
    listeners: tuple[int, ...]
    admin: int | None
    turns: int | None = None
    workers: tuple[HandedWorker, ...]
    engine: int | None
    terminal: bool

    @property
    def descriptors(self) -> tuple[int, ...]:
        return (self.lock, *self.listeners, *(each for each in (self.admin, self.turns) if each is not None))


class CannotTakeOver(Exception):
    """The program before this one hands over something that this one does not understand."""


def written(handed: HandedOver) -> dict[str, str]:
    """The environment for the next program."""
    return os.environ | {VARIABLE: msgspec.json.encode(handed).decode()}


def taken_out_of(environment: MutableMapping[str, str]) -> HandedOver | None:
    """What was handed to this program; None if it is the first. Raises `CannotTakeOver`."""
    text = environment.pop(VARIABLE, None)
    if text is None:
        return None
    try:
        handed = msgspec.json.decode(text, type=HandedOver)
    except msgspec.DecodeError as error:
        raise CannotTakeOver(f"stop this server and start the new one instead: {error}") from None
    if handed.form != FORM:
        raise CannotTakeOver(f"stop this server and start the new one instead: form {handed.form}")
    return handed
