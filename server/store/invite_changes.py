"""What can become of the invites of a room, and of requests to come in: drafts, as the room tells them to the writer.

None of it is in the log.
"""

from __future__ import annotations

from msgspec import Struct


class InviteMade(Struct, frozen=True):
    """Whoever has the code of this invite may come: so many (`uses`), and for so long (`seconds`), if these say so.

    Lands where it was made before, too. Denied with `limit_reached` where the room has as many as it may.
    """

    invite: str
    by: str
    uses: int | None
    seconds: int | None


class InviteRevoked(Struct, frozen=True):
    """Nobody comes by it any more. Lands where there is none, too."""

    invite: str
    by: str


class JoinAsked(Struct, frozen=True):
    """`user` asks to come in, by an invite, of which a use is spent. Lands where they have asked before, and where they
    are a member.

    Denied with `no_such_invite`, or with `limit_reached` where the room, or the user, has as many requests as it may.
    """

    user: str
    invite: str


class JoinRefused(Struct, frozen=True):
    """`user` waits no longer. Lands where they have not asked, too."""

    user: str
    by: str


InviteChange = InviteMade | InviteRevoked
JoinRequestChange = JoinAsked | JoinRefused
