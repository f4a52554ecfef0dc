"""How somebody is shown to others, and how that follows from their devices and from what they have chosen: pure.

The rule: who is invisible looks offline, whatever else is so; `busy` is said of oneself and holds on all devices;
otherwise one device that is in use makes its owner online, and while all are idle they are away. That a device is idle
its client says: it sees the keyboard, where the server sees commands only, and somebody who reads sends none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct, structs

from server.protocol.events import Presence
from server.protocol.objects import Status, User

Chosen = Literal["busy", "invisible"]


class Shown(Struct, frozen=True, gc=False):
    """How somebody looks who is here. `offline`: they are, and nobody is to know."""

    status: Status = "online"
    text: str | None = None
    emoji: str | None = None


PLAIN: Final = Shown()
"""How nearly everybody looks who is here: nothing is kept or sent for it."""
HIDDEN: Final = Shown("offline")

_FIRST: Final[tuple[Status, ...]] = ("offline", "busy", "online", "away")


def of_devices(devices: int, idle: int, chosen: Chosen | None, text: str | None, emoji: str | None) -> Shown:
    """Somebody with so many devices on one node, of which so many are idle."""
    if chosen is text is emoji is None and idle < devices:
        return PLAIN
    if chosen == "invisible":
        return HIDDEN
    if chosen == "busy":
        return Shown("busy", text, emoji)
    return Shown("away" if idle >= devices > 0 else "online", text, emoji)


def merged(places: Iterable[Shown]) -> Shown:
    """Somebody who is on several nodes. They agree on what was chosen, but for a moment; the more private holds."""
    return min(places, key=lambda shown: _FIRST.index(shown.status))


def presence_of(user: str, shown: Shown | None) -> Presence:
    """What others are told. None: not here."""
    if shown is None:
        return Presence(user=user, status="offline")
    return Presence(user=user, status=shown.status, text=shown.text, emoji=shown.emoji)


def with_shown(user: User, shown: Shown | None) -> User:
    """`user` as others see them."""
    if shown is None:
        return structs.replace(user, status="offline")
    return structs.replace(user, status=shown.status, status_text=shown.text, status_emoji=shown.emoji)
