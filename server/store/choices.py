"""What people have chosen for their account: the value, its columns, and how it is changed.

Most have chosen nothing, and then there is no value: nobody keeps one for them.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, select, update

from server.protocol.errors import ErrorCode, Refusal
from server.store.questions import Question
from server.store.tables import users


class Choice(Struct, frozen=True, gc=False):
    """What somebody has chosen.

    Attributes
    ----------
    hides_receipts
        Nobody is told how far they have read, and they are not told how far others have.
    """

    hides_receipts: bool = False


NOTHING: Final = Choice()


class SaveChoice(Question, frozen=True, kw_only=True):
    """What is not None is so from now on for `user`. Answered with the whole `Choice`, or `no_such_user`."""

    user: str
    hides_receipts: bool | None = None


CHOSEN: Final = (users.c.hides_receipts,)
"""The columns, in the order in which `choice_from` takes them."""


def choice_from(hides_receipts: bool | None) -> Choice | None:
    """None: nothing was chosen."""
    return Choice(hides_receipts=True) if hides_receipts else None


def save_choice(connection: Connection, wanted: SaveChoice) -> Choice:
    """Raises `Refusal`: `no_such_user`."""
    whose = (users.c.id == wanted.user, users.c.name.is_not(None))
    if wanted.hides_receipts is not None:
        connection.execute(update(users).where(*whose).values(hides_receipts=wanted.hides_receipts))
    row = connection.execute(select(*CHOSEN).where(*whose)).one_or_none()
    if row is None:
        raise Refusal(ErrorCode.NO_SUCH_USER, "no such user")
    return choice_from(*row) or NOTHING
