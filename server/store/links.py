"""What becomes of invites, as a plan has them: pure.

An invite that was made before is not made again, and one that is no good is not revoked: neither is an act of
moderation. Where nobody has looked (`KnownLinks` is empty), a plan takes it that what is made is new and that what is
revoked or spent is good, and the statements that carry it out say no where that is wrong.
"""

from __future__ import annotations

from msgspec import Struct, field

from server.store.invite_changes import InviteChange, InviteMade, InviteRevoked
from server.store.quotas import UNLIMITED

Link = tuple[str, str]
"""Room, invite."""


class KnownLinks(Struct):
    """What somebody has looked up.

    Attributes
    ----------
    made
        Those that are there, good or not.
    uses_left
        How many may come by each yet; 0: it is no good.
    """

    made: set[Link] = field(default_factory=set)
    uses_left: dict[Link, int] = field(default_factory=dict)


class Links(Struct):
    """What is to be written of invites.

    Attributes
    ----------
    changes
        Those that are made or revoked, with their rooms, in their order.
    spent
        How many people come by each.
    """

    changes: list[tuple[str, InviteChange]] = field(default_factory=list)
    spent: dict[Link, int] = field(default_factory=dict)
    _uses: dict[Link, int] = field(default_factory=dict)  # of those that are made, or (0) revoked

    def __bool__(self) -> bool:
        return bool(self.changes or self.spent)

    def becomes(self, room: str, change: InviteChange, known: KnownLinks) -> bool:
        """Whether that was not so before."""
        match change:
            case InviteMade():
                return self._makes(room, change, known)
            case InviteRevoked():
                return self._revokes(room, change, known)

    def spends(self, link: Link, known: KnownLinks) -> bool:
        """One use, if there is any left."""
        if self._left(link, known) <= 0:
            return False
        self.spent[link] = self.spent.get(link, 0) + 1
        return True

    def learned(self, known: KnownLinks) -> None:
        """The plan was carried out."""
        for room, change in self.changes:
            if isinstance(change, InviteMade):
                known.made.add((room, change.invite))
        for link in {*self._uses, *self.spent}:
            known.uses_left[link] = self._left(link, known)

    def _makes(self, room: str, made: InviteMade, known: KnownLinks) -> bool:
        """Whether that is a new one."""
        link = room, made.invite
        if link in self._uses or link in known.made:
            return False
        self._uses[link] = UNLIMITED if made.uses is None else made.uses
        self.changes.append((room, made))
        return True

    def _revokes(self, room: str, revoked: InviteRevoked, known: KnownLinks) -> bool:
        """Whether it was good until now."""
        link = room, revoked.invite
        if self._left(link, known) <= 0:
            return False
        self._uses[link] = self.spent.get(link, 0)
        self.changes.append((room, revoked))
        return True

    def _left(self, link: Link, known: KnownLinks) -> int:
        uses = self._uses.get(link)
        return (known.uses_left.get(link, UNLIMITED) if uses is None else uses) - self.spent.get(link, 0)
