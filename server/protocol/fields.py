"""Fields that mean the same wherever they stand on the wire: a type, what it means, and what a schema says of it.

The rule: `extra_json_schema` tells client authors what `rules.py` checks; decoding does not look at it, because those
checks have error codes of their own. Nothing that slows a decoder is here.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from server.protocol import limits

_HIDDEN: Final = (
    r"\u0000-\u001f\u007f-\u009f\u2028\u2029"  # control characters
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional overrides
)
_BLANK: Final = r"\s\u001c-\u001f\u0085"  # what Python takes for white space and ECMA 262 does not stands beside \s
NO_NUL: Final = r"^[^\u0000]*$"
SAID: Final = rf"^[^\u0000]*[^\u0000{_BLANK}][^\u0000]*$"
SHOWN: Final = rf"^[^{_HIDDEN}]*[^{_HIDDEN}\s][^{_HIDDEN}]*$"
"""Regular expressions of ECMA 262, as JSON Schema has them, for what `rules.py` checks with more words."""

_PICTURE: Final = (
    r"[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030"
    r"\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"
)
_PART: Final = rf"{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]*"
EMOJI: Final = rf"(?:{_PART}(?:\u200d{_PART})*|[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3)"
"""One emoji as Unicode's report 51 composes them (section 1.4.9): pictures joined to one, a flag, a key. All places
that are reserved for pictures count, so that those of next year are good, too."""

RoomId = Annotated[str, Meta(description="A room, by its id: opaque.", examples=["r_01KX2Y8F7Q3M5N9PABCDEFGHJK"])]
UserId = Annotated[str, Meta(description="A user, by their id: opaque.", examples=["u_01KX2Y8F7Q3M5N9PABCDEFGHJK"])]
LogId = Annotated[
    str, Meta(description="The log of a room, by its id. A new one after a restore from backup: cursors end with it.")
]
EntrySeq = Annotated[
    int, Meta(description="Place in the log of the room: 1, 2, 3 … without a gap.", extra_json_schema={"minimum": 1})
]
LastSeq = Annotated[
    int, Meta(description="The newest entry of the log; 0 of an empty one.", extra_json_schema={"minimum": 0})
]
Time = Annotated[
    str,
    Meta(
        description="RFC 3339, UTC, milliseconds, by the server's clock, which may step back: only `seq` orders.",
        extra_json_schema={"format": "date-time"},
    ),
]
Milliseconds = Annotated[int, Meta(description="In milliseconds.", extra_json_schema={"minimum": 0})]
UserName = Annotated[
    str,
    Meta(
        description="Unique, of lower case: a-z 0-9 _ . -",
        extra_json_schema={
            "minLength": 1,
            "maxLength": limits.USER_NAME_CHARACTERS,
            "pattern": f"^{limits.USER_NAME_ALPHABET}+$",
        },
    ),
]
ShownName = Annotated[
    str,
    Meta(
        description="For people to read: no control or bidirectional-override characters, not only white space.",
        extra_json_schema={"minLength": 1, "maxLength": limits.DISPLAY_NAME_CHARACTERS, "pattern": SHOWN},
    ),
]
Icon = Annotated[
    str,
    Meta(
        description="What a room is shown with: one emoji.",
        examples=["\N{ABACUS}"],
        extra_json_schema={"maxLength": limits.EMOJI_CODE_POINTS},
    ),
]
Topic = Annotated[
    str,
    Meta(
        description="What a room is about, on one line.",
        extra_json_schema={"maxLength": limits.TOPIC_CHARACTERS, "pattern": f"^$|{SHOWN}"},
    ),
]
InviteCode = Annotated[
    str,
    Meta(
        description="Lets in whoever has it: opaque.",
        examples=["MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"],
    ),
]
Query = Annotated[
    str,
    Meta(
        description="What is searched for: at least one letter or digit.",
        extra_json_schema={"minLength": 1, "maxLength": limits.QUERY_CHARACTERS},
    ),
]
SearchQuery = Annotated[
    str,
    Meta(
        description="Words; at least one letter, digit or emoji.",
        extra_json_schema={"minLength": 1, "maxLength": limits.SEARCH_CODE_POINTS},
    ),
]
Moment = Annotated[
    str, Meta(description="RFC 3339, or a date, which is its beginning in UTC.", examples=["2026-11-22"])
]
Reason = Annotated[
    str,
    Meta(
        description="For everybody in the room to read.",
        extra_json_schema={"minLength": 1, "maxLength": limits.REASON_CHARACTERS, "pattern": SHOWN},
    ),
]
Password = Annotated[
    str,
    Meta(
        description="Any characters; length is all that is asked for.",
        extra_json_schema={
            "minLength": limits.PASSWORD_CHARACTERS[0],
            "maxLength": limits.PASSWORD_CHARACTERS[1],
            "format": "password",
        },
    ),
]
Text = Annotated[
    str,
    Meta(
        description="What is said: code points, not only white space, no NUL. Kept as sent.",
        extra_json_schema={"minLength": 1, "maxLength": limits.TEXT_CODE_POINTS, "pattern": SAID},
    ),
]
Nonce = Annotated[
    str,
    Meta(
        description="Makes a retry safe: at least 64 random bits, new for each new thing, the same for a retry.",
        extra_json_schema={"minLength": 1, "maxLength": limits.NONCE_CHARACTERS, "pattern": NO_NUL},
    ),
]
Emoji = Annotated[
    str,
    Meta(
        description="One emoji: a picture with its modifiers, pictures joined to one, a flag, a keycap.",
        examples=["\N{THUMBS UP SIGN}"],
        extra_json_schema={"minLength": 1, "maxLength": limits.EMOJI_CODE_POINTS},
    ),
]
