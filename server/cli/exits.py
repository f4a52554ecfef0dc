"""How the commands end: one table of exit codes, in `--help` of each, and the errors that lead to them.

An error an operator can do something about is one line on stderr and no traceback. Everything else is a bug, and
shows where it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """Exit codes; docs/operations.md repeats them."""

    DONE = 0
    FAILED = 1
    WRONG_SETTING = 2
    DATA_DIRECTORY = 3
    PORT = 4
    DATABASE = 5
    ENGINE = 6


MEANING: Final[dict[Exit, str]] = {
    Exit.DONE: "done, or stopped in order",
    Exit.FAILED: "it failed, or the supervision tree gave up",
    Exit.WRONG_SETTING: "a wrong setting, option or argument",
    Exit.DATA_DIRECTORY: "the data directory is in use by another server, or cannot be written to",
    Exit.PORT: "the port is in use, or the address cannot be listened on",
    Exit.DATABASE: "the database cannot be reached, is damaged, of a newer version of hubbub, or will not do",
    Exit.ENGINE: "the engine cannot be reached or started, or is one that will not do",
}

EPILOG: Final = "\b\nExit codes:\n" + "\n".join(f"  {code.value}  {text}" for code, text in MEANING.items())
"""What the help of every command ends with (`\\b` keeps click from filling the lines)."""


class Ended(Exception):
    """A command ends with `code` and one line for the operator; an empty one where another process has said it."""

    def __init__(self, code: Exit, line: str) -> None:
        super().__init__(line)
        self.code = code


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn `Ended` into its line on stderr and its exit code."""
    try:
        yield
    except Ended as ended:
        if str(ended):
            print(f"hubbub: {ended}", file=sys.stderr, flush=True)
        sys.exit(ended.code)
