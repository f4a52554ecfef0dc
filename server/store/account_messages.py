"""What people do with their own accounts: questions to the store, beside those of `messages.py`."""

from __future__ import annotations

from msgspec import Struct

from server.store.questions import Question

# --- to the writer -------------------------------------------------------------------------------------------


class EndSessions(Question, frozen=True, kw_only=True):
    """Ends tokens of `user`: that of the session `only`, or all of them but that of `but`. Answered `Revocations`.

    Fails with `not_found` if `only` is none of theirs. One that has ended before is no failure.
    """

    user: str
    only: str | None = None
    but: str | None = None


class ChangePassword(Question, frozen=True, kw_only=True):
    """Sets the hash if it still is `known_hash`, which the asker has seen to be that of the right password; else fails
    with `bad_credentials`: somebody was faster. Answered `Revocations`.

    All tokens of the user end but that of the session `but`; with `keeps_others`, none does.
    """

    user: str
    known_hash: str
    password_hash: str
    but: str
    keeps_others: bool = False


class SetDisplayName(Question, frozen=True, kw_only=True):
    """Answered with the `User` as everybody sees them since, or `no_such_user`."""

    user: str
    display_name: str | None


AccountWrite = EndSessions | ChangePassword | SetDisplayName


# --- to the reader -------------------------------------------------------------------------------------------


class ListDevices(Question, frozen=True, kw_only=True):
    """Where `user` is signed in: the `limit` used last, the newest first. Answered with a tuple of `DeviceRow`."""

    user: str
    limit: int


class DeviceRow(Struct, frozen=True):
    """`session` is the token's public id; times are in ms since the epoch."""

    session: str
    name: str | None
    created_at: int
    last_used: int


AccountRead = ListDevices
