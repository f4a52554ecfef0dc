"""Bearer tokens: 256 random bits, of which the server keeps only a digest.

A plain SHA-256 is enough, unlike for a password: nobody can try all tokens, so slowing each try down buys nothing.
A stolen database lets nobody in.
"""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """43 characters of A-Z a-z 0-9 - _."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """The 32 bytes under which the store knows `token`; any string has one, also one nobody ever issued."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
