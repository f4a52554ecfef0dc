"""What the hashing task is asked. Answered with the store's `Done`, as any other question is."""

from __future__ import annotations

from server.store.questions import Question


class HashPassword(Question, frozen=True, kw_only=True):
    """Answered with the hash to store (text that names its own parameters)."""

    password: str


class VerifyPassword(Question, frozen=True, kw_only=True):
    """Answered with whether `password` is the one behind `password_hash`.

    None, for a name nobody has, takes the same time and answers False.
    """

    password: str
    password_hash: str | None


Hashing = HashPassword | VerifyPassword
