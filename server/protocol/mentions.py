"""Whom a text calls: `@name`, `@here`, `@all`. Pure, and told to both ends, so that clients may show what counts.

The rules:
- A word begins with `@`, which stands neither behind a letter or digit of ASCII nor behind one of `_ + / \\ @`: so an
  e-mail address calls nobody, nor does a URL, and a backslash takes the meaning away. Other letters may stand before
  and behind it, because not everybody writes spaces.
- The word goes on over `a-z A-Z 0-9 _ . -`, without `.` and `-` at its end, which are a sentence's. Another `@` right
  behind it makes it an address.
- Case does not matter. `here` and `all` are never anybody's name here.
- What stands in code, between runs of as many backticks (CommonMark, section 6.1), calls nobody.

Who of these is somebody in the room, and who may call all of it, is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.limits import MENTIONED_NAMES, USER_NAME_CHARACTERS

EVERYBODY: Final = "*"
"""Stands among users' ids for all of a room."""

_WORD: Final = re.compile(r"(?<![A-Za-z0-9_+/\\@])@([A-Za-z0-9_.-]++)(?!@)")
_TICKS: Final = re.compile("`+")


class Called(Struct, frozen=True):
    """Different names, in the order of their first use, and whether those who are here, or all, are called."""

    names: tuple[str, ...]
    here: bool
    all: bool


def called_by(text: str) -> Called | None:
    """Whom a text calls; None: nobody.

    Raises
    ------
    Refusal
        `limit_reached`: more people than a text may.
    """
    if "@" not in text:
        return None
    words = dict.fromkeys(_words(text))
    if not words:
        return None
    names = tuple(word for word in words if word not in ("here", "all"))
    if len(names) > MENTIONED_NAMES:
        raise Refusal(ErrorCode.LIMIT_REACHED, f"a text mentions {MENTIONED_NAMES} people at the most")
    return Called(names, "here" in words, "all" in words)


def _words(text: str) -> Iterator[str]:
    for found in _WORD.finditer(_without_code(text)):
        word = found[1].rstrip(".-").lower()
        if 0 < len(word) <= USER_NAME_CHARACTERS:
            yield word


def _without_code(text: str) -> str:
    """A space in place of each piece of code. A run of backticks ends at the next one as long, or begins nothing."""
    runs = list(_TICKS.finditer(text))
    if len(runs) < 2:
        return text
    closing: list[int | None] = [None] * len(runs)
    next_as_long: dict[int, int] = {}
    for index in reversed(range(len(runs))):
        length = len(runs[index][0])
        closing[index] = next_as_long.get(length)
        next_as_long[length] = index
    return " ".join(_pieces(text, runs, closing))


def _pieces(text: str, runs: list[re.Match[str]], closing: list[int | None]) -> Iterator[str]:
    begin = index = 0
    while index < len(runs):
        end = closing[index]
        if end is None:
            index += 1
            continue
        yield text[begin : runs[index].start()]
        begin, index = runs[end].end(), end + 1
    yield text[begin:]
