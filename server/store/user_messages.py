"""What the store is told and asked about users and the tokens they sign in with, and what it answers.

What people do with their own accounts is in `account_messages.py`.
"""

from __future__ import annotations

from msgspec import Struct

from server.protocol.objects import User
from server.store.choices import Choice
from server.store.lately import Span
from server.store.questions import Question


class AddUser(Question, frozen=True, kw_only=True):
    """Answered with the new `User`; fails with `name_taken`, or `registration_closed`."""

    name: str
    display_name: str | None
    password_hash: str


class AddToken(Question, frozen=True, kw_only=True):
    """Answered with an `Identity`: the session this token stands for."""

    user: str
    token_hash: bytes
    device: str | None


class RevokeToken(Question, frozen=True, kw_only=True):
    """Answered with `Revocations`: the session whose token ended, or none."""

    token_hash: bytes


class SetPassword(Question, frozen=True, kw_only=True):
    """Sets the hash and ends all tokens of the user; answered with `Revocations`, or `no_such_user`."""

    name: str
    password_hash: str


class SetAdministrator(Question, frozen=True, kw_only=True):
    """Answered with the `User`; fails with `no_such_user`."""

    name: str
    administrator: bool


class SetRegistration(Question, frozen=True, kw_only=True):
    """Whether strangers may sign up (kept in the database, beside the setting). Answered with `open`."""

    open: bool


class TouchTokens(Struct, frozen=True):
    """These sessions were used (and their users seen) at this time (ms): coarse, written behind."""

    sessions: tuple[str, ...]
    at: int


class FindIdentity(Question, frozen=True, kw_only=True):
    """Whose token is this? Answered `Identity` or `NoIdentity`. `gathers`: whether to say in which room of theirs."""

    token_hash: bytes
    gathers: bool = False


class Identity(Struct, frozen=True):
    """One user on one device. `session` is the token's public id; `last_used` when its use was noted last (ms).
    `choice`: what they have chosen, if anything. `gathers_in`: the largest of their rooms that has few members, if
    there is one and it was asked for."""

    user: User
    session: str
    device: str | None
    administrator: bool
    last_used: int = 0
    choice: Choice | None = None
    gathers_in: str | None = None


class NoIdentity(Struct, frozen=True):
    """`revoked`: the token was good once (revoked or expired); otherwise nobody ever had it."""

    revoked: bool


class FindUser(Question, frozen=True, kw_only=True):
    """By id or by name. Answered `User`, or None. Fails with `forbidden` if they have blocked `invited_by`."""

    who: str
    invited_by: str | None = None


class FindCredentials(Question, frozen=True, kw_only=True):
    """Answered `Credentials`, or None. `password_hash` never leaves the accounts service."""

    name: str


class Credentials(Struct, frozen=True):
    user: User
    password_hash: str


class ListUsers(Question, frozen=True, kw_only=True):
    """For operators. Answered with a tuple of `UserRow`, by name."""

    after: str = ""
    limit: int = 1_000


class UserRow(Struct, frozen=True):
    user: str
    name: str
    administrator: bool
    created_at: int
    last_seen: int | None


class ReadRevocations(Question, frozen=True, kw_only=True):
    """Sessions whose token ended in one of `spans`. Answered `EndedLately`."""

    spans: tuple[Span, ...]


class EndedLately(Struct, frozen=True):
    """`left` is to be asked for next."""

    sessions: tuple[str, ...]
    left: tuple[Span, ...]


class Revocations(Struct, frozen=True):
    """Sessions whose token ended now, at `at` (ms)."""

    sessions: tuple[str, ...]
    at: int
