"""Whom a message mentions: pure, and kept so that each reader's unread mentions are counted by an index.

The rules:
- Mentioned are members, found by name where the entry gets its place: who comes later was not, and who is renamed is.
- Nobody mentions themselves.
- Where everybody is mentioned, nobody is besides: so no reader counts a message twice.
- Of an edit, `@here` means those whom the message mentioned before: who was there is settled when it is posted.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from msgspec import Struct

from server.protocol.mentions import EVERYBODY

People = tuple[str, ...]
"""Users' ids in their order; or `EVERYBODY` alone."""
Names = Mapping[tuple[str, str], str]
"""Of members: by room and name, their ids."""


class Mentioned(Struct, frozen=True):
    """Whom a text mentions, as far as its room can say.

    Attributes
    ----------
    names
        Of people, who may be members or not.
    here
        The ids of those who are there, if these are called.
    everybody
        Whether all are called, by somebody who may.
    again
        Whether those are called whom the message mentions already.
    """

    names: tuple[str, ...] = ()
    here: tuple[str, ...] = ()
    everybody: bool = False
    again: bool = False


def people_of(mentioned: Mentioned, room: str, author: str, members: Names, before: Collection[str] = ()) -> People:
    """Who is mentioned. `before`: by the message until now."""
    if mentioned.everybody or (mentioned.again and EVERYBODY in before):
        return (EVERYBODY,)
    found = {members[room, name] for name in mentioned.names if (room, name) in members}
    found.update(mentioned.here, before if mentioned.again else ())
    return tuple(sorted(found - {author}))


def written_people(people: People) -> str | None:
    """As a row has them."""
    return json.dumps(people, separators=(",", ":")) if people else None


def read_people(text: str | None) -> People:
    return () if text is None else tuple(json.loads(text))
