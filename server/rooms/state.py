"""What a room knows while it is open, and the few changes that several decisions share: pure.

Nothing in here is ahead of the disk: a member is a member, and an entry has its `seq`, once the writer said so. What
is on its way is in `in_flight`. Sessions and the room itself are opaque keys.

There may be a hundred thousand rooms in which nothing happens: what only a busy one needs is made when it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from actors import Address
from server.protocol.entries import Entry, Left
from server.protocol.errors import ErrorCode, Refusal, unavailable
from server.protocol.message_commands import Post
from server.protocol.objects import Room, RoomInfo, RoomRights, User
from server.protocol.replies import Ok, error_from
from server.protocol.showing import PLAIN, Shown
from server.relays.messages import Admission, Admitted, Answered, Delivered, PassedOn, PassingEvent, Removed
from server.rooms.attachments import Attachments
from server.rooms.effects import Effect, FanOut, InTurn, Reply, Watch, Write
from server.rooms.holds import Holds
from server.rooms.in_flight import InFlight, Pending
from server.rooms.messages import Answer, Attached, Delivery, Passing, Request, Terms
from server.rooms.ongoing import Ongoing
from server.rooms.particulars import begun
from server.rooms.questions import Purpose, Questions
from server.rooms.receipts import Receipts
from server.rooms.remote import RemoteAsker
from server.rooms.rights import stranger
from server.rooms.sizes import Sizes
from server.rooms.typists import Typists
from server.rooms.unfinished import Unfinished
from server.store.log_messages import Append, Draft
from server.store.marks import seen_by
from server.store.questions import Asker
from server.store.room_messages import MemberRecord, RoomRecord


class RoomState(Attachments):
    """An open room.

    Parameters
    ----------
    record
        What the store had when the room was opened.
    itself
        The room's own address, where outcomes and answers come back.
    incarnation
        Which life of the room this is.
    refs
        Gives references that were not given before.
    sizes
        How large it may be, and how large until it is told differently.
    unfinished
        What former lives have left of marks.
    """

    __slots__ = (
        "_ongoing", "_receipts", "_refs", "_sizes", "_unfinished", "base", "itself", "last_seq", "lineage", "record",
    )  # fmt: skip

    def __init__(
        self,
        record: RoomRecord,
        lineage: int,
        *,
        itself: Address,
        incarnation: int,
        refs: Iterator[int],
        sizes: Sizes,
        now: float,
        unfinished: Unfinished | None = None,
    ) -> None:
        super().__init__(incarnation)
        self.record = begun(record, now)
        self.itself = itself
        self.lineage = lineage
        self.base = record.last_seq
        self.last_seq = record.last_seq
        self._ongoing: Ongoing | None = None
        self._receipts: Receipts | None = None
        self._refs = refs
        self._sizes = sizes
        self._unfinished = unfinished
        if unfinished is not None and unfinished.of(record.room):
            self.receipts.recall(self.members)

    @property
    def room(self) -> str:
        return self.record.room

    @property
    def members(self) -> dict[str, MemberRecord]:
        return self.record.members

    # --- what only a busy room needs --------------------------------------------------------------------------

    @property
    def ongoing(self) -> Ongoing:
        if self._ongoing is None:
            self._ongoing = Ongoing()
        return self._ongoing

    @property
    def in_flight(self) -> InFlight:
        return self.ongoing.in_flight

    @property
    def questions(self) -> Questions:
        return self.ongoing.questions

    @property
    def holds(self) -> Holds[Asker]:
        return self.ongoing.holds

    @property
    def typists(self) -> Typists:
        return self.ongoing.typists

    @property
    def receipts(self) -> Receipts:
        """Kept once they are made, for the authors they remember."""
        if self._receipts is None:
            self._receipts = Receipts(self.room, self.last_seq, self._unfinished)
        return self._receipts

    @property
    def has_marks(self) -> bool:
        """Whether there are marks to be told or written."""
        return self._receipts is not None and self._receipts.pending

    @property
    def stats_due(self) -> bool:
        """Whether it is to be told how many members there are."""
        return self._ongoing is not None and self._ongoing.stats_due

    @property
    def has_been_asked(self) -> bool:
        """Whether it is to be told that somebody asks to come in."""
        return self._ongoing is not None and self._ongoing.asked

    def stats_told(self) -> None:
        if self._ongoing is not None:
            self._ongoing.stats_due = False

    @property
    def is_busy(self) -> bool:
        return self._ongoing is not None or self.has_marks or self.audience.is_pulsing

    @property
    def oldest_append(self) -> Pending | None:
        return None if self._ongoing is None else self._ongoing.in_flight.oldest

    def overdue(self, now: float) -> list[Purpose]:
        """What was asked of the store, and will not be answered any more."""
        return [] if self._ongoing is None else self._ongoing.questions.overdue(now)

    def look_for_the_gone(self, now: float) -> None:
        """Where that was in doubt: in a large room nobody is told who is here."""
        if self._ongoing is not None and self._ongoing.is_sure_again(now) and not self.large:
            self.audience.move_again((), [user for user in self.members if not self.audience.is_here(user)])

    def sweep(self, now: float) -> None:
        """Let go of what is over."""
        if self._ongoing is not None:
            self._ongoing.sweep(now)
            if not self._ongoing:
                self._ongoing = None

    # --- what is so -------------------------------------------------------------------------------------------

    @property
    def large(self) -> bool:
        """Too large for what is told one by one."""
        return len(self.members) > self._sizes.small

    @property
    def is_full(self) -> bool:
        """Whether nobody more may come in; who is on the way counts."""
        return len(self.members) + self.in_flight.arriving >= self._sizes.most

    @property
    def logs_membership(self) -> bool:
        """Large channels do not log who comes and goes: there membership is a table."""
        return not (self.record.kind == "channel" and self.large)

    def is_banned(self, user: str) -> bool:
        particulars = self.record.particulars
        return particulars is not None and user in particulars.banned

    @property
    def rights(self) -> RoomRights | None:
        """What the room says of who may do what; None: nothing."""
        particulars = self.record.particulars
        return None if particulars is None else particulars.rights

    @property
    def icon(self) -> str | None:
        particulars = self.record.particulars
        return None if particulars is None else particulars.icon

    def stranger(self, user: str) -> Refusal:
        """What this one hears, who is no member."""
        return stranger(self.record.kind, is_banned=self.is_banned(user))

    @property
    def is_parted(self) -> bool:
        """Whether one of two has blocked the other: neither sees anything of the other that is in no log."""
        return (particulars := self.record.particulars) is not None and bool(particulars.blocked_by)

    def shown(self, user: str) -> Shown | None:
        """How somebody looks to the others here; None: offline, or as good as that."""
        return None if self.is_parted else self.audience.shown(user)

    def owners_beside(self, user: str) -> int:
        """How many owners there are beside this one, and will be when what is on its way is decided."""
        return sum(
            member.role == "owner" and one != user and not self.in_flight.is_changing(one)
            for one, member in self.members.items()
        )

    @property
    def is_deserted(self) -> bool:
        """Whether nobody is there, or nobody will be. Whoever comes then owns the room."""
        return all(self.in_flight.is_changing(user) for user in self.members)

    @property
    def room_info(self) -> RoomInfo:
        """The room as everybody sees it."""
        record = self.record
        return RoomInfo(
            room=record.room, kind=record.kind, name=record.name, topic=record.topic, rights=self.rights, icon=self.icon
        )  # fmt: skip

    def adopt(self, record: RoomRecord, now: float) -> None:
        """The room is as the store has it."""
        self.record = begun(record, now, self.record.particulars)

    def admits(self, request: Request, now: float) -> bool:
        """Whether this is no post, or none that must not overtake a refused one."""
        command = request.command
        if not isinstance(command, Post) or request.attachment is None:
            return True
        return self.holds.admits(request.reply_to, command.nonce, now)

    def info(self, user: str) -> Room:
        """The room as somebody sees it who has just come in."""
        record, member = self.record, self.members[user]
        return Room(
            room=self.room, log=record.log, kind=record.kind, name=record.name, topic=record.topic,
            members=len(self.members), last_seq=self.last_seq, read_seq=seen_by(member), role=member.role,
            unread=0, mentions=0, quiet_until=None if (kept := record.particulars) is None else kept.quiet_told,
            rights=self.rights, icon=self.icon,
        )  # fmt: skip

    # --- shared changes ---------------------------------------------------------------------------------------

    def next_ref(self) -> int:
        return next(self._refs)

    def append(self, draft: Draft, user: User, request: Request, now: float) -> Effect:
        """Send a change on its way. `user`: whom its entry will name."""
        ref = self.next_ref()
        self.in_flight.add(Pending(ref, draft, user, [request], now))
        return Write(Append(self.room, self.lineage, self.base, ref, draft, self.itself))

    def attach(
        self, session: Address, user: str, ref: int, passive: Terms | None = None, shown: Shown | None = None
    ) -> list[Effect]:
        number = self.number(session, user, shown)
        if passive is not None:
            self.audience.look_away(session, passive, self.last_seq)
        read = seen_by(self.members[user])
        attached = Attached(ref, self.room, number, len(self.members), self.last_seq, read, *self._peer_of(user))
        return [Watch(session), Reply(session, attached)]

    def admitted(self, ref: int, users: Iterable[str]) -> Admitted:
        """Which of these users may listen on another node, and what they are told of the room."""
        return Admitted(ref, len(self.members), self.last_seq, tuple(self._admission(user) for user in users))

    def _admission(self, user: str) -> Admission | None:
        member = self.members.get(user)
        return None if member is None else Admission(member.role, seen_by(member), *self._peer_of(user))

    def _peer_of(self, user: str) -> tuple[str | None, Shown]:
        """The other person of a dm, if anybody listens for them, and how they look."""
        if self.record.kind != "dm" or self.is_parted:
            return None, PLAIN
        peer = next((other for other in self.members if other != user), None)
        shown = None if peer is None else self.audience.shown(peer)
        return (None, PLAIN) if shown is None else (peer, shown)

    def detach(self, session: Address) -> int | None:
        number = super().detach(session)
        if number is not None and self._ongoing is not None:
            self._ongoing.holds.forget(session)
        return number

    def remove(self, user: str, left: Left) -> list[Effect]:
        """The user is no member any more, and its sessions learn so in their turn.

        Those on other nodes learn it from the entry; where there is none, their relays are told, whoever is there: of
        some they have not said so yet.
        """
        effects: list[Effect] = [*self.detach_all_of(user, left)]
        elsewhere = self.audience.elsewhere
        if elsewhere is not None:
            self.audience.forget_elsewhere(user)
        self.audience.is_gone_for_good(user)
        if elsewhere is not None and left.seq is None:
            effects += [InTurn(Removed(elsewhere.epoch, user, left), relay) for relay in elsewhere.relays]
        return effects

    # --- telling ----------------------------------------------------------------------------------------------

    def deliver(self, entries: Sequence[Entry]) -> list[Effect]:
        """To everybody attached here who looks, and once to every relay."""
        audience = self.audience
        effects: list[Effect] = []
        if to := audience.everyone:
            effects.append(FanOut(Delivery(self.room, entries), to))
        if audience.passive is not None:
            self.stir(entries)
        if (elsewhere := audience.elsewhere) is not None:
            effects.append(FanOut(Delivered(elsewhere.epoch, tuple(entries)), elsewhere.relays))
        return effects

    def pass_on(self, events: Sequence[PassingEvent], but: str | None = None) -> list[Effect]:
        """To everybody who listens, but this user; nothing between two who are parted."""
        if self.is_parted:
            return []
        audience = self.audience
        effects: list[Effect] = []
        if to := audience.everyone if but is None else audience.without(but):
            effects.append(FanOut(Passing(self.room, events), to))
        if (elsewhere := audience.elsewhere) is not None:
            effects.append(FanOut(PassedOn(elsewhere.epoch, tuple(events), but=but), elsewhere.relays))
        return effects

    def pass_on_to(self, users: Iterable[str], events: Sequence[PassingEvent]) -> list[Effect]:
        """To these users, wherever they are; to nodes where none of them is, nothing."""
        effects: list[Effect] = []
        if to := self.audience.sessions_of(users):
            effects.append(FanOut(Passing(self.room, events), to))
        if (elsewhere := self.audience.elsewhere) is not None:
            for relay, here in elsewhere.who_has(users):
                effects.append(FanOut(PassedOn(elsewhere.epoch, tuple(events), to=here), (relay,)))
        return effects

    # --- answers ----------------------------------------------------------------------------------------------

    def refuse(self, request: Request, refusal: Refusal, now: float) -> Effect:
        """Say no. Posts of the same session that follow an `unavailable` one wait for it to be sent again."""
        command = request.command
        if refusal.code is not ErrorCode.UNAVAILABLE:
            self.post_settled(request)
        elif isinstance(command, Post) and request.attachment is not None:
            self.holds.refused(request.reply_to, command.nonce, now)
        return refused(request, refusal)

    def post_settled(self, request: Request) -> None:
        """If this is a post, its answer is final."""
        command = request.command
        if isinstance(command, Post) and request.attachment is not None:
            self.holds.settled(request.reply_to, command.nonce)

    def unavailable(self, request: Request, now: float) -> Effect:
        return self.refuse(request, unavailable(), now)


def welcomed(state: RoomState, request: Request, reply: Ok) -> list[Effect]:
    """Attach whoever sent a `join`, unless it is attached already, and answer it."""
    asker, session, user = request.reply_to, request.session, request.user.user
    if isinstance(asker, RemoteAsker):
        admitted = InTurn(state.admitted(request.ref, (user,)), asker.relay)
        return [admitted, answered_in_turn(state, request, reply)]
    if session is None or state.audience.user_of(session) is not None:
        return [answered(request, reply)]
    return [*state.attach(session, user, request.ref), answered(request, reply)]


def answered_in_turn(state: RoomState, request: Request, reply: Ok) -> InTurn:
    """Answer behind everything that is in the log now, and is being told."""
    asker = request.reply_to
    if isinstance(asker, RemoteAsker):
        return InTurn(Answered(request.ref, reply, state.last_seq), asker.relay)
    return InTurn(Answer(request.ref, reply), asker)


def answered(request: Request, reply: Ok) -> Reply:
    return Reply(request.reply_to, Answer(request.ref, reply))


def refused(request: Request, refusal: Refusal) -> Reply:
    return Reply(request.reply_to, Answer(request.ref, error_from(refusal, request.command.id)))
