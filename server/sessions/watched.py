"""Who has asked how whom looks, and how these look: pure, with the time passed in.

The rules:
- A session is told of those it has asked for and may know of, and only what has changed since it was told. Of whom it
  may not know it hears what it hears of somebody who is not here, or who never was: nothing. Of whom it may know no
  more it hears that they have gone.
- Somebody looks as they do on all nodes together. A node says so when it is asked, and that counts until `LOOKS` looks
  later: so nothing has to be taken back, and who was on a node that has died is gone.
- Going waits for a grace, as in rooms (`rooms/comings.py`). Who becomes invisible goes as everybody does.

Sessions are opaque keys here. Nothing is kept of anybody whom nobody has asked for.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from math import inf
from typing import Final

from msgspec import Struct, field

from actors import Address
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.events import Presence
from server.protocol.limits import PRESENCES
from server.protocol.showing import Shown, merged, presence_of

LOOKS: Final = 3
"""What another node has said counts while up to two of its answers in a row are lost."""


class Check(Struct, frozen=True):
    """Of whom `user` may know, among these people, is to be asked anew."""

    session: Address
    user: str
    people: tuple[str, ...]


class _Person(Struct):
    """Somebody who is asked for.

    Attributes
    ----------
    shown
        How they look to others; None: as somebody who is not here.
    seen_at
        When they were here last.
    looks
        How often they were looked at.
    elsewhere
        By node: how they look there, and at which look it was said.
    """

    watchers: dict[Address, None] = field(default_factory=dict)
    shown: Shown | None = None
    seen_at: float = -inf
    looks: int = 0
    elsewhere: dict[str, tuple[Shown, int]] = field(default_factory=dict)


class _Watcher(Struct):
    """A session that has asked. `may`: of whom it may know; `told`: as whom it believes those to look who are here."""

    user: str
    checked_at: float = -inf
    wanted: dict[str, None] = field(default_factory=dict)
    may: frozenset[str] = frozenset()
    told: dict[str, Shown] = field(default_factory=dict)


class Watched:
    """All of a node."""

    __slots__ = ("_people", "_watchers")

    def __init__(self) -> None:
        self._people: OrderedDict[str, _Person] = OrderedDict()  # who is to be looked at next comes first
        self._watchers: OrderedDict[Address, _Watcher] = OrderedDict()  # whose check is the oldest comes first

    def __bool__(self) -> bool:
        return bool(self._watchers)

    def sessions(self) -> list[Address]:
        return list(self._watchers)

    # --- who asks ---------------------------------------------------------------------------------------------

    def watch(self, session: Address, user: str, people: Iterable[str]) -> list[Presence]:
        """The session of `user` asks for these, too: what it has been told of them before, for who has not heard it.

        Raises
        ------
        Refusal
            `limit_reached`: these would be too many.
        """
        asked = list(dict.fromkeys(people))
        watcher = self._watchers.get(session) or _Watcher(user)
        if len(watcher.wanted.keys() | asked) > PRESENCES:
            raise Refusal(ErrorCode.LIMIT_REACHED, f"a session asks for the presence of {PRESENCES} people at the most")
        self._watchers[session] = watcher
        for name in asked:
            watcher.wanted[name] = None
            if name not in self._people:
                self._people[name] = _Person()
                self._people.move_to_end(name, last=False)
            self._people[name].watchers[session] = None
        return [presence_of(name, watcher.told[name]) for name in asked if name in watcher.told]

    def unwatch(self, session: Address, people: Iterable[str]) -> None:
        """It asks for these no more."""
        watcher = self._watchers.get(session)
        if watcher is None:
            return
        for name in list(people):
            if name not in watcher.wanted:
                continue
            del watcher.wanted[name]
            watcher.told.pop(name, None)
            person = self._people[name]
            del person.watchers[session]
            if not person.watchers:
                del self._people[name]
        if not watcher.wanted:
            del self._watchers[session]

    def ended(self, session: Address) -> None:
        """It is over, and all that it asked for with it."""
        if (watcher := self._watchers.get(session)) is not None:
            self.unwatch(session, watcher.wanted)

    # --- of whom it may know ----------------------------------------------------------------------------------

    def check(self, session: Address, now: float) -> Check:
        """What is to be asked now of a session that has asked."""
        watcher = self._watchers[session]
        watcher.checked_at = now
        self._watchers.move_to_end(session)
        return Check(session, watcher.user, tuple(watcher.wanted))

    def due(self, now: float, every: float, most: int) -> list[Check]:
        """Those whose last check is `every` seconds old, `most` at a time."""
        oldest = [session for session, one in islice(self._watchers.items(), most) if now - one.checked_at >= every]
        return [self.check(session, now) for session in oldest]

    def may_know(self, session: Address, people: Collection[str]) -> list[Presence]:
        """The session may know of these, and of nobody else; what it is to be told then."""
        watcher = self._watchers.get(session)
        if watcher is None:
            return []
        watcher.may = frozenset(people)
        return [news for name in watcher.wanted if (news := self._news(watcher, name)) is not None]

    # --- how they look ----------------------------------------------------------------------------------------

    def next(self, most: int) -> list[str]:
        """Whose turn it is to be looked at."""
        names = list(islice(self._people, most))
        for name in names:
            self._people.move_to_end(name)
        return names

    def answered(self, node: str, name: str, shown: Shown) -> None:
        """Another node says how somebody looks there."""
        if (person := self._people.get(name)) is not None:
            person.elsewhere[node] = shown, person.looks

    def looked(self, name: str, here: Shown | None, now: float, grace: float) -> bool:
        """Somebody looks so on this node. Whether that changes how they look to others."""
        person = self._people[name]
        person.looks += 1
        person.elsewhere = {node: said for node, said in person.elsewhere.items() if person.looks - said[1] <= LOOKS}
        places = [shown for shown, _ in person.elsewhere.values()]
        if here is not None:
            places.append(here)
        before, seen = person.shown, merged(places) if places else None
        if seen is not None and seen.status != "offline":
            person.shown, person.seen_at = seen, now
        elif now - person.seen_at >= grace:
            person.shown = None
        return person.shown != before

    def news(self, name: str) -> Iterator[tuple[Address, Presence]]:
        """Who is to be told how somebody looks."""
        for session in self._people[name].watchers:
            if (news := self._news(self._watchers[session], name)) is not None:
                yield session, news

    def _news(self, watcher: _Watcher, name: str) -> Presence | None:
        shown = self._people[name].shown if name in watcher.may else None
        if shown == watcher.told.get(name):
            return None
        if shown is None:
            del watcher.told[name]
        else:
            watcher.told[name] = shown
        return presence_of(name, shown)
