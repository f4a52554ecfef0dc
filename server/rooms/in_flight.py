"""Changes of a room that are on their way to the disk: pure.

Nothing here has happened yet. Whoever repeats a post that is on its way joins the first one's wait; whoever's
membership is about to change waits, with everything it asks for, until that change is decided: what a person may do
must not be judged by a state that is about to end. The same holds for what the room itself is about to become.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import User
from server.rooms.messages import Request
from server.store.changes import MessageGone, NewText, Pinning, Reacting
from server.store.invite_changes import InviteMade, InviteRevoked
from server.store.log_messages import Draft, MemberGone, NewMember, NewMessage
from server.store.room_changes import Muted, Renamed, RightsSet, RoleGiven, RoomDeleted
from server.store.thread_messages import ThreadSeen

THE_ROOM: Final = ""
"""What is changing where that is no membership: nobody's id."""


def nonce_conflict() -> Refusal:
    return Refusal(ErrorCode.CONFLICT, "this nonce was used for something else")


class Pending(Struct):
    """One append.

    Attributes
    ----------
    user
        Whom the entry will name: the author, or who comes or goes.
    requests
        Who waits for the outcome: the one that caused it, then those that repeated it.
    since
        When it was told to the writer, in seconds of the room's clock.
    """

    ref: int
    draft: Draft
    user: User
    requests: list[Request]
    since: float


class InFlight:
    """The appends on their way, in the order in which they were told to the writer.

    `arriving`: how many of them are somebody who comes in.
    """

    __slots__ = ("_changing", "_nonces", "_pending", "arriving")

    def __init__(self) -> None:
        self.arriving = 0
        self._pending: dict[int, Pending] = {}
        self._nonces: dict[tuple[str, str], Pending] = {}
        self._changing: dict[str, list[Request]] = {}

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def oldest(self) -> Pending | None:
        return next(iter(self._pending.values()), None)

    def add(self, pending: Pending) -> None:
        self._pending[pending.ref] = pending
        draft = pending.draft
        if isinstance(draft, NewMessage):
            self._nonces[draft.author, draft.nonce] = pending
            return
        self.arriving += isinstance(draft, NewMember)
        for subject in _subjects(draft):
            self._changing[subject] = []

    def joins_first(self, draft: NewMessage, request: Request) -> bool:
        """Whether the same post is under way already; then `request` waits for its outcome.

        Raises a `Refusal` if the nonce is on its way with other content.
        """
        first = self._nonces.get((draft.author, draft.nonce))
        if first is None:
            return False
        if replace(draft, mentioned=None, ttl=None) != replace(first.draft, mentioned=None, ttl=None):
            raise nonce_conflict()
        first.requests.append(request)
        return True

    def waits_for_change(self, user: str, request: Request) -> bool:
        """Whether the membership of `user`, or `THE_ROOM`, is about to change; then `request` is kept until that is
        decided."""
        if not self._changing:
            return False
        waiting = self._changing.get(user)
        if waiting is None:
            return False
        waiting.append(request)
        return True

    def is_changing(self, user: str) -> bool:
        return user in self._changing

    def leaving(self) -> frozenset[str]:
        """Who will be no member any more by the time that what comes next is in the log."""
        return frozenset(one.draft.user for one in self._pending.values() if isinstance(one.draft, MemberGone))

    def settle(self, ref: int) -> tuple[Pending, list[Request]] | None:
        """An append is decided: what it was, and the requests that waited for a membership to be clear."""
        pending = self._pending.pop(ref, None)
        if pending is None:
            return None
        draft = pending.draft
        if isinstance(draft, NewMessage):
            del self._nonces[draft.author, draft.nonce]
            return pending, []
        self.arriving -= isinstance(draft, NewMember)
        return pending, [request for subject in _subjects(draft) for request in self._changing.pop(subject)]

    def abandon(self) -> tuple[list[Pending], list[Request]]:
        """Nothing that is on its way will be decided: all of it, and all that waited for a change."""
        lost = list(self._pending.values())
        waiting = [request for requests in self._changing.values() for request in requests]
        self._pending, self._nonces, self._changing, self.arriving = {}, {}, {}, 0
        return lost, waiting


def _subjects(draft: Draft) -> tuple[str, ...]:
    """What is about to change: somebody's membership and rights, or the room itself."""
    match draft:
        case (
            NewMessage()
            | NewText()
            | MessageGone()
            | Reacting()
            | Pinning()
            | ThreadSeen()
            | InviteMade()
            | InviteRevoked()
        ):
            return ()
        case RoleGiven(user=str(user)) | Muted(user=str(user)):
            return THE_ROOM, user
        case NewMember(user=user, role="owner"):
            return THE_ROOM, user
        case Renamed() | RightsSet() | Muted() | RoomDeleted():
            return (THE_ROOM,)
        case _:
            return (draft.user,)
