"""What a name, a text, a nonce may look like: pure checks, each raising a `Refusal` that says what is wrong.

Lengths are counted in code points, as docs/protocol.md does. Texts are kept as sent: nothing is trimmed,
normalised or repaired.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from server.protocol import limits
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.fields import EMOJI

_USER_NAME: Final = re.compile(f"{limits.USER_NAME_ALPHABET}+")
_CHANNEL_NAME: Final = re.compile(f"{limits.CHANNEL_NAME_ALPHABET}+")
_EMOJI: Final = re.compile(EMOJI)
_ID: Final = re.compile(r"[A-Za-z0-9_]+")
_ID_OR_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
# Bidirectional controls can make a name read as another one (Unicode Technical Report 36, section 2.5).
_BIDI_OVERRIDES: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CONTROL: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def check_text(text: str) -> str:
    """The text of a message: 1-4,000 code points, not only white space, no NUL, no lone surrogate."""
    if len(text) > limits.TEXT_CODE_POINTS:
        raise Refusal(ErrorCode.TOO_LONG, f"`text` is limited to {limits.TEXT_CODE_POINTS} code points")
    if not text or text.isspace():
        raise _bad("`text` must have something besides white space")
    if "\0" in text:
        raise _bad("`text` must not contain NUL")
    _check_encodable("text", text)
    return text


def check_nonce(nonce: str) -> str:
    """What makes a retry safe: 1-64 characters."""
    if not 1 <= len(nonce) <= limits.NONCE_CHARACTERS:
        raise _bad(f"`nonce` must have 1 to {limits.NONCE_CHARACTERS} characters")
    if "\0" in nonce:
        raise _bad("`nonce` must not contain NUL")
    return nonce


def check_emoji(emoji: str, field: str = "emoji") -> str:
    """What one can react with."""
    if len(emoji) > limits.EMOJI_CODE_POINTS or not _EMOJI.fullmatch(emoji):
        raise _bad(f"`{field}` must be one emoji")
    return emoji


def check_user_name(name: str) -> str:
    """Lower case, so that no name is ever anybody's id: those have upper-case letters (`server/store/ids.py`)."""
    if not 1 <= len(name) <= limits.USER_NAME_CHARACTERS or not _USER_NAME.fullmatch(name):
        raise _bad(f"`name` must have 1 to {limits.USER_NAME_CHARACTERS} characters of a-z 0-9 _ . -")
    return name


def check_channel_name(name: str) -> str:
    if not 1 <= len(name) <= limits.CHANNEL_NAME_CHARACTERS or not _CHANNEL_NAME.fullmatch(name):
        raise _bad(f"`name` of a channel must have 1 to {limits.CHANNEL_NAME_CHARACTERS} characters of a-z 0-9 _ -")
    return name


def check_display_name(name: str, field: str = "display_name") -> str:
    """The name of a group, or a person's display name: 1-64 characters people can see."""
    return _check_line(name, field, limits.DISPLAY_NAME_CHARACTERS)


def check_topic(topic: str) -> str:
    """What a room is about, on one line; empty: about nothing in particular."""
    return topic if not topic else _check_line(topic, "topic", limits.TOPIC_CHARACTERS)


def check_icon(icon: str) -> str:
    """What a room is shown with, an emoji; empty: nothing."""
    return icon if not icon else check_emoji(icon, "icon")


def check_status_text(text: str) -> str:
    """What somebody says of themselves; empty: nothing."""
    return text if not text else _check_line(text, "text", limits.STATUS_CHARACTERS)


def check_reason(reason: str) -> str:
    """Why somebody was removed, on one line."""
    return _check_line(reason, "reason", limits.REASON_CHARACTERS)


def check_password(password: str) -> str:
    """At least 8 characters, no rules of composition (NIST SP 800-63B, section 5.1.1.2)."""
    shortest, longest = limits.PASSWORD_CHARACTERS
    if not shortest <= len(password) <= longest:
        raise _bad(f"`password` must have {shortest} to {longest} characters")
    _check_encodable("password", password)
    return password


def looks_like_room(room: str) -> bool:
    """Whether a string can be a room's id at all; anything else is `no_such_room` without a look at the store."""
    return room.startswith("r_") and len(room) <= limits.ROOM_ID_CHARACTERS and bool(_ID.fullmatch(room))


def looks_like_id_or_name(text: str) -> bool:
    """Whether a string can be an id, or a user's name, at all: of anything else the store need not be asked."""
    return len(text) <= limits.ROOM_ID_CHARACTERS and bool(_ID_OR_NAME.fullmatch(text))


def _check_line(line: str, field: str, most: int) -> str:
    if not 1 <= len(line) <= most or line.isspace():
        raise _bad(f"`{field}` must have 1 to {most} characters")
    if any(c in _BIDI_OVERRIDES or unicodedata.category(c) in _CONTROL for c in line):
        raise _bad(f"`{field}` must not contain control or bidirectional-override characters")
    return line


def _check_encodable(field: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _bad(f"`{field}` must not contain a lone surrogate") from None


def _bad(message: str) -> Refusal:
    return Refusal(ErrorCode.BAD_REQUEST, message)
