"""What people have chosen for their account: the value, its columns, and how it is changed.

Most have chosen nothing, and then there is no value: nobody keeps one for them.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select, update

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import OwnStatus
from server.protocol.showing import Chosen
from server.store.in_lists import padded
from server.store.lately import Lately, Span
from server.store.questions import Question
from server.store.tables import users


class Choice(Struct, frozen=True, gc=False):
    """What somebody has chosen.

    Attributes
    ----------
    hides_receipts
        Nobody is told how far they have read, and they are not told how far others have.
    status, text, emoji
        How they are to be shown, where that is not as they are, and what they say of themselves.
    """

    hides_receipts: bool = False
    status: Chosen | None = None
    text: str | None = None
    emoji: str | None = None


NOTHING: Final = Choice()


class SaveChoice(Question, frozen=True, kw_only=True):
    """What is not None is so from now on for `user`; `online` and empty texts: nothing. Answered with the whole
    `Choice`, or `no_such_user`."""

    user: str
    hides_receipts: bool | None = None
    status: OwnStatus | None = None
    text: str | None = None
    emoji: str | None = None


class ReadChoices(Question, frozen=True, kw_only=True):
    """What people have chosen who changed it in one of `spans`; and so have those of `also`. Answered `ChoicesMade`."""

    spans: tuple[Span, ...]
    also: tuple[str, ...] = ()


class ChoicesMade(Struct, frozen=True):
    """What these users have chosen by now. `left` is to be asked for next."""

    choices: tuple[tuple[str, Choice], ...]
    left: tuple[Span, ...]


CHOSEN: Final = (users.c.hides_receipts, users.c.status, users.c.status_text, users.c.status_emoji)
"""The columns, in the order in which `choice_from` takes them."""


def choice_from(
    hides_receipts: bool | None, status: Chosen | None, text: str | None, emoji: str | None
) -> Choice | None:
    """None: nothing was chosen."""
    if not hides_receipts and status is None and text is None and emoji is None:
        return None
    return Choice(bool(hides_receipts), status, text, emoji)


_chosen_lately: Final = Lately(users, users.c.chosen_at, (users.c.id,), *CHOSEN)
_chosen_by: Final = select(users.c.id, *CHOSEN).where(users.c.id.in_(bindparam("users", expanding=True)))


def save_choice(connection: Connection, wanted: SaveChoice, at: int) -> Choice:
    """Raises `Refusal`: `no_such_user`."""
    whose = (users.c.id == wanted.user, users.c.name.is_not(None))
    if changed := _changed(wanted):
        connection.execute(update(users).where(*whose).values(changed | {"chosen_at": at}))
    row = connection.execute(select(*CHOSEN).where(*whose)).one_or_none()
    if row is None:
        raise Refusal(ErrorCode.NO_SUCH_USER, "no such user")
    return choice_from(*row) or NOTHING


def read_choices(connection: Connection, question: ReadChoices) -> ChoicesMade:
    rows, left = _chosen_lately.found(connection, question.spans)
    if question.also:
        rows += connection.execute(_chosen_by, {"users": padded(question.also)}).all()
    return ChoicesMade(tuple((user, choice_from(*chosen) or NOTHING) for user, *chosen in rows), left)


def _changed(wanted: SaveChoice) -> dict[str, object]:
    """The columns, as they are to be."""
    changed: dict[str, object] = {}
    if wanted.hides_receipts is not None:
        changed["hides_receipts"] = wanted.hides_receipts
    if wanted.status is not None:
        changed["status"] = None if wanted.status == "online" else wanted.status
    if wanted.text is not None:
        changed["status_text"] = wanted.text or None
    if wanted.emoji is not None:
        changed["status_emoji"] = wanted.emoji or None
    return changed
