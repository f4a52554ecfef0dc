"""How a user looks at this node, by all their devices here: counted without keeping anything for who is not idle.

Every session is in the group of its user, and one whose device is idle in a second group, which it leaves by itself
when it ends, however that happens.
"""

from __future__ import annotations

from actors import System
from server.protocol.showing import Shown, of_devices
from server.store.choices import Choice


def idle_devices_of(user: str) -> tuple[str, str]:
    """The group of sessions whose devices are idle."""
    return "idle devices of", user


def appearance_of(system: System, user: str, choice: Choice) -> Shown:
    """How somebody looks who has a session here."""
    idle = len(system.members(idle_devices_of(user)))
    return of_devices(len(system.members(user)), idle, choice.status, choice.text, choice.emoji)
