"""What follows from what the writer says became of a room's appends: pure.

The answers to posts stand before the deliveries of the same commit. What landed together is delivered together, cut
only where somebody leaves: the sessions of who left get everything before that entry, then `Detached`, and nothing
after it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from server.protocol.entries import Entry, Joined, Left, MessageEntry
from server.protocol.events import Attention, ThreadMark
from server.protocol.replies import Ok
from server.protocol.room_commands import Join
from server.rooms.effects import Effect, TellUser
from server.rooms.entries import entry_of, portions, stamp
from server.rooms.governing import govern
from server.rooms.in_flight import Pending
from server.rooms.inviting import look_up_invites
from server.rooms.messages import Added, Request
from server.rooms.state import RoomState, answered, answered_in_turn, welcomed
from server.store.changes import MessageGone, NewText, Pinning, Reacting
from server.store.invite_changes import InviteMade, InviteRevoked, JoinAsked, JoinRefused
from server.store.log_messages import Denied, Known, Landed, MemberGone, NewMember, NewMessage
from server.store.marks import member_record
from server.store.mentioning import People
from server.store.room_changes import LevelSet, RoomDeleted
from server.store.tally import tally_of
from server.store.thread_messages import ThreadSeen

Effects = list[Effect]


class Landing:
    """The outcomes of one commit, taken one by one in their order; then `effects` says what follows.

    `deferred` are requests that waited for a membership to be clear; they can be looked at now. `is_last`: the room is
    no more.
    """

    __slots__ = (
        "_after", "_answers", "_arrivals", "_deliveries", "_entries", "_now", "_said", "_state", "deferred", "is_last",
    )  # fmt: skip

    def __init__(self, state: RoomState, now: float) -> None:
        self._state = state
        self._now = now
        self._answers: Effects = []
        self._deliveries: Effects = []
        self._arrivals: list[Request] = []
        self._after: Effects = []
        self._entries: list[Entry] = []
        self._said: list[tuple[int, str, People]] = []  # behind the first of those who joined
        self.deferred: list[Request] = []
        self.is_last = False

    def effects(self) -> Effects:
        self._deliver()
        return [*self._answers, *self._deliveries, *self._welcomes(), *self._after]

    def take(self, outcome: Landed | Known | Denied) -> None:
        settled = self._state.in_flight.settle(outcome.ref)
        if settled is None:
            return
        pending, deferred = settled
        self.deferred += deferred
        match outcome:
            case Landed():
                self._landed(pending, outcome)
            case Known():
                self._posted(pending.requests, outcome.seq, outcome.at, first_is_new=False)
            case Denied():
                self._answers += [self._state.refuse(r, outcome.refusal, self._now) for r in pending.requests]

    def found(self, entry: Entry) -> None:
        """An entry that is in the log, although nobody was told that it landed."""
        match entry:
            case MessageEntry():
                self._state.receipts.wrote(entry.from_.user, entry.seq)
                self._enter(entry)
            case Joined():
                self._enter(entry)
                self._after.append(TellUser(entry.user.user, Added(entry.room, entry.seq), is_news=True))
            case Left():
                self._leave(entry.user, entry)
            case _:
                self._enter(entry)

    def _landed(self, pending: Pending, landed: Landed) -> None:
        room, seq, draft = self._state.room, landed.seq, pending.draft
        entry = None if seq is None else entry_of(room, draft, pending.user, seq, landed.at, landed.mentions)
        match draft:
            case NewMessage():
                assert entry is not None, "a message always has its place in the log"
                assert seq is not None
                self._state.receipts.wrote(draft.author, seq)
                self._enter(entry)
                if self._arrivals:
                    self._said.append((seq, draft.author, landed.mentions))
                self._posted(pending.requests, seq, landed.at, first_is_new=True)
            case NewMember():
                self._came(pending, draft, entry)
            case MemberGone():
                if draft.banned:
                    govern(self._state, draft, landed.at, self._now)
                self._went(pending, draft, entry)
            case RoomDeleted():
                self._ended(pending, draft, landed.at)
            case NewText() | MessageGone() | Reacting() | Pinning() | InviteRevoked() | JoinRefused():
                self._is_done(pending, entry)
            case JoinAsked():
                self._state.ongoing.asked = self._state.ongoing.asked or landed.is_new
                self._answers += [answered(r, Ok(id=r.command.id, asked=True)) for r in pending.requests]
            case ThreadSeen(by=user, target=thread, seq=read):
                self._is_done(pending, entry)
                if landed.is_new:
                    self._after += self._state.pass_on_to(
                        (user,), [ThreadMark(room=room, thread=thread, read_seq=read)]
                    )
            case LevelSet(user=user, level=level):
                self._is_done(pending, entry)
                if landed.is_new:
                    self._after += self._state.pass_on_to((user,), [Attention(room=room, level=level)])
            case InviteMade(invite=invite):
                self._answers += [look_up_invites(self._state, r, invite, self._now) for r in pending.requests]
            case _:
                govern(self._state, draft, landed.at, self._now)
                self._is_done(pending, entry)

    def _ended(self, pending: Pending, deleted: RoomDeleted, at: int) -> None:
        self._answer(pending, None)
        for user in list(self._state.members):
            left = Left(room=self._state.room, user=user, at=stamp(at), by=deleted.by, reason=deleted.reason)
            self._leave(user, left)
        self.is_last = True

    def _is_done(self, pending: Pending, entry: Entry | None) -> None:
        """Without an entry nothing has changed, or nothing that is in the log."""
        if entry is not None:
            self._enter(entry)
        self._answer(pending, entry)

    def _answer(self, pending: Pending, entry: Entry | None) -> None:
        seq = None if entry is None else entry.seq
        self._answers += [answered(request, Ok(id=request.command.id, seq=seq)) for request in pending.requests]

    def _posted(self, requests: Iterable[Request], seq: int, at: int, *, first_is_new: bool) -> None:
        duplicate = not first_is_new
        for request in requests:
            self._state.post_settled(request)
            reply = Ok(id=request.command.id, room=self._state.room, seq=seq, at=stamp(at), duplicate=duplicate)
            self._answers.append(answered(request, reply))
            duplicate = True

    def _came(self, pending: Pending, draft: NewMember, entry: Entry | None) -> None:
        state = self._state
        if entry is not None:
            self._enter(entry)
        state.members[draft.user] = member_record(draft.role, state.last_seq, state.last_seq)
        state.ongoing.stats_due = True
        first = state.last_seq + 1 if entry is None else state.last_seq
        self._after.append(TellUser(draft.user, Added(state.room, first), is_news=True))
        for request in pending.requests:
            if isinstance(request.command, Join):
                self._arrivals.append(request)
            else:
                seq = None if entry is None else entry.seq
                self._answers.append(answered(request, Ok(id=request.command.id, seq=seq)))

    def _welcomes(self) -> Effects:
        """Those who joined are attached behind everything that landed with them: their `last_seq` includes it, and
        what was said behind their coming is unread."""
        effects: Effects = []
        said = tally_of(self._state.room, self._state.last_seq, reversed(self._said)) if self._said else None
        for request in self._arrivals:
            user = request.user.user
            info = self._state.info(user)
            if said is not None:
                unread, mentions = said.unread(user, info.read_seq), said.mentions(user, info.read_seq)
                info = structs.replace(info, unread=unread, mentions=mentions)
            reply = Ok(id=request.command.id, room=self._state.room, info=info)
            effects += welcomed(self._state, request, reply)
        return effects

    def _went(self, pending: Pending, draft: MemberGone, entry: Entry | None) -> None:
        if draft.by is not None:
            self._answer(pending, entry)
            if entry is None and draft.user not in self._state.members:
                return
        left = entry if isinstance(entry, Left) else Left(room=self._state.room, user=draft.user, by=draft.by)
        self._leave(draft.user, left)
        if self._state.audience.relays:
            self._deliver()  # a relay detaches by the entry, and the answer comes behind that
        if draft.by is not None:
            return
        for request in pending.requests:
            reply = Ok(id=request.command.id, room=self._state.room)
            self._deliveries.append(answered_in_turn(self._state, request, reply))

    def _leave(self, user: str, left: Left) -> None:
        self._deliver()
        self._state.members.pop(user, None)
        self._state.ongoing.stats_due = True
        self._deliveries += self._state.remove(user, left)
        if left.seq is not None:
            self._enter(left)

    def _enter(self, entry: Entry) -> None:
        """The entry is the next one of the log; anything else would be a writer that gave a `seq` twice or none."""
        assert entry.seq == self._state.last_seq + 1, "the log has no gap"
        self._state.last_seq = entry.seq
        self._entries.append(entry)

    def _deliver(self) -> None:
        """Everybody who listens now gets what has gathered."""
        if not self._state.audience.is_nobody:
            for portion in portions(self._entries):
                self._deliveries += self._state.deliver(portion)
        self._entries = []
