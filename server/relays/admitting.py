"""The part of a relay that looks to who may be attached: asked of the owner, for many at once.

Pure. The rules:
- Nothing of a room is told to who is no member: who is to be admitted hears nothing before the owner has said yes.
- Who may come counts as being there, at the owner, unless it was told since that the user is not.
- A session that joins is attached by the answer to its command, and then not again.
"""

from __future__ import annotations

from collections.abc import Iterator

from actors import Address
from server.protocol.errors import Refusal, no_such_room, unavailable
from server.relays.admissions import Admissions
from server.relays.effects import Effects
from server.relays.forwarding import Forwarding
from server.relays.messages import Admission, Admitted
from server.rooms.effects import Reply, Watch
from server.rooms.messages import Attach, Attached, NotAttached


class Admitting(Forwarding):
    """See the top of this file."""

    __slots__ = ("_admissions_open", "_alone_since")

    def __init__(self, room: str, itself: Address, incarnation: int, refs: Iterator[int]) -> None:
        super().__init__(room, itself, incarnation, refs)
        self._admissions_open: Admissions | None = None  # there is one only while somebody is to be admitted
        self._alone_since: float | None = None

    def attach(self, attach: Attach, now: float) -> None:
        """The owner is asked when everything that was told at once is handled."""
        if self._gone:
            return
        self._alone_since = None
        if self._admissions_open is None:
            self._admissions_open = Admissions()
        self._admissions_open.wait(attach, now)

    def admitted(self, told: Admitted, now: float) -> Effects:
        is_awaited = self._asks_with(told.ref) or self._sent(told.ref) is not None
        return [*self._reach(told.last_seq, now), *self._take(told, now)] if is_awaited else []

    def _asks_with(self, ref: int) -> bool:
        """Whether this is the question whom it admits."""
        return self._admissions_open is not None and self._admissions_open.ref == ref

    def _let_in(self, told: Admitted) -> Effects:
        """Attach whoever it is for, unless it is attached already and asks to join."""
        if self._asks_with(told.ref):
            return self._let_all_in(told)
        request = self._sent(told.ref)
        if request is None or request.session is None:
            return []
        if self.audience.user_of(request.session) is not None:
            return []
        [admission] = told.admissions
        assert admission is not None, "who joins is a member"
        return self._attach(Attach(request.ref, request.session, request.user.user), told.members, admission)

    def _let_all_in(self, told: Admitted) -> Effects:
        """Who may come counts as being there, at the owner; unless that was told since that the user is not."""
        admissions, audience = self._admissions_open, self.audience
        assert admissions is not None
        effects: Effects = []
        for attach, admission in zip(admissions.answered(), told.admissions, strict=True):
            if admission is None:
                effects.append(self._not_attached(attach, no_such_room()))
                continue
            effects += self._attach(attach, told.members, admission)
            if not admissions.has_parted(attach.user):
                audience.is_known(attach.user)
        if not admissions:
            self._admissions_open = None
        return effects

    def _attach(self, attach: Attach, members: int, admission: Admission) -> Effects:
        head = self._stream.head
        assert head is not None
        session = attach.session
        number = self.number(session, attach.user, attach.shown)
        if attach.passive is not None:
            self.audience.look_away(session, attach.passive, head)
        attached = Attached(
            attach.ref, self._room, number, members, head, admission.read_seq, admission.peer, admission.shown
        )
        self._alone_since = None
        return [Watch(session), Reply(session, attached)]

    def _not_attached(self, attach: Attach, refusal: Refusal) -> Reply:
        return Reply(attach.session, NotAttached(attach.ref, self._room, refusal))

    def _give_up(self, now: float) -> Effects:
        """Who has waited too long for an owner that could be asked. One that was asked has heard of no end to that."""
        admissions = self._admissions_open
        if admissions is None:
            return []
        late = admissions.expire(now) if self._owner is None or admissions.is_held else []
        admissions.release()
        if not admissions:
            self._admissions_open = None
        return [self._not_attached(attach, unavailable()) for attach in late]
