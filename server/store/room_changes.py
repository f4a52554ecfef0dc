"""What can become of a room and of the people in it, beside coming and going: drafts, as the room tells them to the
writer, and what is kept of them.

The rules:
- Whoever changes something knows what is so before: the room has one such change on its way at a time, and gives each
  what the room is called then (`info`), so that an entry read alone says how the room is since.
- How long a mute lasts is counted from the commit. `None` seconds are for ever, and 0 lifts it.
- A ban and a mute are about a person, not a membership: they outlast it, so that nobody gets rid of them by leaving.
"""

from __future__ import annotations

from math import inf
from typing import Final

import msgspec
from msgspec import Struct, field

from server.protocol.entries import RoomChanged
from server.protocol.objects import Level, Role, RoomInfo, RoomRights
from server.protocol.times import rfc3339

FOREVER_MS: Final = 253_402_300_799_999
"""The last moment that RFC 3339 can name: the end of the year 9999."""


class Renamed(Struct, frozen=True):
    """The room has another name, topic or icon. Denied with `conflict` where another channel has the name."""

    by: str
    info: RoomInfo


class RightsSet(Struct, frozen=True):
    """Others may do what `info.rights` says; None: as in every room of its kind."""

    by: str
    info: RoomInfo


class RoleGiven(Struct, frozen=True):
    """`user` has another role. Whoever is no member lands without a `seq`."""

    by: str
    info: RoomInfo
    user: str
    role: Role


class Muted(Struct, frozen=True):
    """`user` may not post for so many seconds; without one, nobody may but moderators and owners."""

    by: str
    info: RoomInfo
    user: str | None
    seconds: int | None


class LevelSet(Struct, frozen=True):
    """What of the room `user` wants to be called for. In no log."""

    user: str
    level: Level


class BanLifted(Struct, frozen=True):
    """`user` may come again. In no log, so it lands without a `seq`."""

    user: str
    by: str


class RoomDeleted(Struct, frozen=True):
    """The room is gone, with its log, so it lands without a `seq`. Whatever is told behind it is lost. `by`: None, for
    an operator."""

    by: str | None
    reason: str | None


RoomChange = Renamed | RightsSet | RoleGiven | Muted


class Particulars(Struct, gc=False):
    """What few rooms have. Who may not come into them, and who may not post: `muted`, by user, and everybody but
    moderators and owners until `quiet_until`.

    Until when, in seconds: as the store tells it, from now on; as an open room keeps it, of its own clock. `quiet_told`
    is what people are told of that. `rights`: who may do what, where that is not as in every room of its kind.
    `posted`: in slow mode, as an open room keeps it: when each posted last, and with which nonce; oldest first.
    `icon`: an emoji. `blocked_by`: of a conversation of two, who has blocked the other.
    """

    banned: set[str] = field(default_factory=set)
    muted: dict[str, float] = field(default_factory=dict)
    quiet_until: float = 0.0
    quiet_told: str | None = None
    rights: RoomRights | None = None
    posted: dict[str, tuple[float, str]] | None = None
    icon: str | None = None
    blocked_by: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.banned or self.muted or self.quiet_until or self.rights or self.icon or self.blocked_by)


class News(Struct, frozen=True, omit_defaults=True):
    """What a row of the log keeps of a `room` entry, in JSON."""

    info: RoomInfo
    user: str | None = None
    role: Role | None = None
    muted_until: str | None = None
    quiet_until: str | None = None


_decode: Final = msgspec.json.Decoder(News).decode
_decode_rights: Final = msgspec.json.Decoder(RoomRights).decode


def until(seconds: int | None, at: int) -> int:
    """When a mute ends that begins at `at` (ms since the epoch). One that is lifted ends at once."""
    return FOREVER_MS if seconds is None else at + seconds * 1000


def remaining(until: int, now: int) -> float:
    """How many seconds a mute lasts longer."""
    return inf if until == FOREVER_MS else (until - now) / 1000


def news_of(change: RoomChange, at: int) -> News:
    """What the entry about it says, committed at `at`."""
    match change:
        case Renamed(info=info) | RightsSet(info=info):
            return News(info)
        case RoleGiven(info=info, user=user, role=role):
            return News(info, user, role)
        case Muted(info=info, user=None, seconds=seconds):
            return News(info, quiet_until=rfc3339(until(seconds, at)))
        case Muted(info=info, user=user, seconds=seconds):
            return News(info, user, muted_until=rfc3339(until(seconds, at)))


def written(news: News) -> str:
    """As a row has it."""
    return msgspec.json.encode(news).decode()


def read_news(text: str) -> News:
    return _decode(text)


def written_rights(rights: RoomRights | None) -> str | None:
    """As a room's row has them."""
    return None if rights is None else msgspec.json.encode(rights).decode()


def read_rights(text: str | None) -> RoomRights | None:
    return None if text is None else _decode_rights(text)


def entry_from_news(room: str, seq: int, at: int, by: str, news: News) -> RoomChanged:
    """The entry, whether it is new or read from the log."""
    return RoomChanged(
        room=room, seq=seq, info=news.info, at=rfc3339(at), by=by, user=news.user, role=news.role,
        muted_until=news.muted_until, quiet_until=news.quiet_until,
    )  # fmt: skip
