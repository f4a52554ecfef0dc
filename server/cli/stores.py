"""What can be wrong with a database or a backup, as exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from server.cli.exits import Ended, Exit
from server.store.errors import (
    BadUrl,
    Damaged,
    InUse,
    InUseByNodes,
    NotReachable,
    NotWritable,
    StoreError,
    TooNew,
    Unsuitable,
)

_EXITS: Final[dict[type[StoreError], Exit]] = {
    InUse: Exit.DATA_DIRECTORY,
    NotWritable: Exit.DATA_DIRECTORY,
    TooNew: Exit.DATABASE,
    Damaged: Exit.DATABASE,
    NotReachable: Exit.DATABASE,
    InUseByNodes: Exit.DATABASE,
    Unsuitable: Exit.DATABASE,
    BadUrl: Exit.WRONG_SETTING,
}


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn the store's own errors, which are one line each, into the end of the command."""
    try:
        yield
    except StoreError as error:
        raise Ended(_EXITS.get(type(error), Exit.FAILED), str(error)) from None
