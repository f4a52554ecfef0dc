"""The code of an invite: its id, and a signature that only this database's servers can make. Pure.

The id follows from who asked for what, so whoever asks again after a lost answer gets the same invite. The signature is
what a code cannot be guessed or made without: neither the ids, which stand in logs and lists of operators, nor the rule
by which they are made, let anybody in. A code says nothing of the room that it leads to.
"""

from __future__ import annotations

import re
from base64 import b32encode
from hashlib import blake2b
from hmac import compare_digest
from typing import Final

from server.protocol.errors import no_such_invite

_BYTES: Final = 10
"""Of an id, and of a signature. Nobody guesses 80 bits over a network, and base 32 has no rest."""

_CHARACTERS: Final = 16
_CODE: Final = re.compile(f"[A-Z2-7]{{{2 * _CHARACTERS}}}")


def invite_id(room: str, by: str, nonce: str, uses: int | None, seconds: int | None) -> str:
    """Of the invite that somebody asked for with this nonce."""
    asked = "\0".join((room, by, nonce, str(uses), str(seconds)))
    return b32encode(blake2b(asked.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()).decode()


def code_of(invite: str, key: bytes) -> str:
    """What people are given. `key`: of this database."""
    return invite + _signature(invite, key)


def invite_of(code: str) -> str:
    """The id in a code, whose signature is not looked at. Raises `no_such_invite` for what is none."""
    if not _CODE.fullmatch(code):
        raise no_such_invite()
    return code[:_CHARACTERS]


def is_signed(code: str, key: bytes) -> bool:
    """Whether a server of this database has made it."""
    return compare_digest(code.encode(), code_of(code[:_CHARACTERS], key).encode())


def _signature(invite: str, key: bytes) -> str:
    return b32encode(blake2b(invite.encode(), key=key, digest_size=_BYTES).digest()).decode()
