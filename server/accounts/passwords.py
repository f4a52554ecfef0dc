"""The hashing task: Argon2id, one password at a time, in one worker thread.

One at a time, because each takes 19 MiB and a core for its time: whoever floods it fills the inbox, which then
refuses (HTTP 503), and neither memory nor the other cores. The thread does not hold the interpreter meanwhile, so
chat goes on. A failure of Argon2 itself (no memory) crashes the task, and its supervisor starts it again.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import trio
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from actors import Inbox, TaskContext
from server.accounts.messages import Hashing, HashPassword, VerifyPassword
from server.store.questions import Done

# OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, two passes, one lane. About 33 ms a password.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# What a password is checked against where there is no such name: the same parameters, so the same time.
_DECOY: Final = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"


async def run_hashing(context: TaskContext, inbox: Inbox) -> None:
    """Answer `HashPassword` and `VerifyPassword` from `inbox` until cancelled."""
    limiter = trio.CapacityLimiter(1)
    context.started()
    while True:
        for question in await inbox.take(1):
            assert isinstance(question, Hashing)
            value = await trio.to_thread.run_sync(_answer, question, limiter=limiter)
            question.reply_to.answer(Done(question.ref, value))


def hash_password(password: str) -> str:
    """The hash to store. Takes tens of milliseconds: call it in a thread."""
    return _HASHER.hash(_prepared(password))


def _answer(question: Hashing) -> str | bool:
    match question:
        case HashPassword(password=password):
            return hash_password(password)
        case VerifyPassword(password=password, password_hash=known):
            return _matches(password, known or _DECOY) and known is not None


def _matches(password: str, password_hash: str) -> bool:
    try:
        return _HASHER.verify(password_hash, _prepared(password))
    except (VerificationError, InvalidHashError):
        return False


def _prepared(password: str) -> bytes:
    """One form for what two keyboards encode in two ways (RFC 8265, section 4.2: NFC)."""
    return unicodedata.normalize("NFC", password).encode()
