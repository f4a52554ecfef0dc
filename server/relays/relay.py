"""A relay: what stands for a room on a node that does not own it. Pure, as the room is.

Sessions attach to it, and send it their commands, as if it were the room. It forwards the commands to the owner, and
passes on what the owner tells once for the whole node. Its life:

    seeking -> asking -> subscribed -> (the owner has ended, or is out of reach) -> seeking …
            -> the room is this node's own, or there is none, or nobody listens -> at rest

The rules:
- Its sessions get every entry once, in order, whatever the owner or the links between nodes do (`following.py`).
- Nothing of a room is told to who is no member: entries say who left, and where none does, the owner; whoever is
  attached over the end of a subscription is looked at again by the next owner.
- Only from the owner it is subscribed to it takes what is not on disk, and never from one with a lower epoch than it
  has seen.
- An owner that stopped in order has not seen what it did not answer: that is sent again, to the next. What became of
  commands otherwise nobody knows: they are refused, and so are the posts behind them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from actors import Address
from server.protocol.commands import Join, Leave, Typing, is_answered
from server.protocol.errors import ErrorCode, Refusal, unavailable
from server.protocol.events import Left
from server.protocol.objects import RoomKind
from server.relays.effects import Effects, Seek, ToOwner
from server.relays.errands import Errand, Errands
from server.relays.following import Following
from server.relays.messages import (
    Admit,
    Admitted,
    Answered,
    Delivered,
    Forwarded,
    HeadOf,
    Here,
    NotAdmitted,
    NotSubscribed,
    PassedOn,
    Removed,
    Subscribe,
    Subscribed,
)
from server.relays.stream import Ordered
from server.rooms.effects import FanOut, InTurn, Reply, Rest, Unwatch, Watch
from server.rooms.messages import Attach, Attached, Passing, Request
from server.rooms.state import refused

RETRY_SECONDS: Final = 0.25
QUIET_SECONDS: Final = 1.0
ASKING_SECONDS: Final = 20.0
"""A room answers when it is open, and on a busy node not at once: thousands of rooms open there when a crowd comes, and
who asked again after two seconds kept it from ever answering. What does not arrive is heard of before."""
REST_SECONDS: Final = 60.0
USERS_AT_ONCE: Final = 2_000  # names in one message: less than 64 KiB of them


class Owner(Struct, gc=False):
    """Who is asked to take this relay in, or has done so. `number`: of the subscription then. `told`: how many commands
    were forwarded by it. `since`: when it was asked, until it has answered.

    Out of the collector's sight: it goes with its relay, from which the address parts at the end.
    """

    address: Address
    ref: int
    since: float
    number: int | None = None
    epoch: int = 0
    log: str = ""
    kind: RoomKind = "channel"
    told: int = 0


class Relay(Following):
    """One relay.

    Parameters
    ----------
    room
        The room's id.
    itself
        Its own address, an opaque key here.
    incarnation
        Which life this is; attachments of other lives are known as such by it.
    refs
        Gives references that were not given before, to any relay of this node.
    """

    __slots__ = (
        "_alone_since", "_askers", "_epoch_seen", "_errands_open", "_gone", "_owner", "_seek_at",
    )  # fmt: skip

    def __init__(self, room: str, itself: Address, incarnation: int, refs: Iterator[int]) -> None:
        super().__init__(room, itself, incarnation, refs)
        self._owner: Owner | None = None
        self._epoch_seen = -1
        self._seek_at = 0.0
        self._errands_open: Errands | None = None  # there is one only while something is open
        self._askers: dict[object, int] | None = None  # the sessions that have sent commands
        self._alone_since: float | None = None
        self._gone = False

    @property
    def restless(self) -> bool:
        """Whether there is anything to do for the next `beat`."""
        return not self._gone and (
            self._subscription is None
            or self._stream.is_behind
            or not self._attachments.audience
            or self._attachments.audience.has_news
            or self._errands_open is not None
        )

    @property
    def beat_seconds(self) -> float:
        """Until the next `beat`, where it is restless. While all there is to do is to wait for the owner, ten thousand
        relays would be a busy processor if they all looked four times a second."""
        return RETRY_SECONDS if self._owner is None or self._stream.is_behind else QUIET_SECONDS

    @property
    def _errands(self) -> Errands:
        if self._errands_open is None:
            self._errands_open = Errands(self._room)
        return self._errands_open

    @property
    def _subscription(self) -> Owner | None:
        """The owner, if this relay is subscribed to it."""
        owner = self._owner
        return None if owner is None or owner.number is None else owner

    # --- sessions ---------------------------------------------------------------------------------------------

    def attach(self, attach: Attach, now: float) -> Effects:
        if self._gone:
            return []
        self._alone_since = None
        return self._run(attach, now)

    def request(self, request: Request, now: float) -> Effects:
        command = request.command
        if self._gone:
            return []
        if not self._attachments.is_of_this_life(request):
            return [refused(request, unavailable())]
        if isinstance(command, Typing) and not is_answered(command):
            return self._forward(0, request)
        if not self._errands.admits(request, now):
            return [self._errands.refuse(request, unavailable(), now)]
        return self._run(request, now)

    def _run(self, errand: Errand, now: float) -> Effects:
        """Send it to the owner, or let it wait for one."""
        errands = self._errands
        if errands.is_full:
            return [errands.refuse(errand, unavailable(), now)]
        if self._subscription is None:
            errands.wait(errand, now)
            return []
        ref = next(self._refs)
        errands.sent(ref, errand, now)
        return self._admit(ref, errand) if isinstance(errand, Attach) else self._forward(ref, errand)

    def _admit(self, ref: int, attach: Attach) -> Effects:
        owner = self._subscription
        assert owner is not None
        assert owner.number is not None
        return [ToOwner(owner.address, Admit(owner.number, ref, attach.user, here=True))]

    def _forward(self, ref: int, request: Request) -> Effects:
        """`ref` 0: nobody waits for an answer, and where it cannot go, it is dropped."""
        owner = self._subscription
        if owner is None or owner.number is None:
            return []
        asker = None if request.attachment is None else self._asker(request.reply_to)
        owner.told += 1
        forwarded = Forwarded(owner.number, ref, asker, request.user, request.command, owner.told)
        return [ToOwner(owner.address, forwarded)]

    def _asker(self, session: object) -> int:
        if self._askers is None:
            self._askers = {}
        asker = self._askers.get(session)
        if asker is None:
            asker = self._askers[session] = next(self._refs)
        return asker

    def ended(self, address: Address, now: float, *, clean: bool) -> Effects:
        """A session has, or the owner. `clean`: it had nothing more to do."""
        if self._owner is not None and self._owner.address == address:
            return self._lost(self._owner, now, clean=clean)
        if self._attachments.detach(address) is not None:
            self._forget(address)
        return []

    def _forget(self, session: Address) -> None:
        if self._errands_open is not None:
            self._errands_open.forget(session)
        if self._askers is not None:
            self._askers.pop(session, None)

    def _is_joining(self, user: str) -> bool:
        return self._errands_open is not None and self._errands_open.is_joining(user)

    def settled(self) -> Effects:
        """Everything that was told at once is handled: say who came and went by it."""
        owner, audience = self._subscription, self._attachments.audience
        if owner is None or owner.number is None or not audience.has_news:
            return []
        came, went = audience.moved()
        if self._errands_open is not None:
            self._errands_open.told(came, went)
        most = USERS_AT_ONCE
        return [
            ToOwner(owner.address, Here(owner.number, tuple(came[at : at + most]), tuple(went[at : at + most])))
            for at in range(0, max(len(came), len(went)), most)
        ]

    # --- the owner --------------------------------------------------------------------------------------------

    def started(self, now: float) -> Effects:
        return self._seek(now)

    def _seek(self, now: float) -> Effects:
        self._seek_at = now + RETRY_SECONDS
        return [*self._part(), Seek()]

    def _part(self) -> Effects:
        """Whoever was asked is nobody's owner any more, or never was."""
        owner, self._owner = self._owner, None
        return [] if owner is None else [Unwatch(owner.address)]

    def found(self, address: Address | None, now: float) -> Effects:
        """Who owns the room, if anybody does."""
        if address is None:
            return []
        self._owner = owner = Owner(address, next(self._refs), now)
        users = tuple(self._attachments.audience.users())
        self._attachments.audience.no_news()
        parts = [users[at : at + USERS_AT_ONCE] for at in range(0, len(users), USERS_AT_ONCE)] or [()]
        subscribes = [
            ToOwner(address, Subscribe(owner.ref, self._itself, self._epoch_seen, part, more=number < len(parts)))
            for number, part in enumerate(parts, start=1)
        ]
        return [*subscribes, Watch(address)]

    def subscribed(self, told: Subscribed, now: float) -> Effects:
        owner, stream = self._owner, self._stream
        if owner is None or owner.ref != told.ref or owner.number is not None:
            return []
        if told.epoch < self._epoch_seen or (stream.head is not None and told.last_seq < stream.head):
            return self._part()
        self._epoch_seen = owner.epoch = told.epoch
        owner.number, owner.log, owner.kind = told.subscription, told.log, told.kind
        owner.since = self._seek_at = 0.0  # of no use while it lasts, and 32 bytes each
        if stream.head is None:
            stream.head = told.last_seq
        effects: Effects = []
        for user in told.gone:
            effects += self._remove(user, Left(room=self._room, user=user))
        return [*effects, *self._reach(told.last_seq, now)]

    def go_on(self, now: float) -> Effects:
        """Send the first of what waits for an owner; nothing, if there is none, or nothing waits.

        One by one: where the link does not take a post, those behind it are not sent.
        """
        errand = None if self._subscription is None else self._errands.take_first()
        if errand is None:
            return []
        if isinstance(errand, Request) and not self._errands.admits(errand, now):
            return [self._errands.refuse(errand, unavailable(), now)]
        return self._run(errand, now)

    def not_subscribed(self, told: NotSubscribed, now: float) -> Effects:
        owner = self._owner
        if owner is None or owner.ref != told.ref:
            return []
        if owner.number is not None:
            return self._lost(owner, now, clean=False)
        effects, error = self._part(), told.error
        if error.code is ErrorCode.UNAVAILABLE:
            return effects
        self._gone = True
        refusal = Refusal(error.code, error.message, error.retry_after)
        errands = self._errands
        return [*effects, *(errands.refuse(errand, refusal, now) for errand in errands.take_waiting()), Rest()]

    def _lost(self, owner: Owner, now: float, *, clean: bool) -> Effects:
        """The owner has ended, or cannot be reached. What it has answered, and is not passed on yet, is not clean."""
        self._owner = None
        if owner.number is None:
            return []
        errands = self._errands
        answered = {told.ref for told in self._stream.take_put_off() if isinstance(told, Answered)}
        effects: Effects = []
        for ref, errand in errands.take_sent().items():
            if isinstance(errand, Attach) or (clean and ref not in answered):
                errands.wait(errand, now)
            else:
                effects.append(errands.refuse(errand, unavailable(), now))
        return [*effects, *self._seek(now)]

    def hand_over(self) -> Effects:
        """The room is this node's own now: whoever is attached finds it there."""
        self._gone = True
        return [Rest(clean=self._errands_open is None or not self._errands_open.may_be_done)]

    def not_taken(self, message: Subscribe | Here | Admit | Forwarded, now: float) -> Effects:
        """The link to the owner is full, or lost."""
        match message:
            case Subscribe():
                return self._part()
            case Here(came=came, went=went):
                self._attachments.audience.move_again(came, went)
            case Admit(ref=ref) | Forwarded(ref=ref):
                if self._owner is not None:
                    self._owner.told -= isinstance(message, Forwarded)
                errand = self._errands.take(ref)
                if errand is not None:
                    return [self._errands.refuse(errand, unavailable(), now)]
        return []

    # --- what the owner tells -----------------------------------------------------------------------------------

    def delivered(self, told: Delivered, now: float) -> Effects:
        return [] if not self._is_current(told.epoch) else self._take(told, now)

    def head(self, told: HeadOf, now: float) -> Effects:
        """How far the log reaches, so that what was lost at its end is missed."""
        owner = self._subscription
        if owner is not None and told.epoch > owner.epoch:
            self._epoch_seen = told.epoch
            return self._lost(owner, now, clean=False)
        return self._take(told, now) if self._is_current(told.epoch) else []

    def removed(self, told: Removed, now: float) -> Effects:
        """At once, and again in its place: the admission that it follows may be waiting there."""
        if not self._is_current(told.epoch):
            return []
        effects = self._remove(told.user, told.left)
        return [*effects, *self._take(told, now)] if self._stream.is_behind else effects

    def passed_on(self, told: PassedOn) -> Effects:
        if not self._is_current(told.epoch):
            return []
        audience = self._attachments.audience
        if told.to is not None:
            to = audience.sessions_of(told.to)
        else:
            to = audience.everyone if told.but is None else audience.without(told.but)
        return [FanOut(Passing(self._room, told.events), to)] if to else []

    def admitted(self, told: Admitted, now: float) -> Effects:
        if self._errands.find(told.ref) is None:
            return []
        return [*self._reach(told.last_seq, now), *self._take(told, now)]

    def not_admitted(self, told: NotAdmitted, now: float) -> Effects:
        errand = self._errands.take(told.ref)
        error = told.error
        refusal = Refusal(error.code, error.message, error.retry_after)
        return [] if errand is None else [self._errands.refuse(errand, refusal, now)]

    def answered(self, told: Answered, now: float) -> Effects:
        """The answer to a post stands before its own entry; who comes or goes is answered in its place."""
        request = self._errands.find(told.ref)
        if not isinstance(request, Request):
            return []
        if isinstance(request.command, Join | Leave):
            return [*self._reach(told.behind, now), *self._take(told, now)]
        self._errands.take(told.ref)
        return [Reply(request.reply_to, self._errands.answer(request, told.reply, now))]

    def _is_current(self, epoch: int) -> bool:
        owner = self._subscription
        return owner is not None and owner.epoch == epoch

    def _take(self, told: Ordered, now: float) -> Effects:
        if self._stream.is_behind:
            self._stream.put_off(told)
            return []
        match told:
            case Delivered(entries=entries):
                return self._next(told, entries, now)
            case HeadOf(last_seq=last_seq):
                return self._reach(last_seq, now)
            case Admitted():
                return self._let_in(told)
            case Answered():
                return self._moved(told, now)
            case Removed(user=user, left=left):
                return self._remove(user, left)

    def _let_in(self, told: Admitted) -> Effects:
        """Attach whoever it is for, unless it is attached already and asks to join."""
        errand = self._errands.find(told.ref)
        match errand:
            case Attach(ref=ref, session=session, user=user):
                self._errands.take(told.ref)
                effects = self._attach(ref, session, user, told)
                if told.here and not self._errands.has_parted(user):
                    self._attachments.audience.is_known(user)
                return effects
            case Request(ref=ref, session=session, user=asker) if session is not None:
                if self._attachments.audience.user_of(session) is None:
                    return self._attach(ref, session, asker.user, told)
        return []

    def _attach(self, ref: int, session: Address, user: str, told: Admitted) -> Effects:
        owner, head = self._subscription, self._stream.head
        assert owner is not None
        assert head is not None
        number = self._attachments.number(session, user)
        attached = Attached(
            ref, self._room, number, owner.log, owner.kind, told.members, head, told.role, told.read_seq, told.peer
        )
        self._alone_since = None
        return [Watch(session), Reply(session, attached)]

    def _moved(self, told: Answered, now: float) -> Effects:
        """The answer to a `join` or a `leave`."""
        request = self._errands.take(told.ref)
        if not isinstance(request, Request):
            return []
        return [InTurn(self._errands.answer(request, told.reply, now), request.reply_to)]

    # --- now and then -----------------------------------------------------------------------------------------

    def beat(self, now: float) -> Effects:
        if self._gone:
            return []
        effects: Effects = []
        if self._errands_open is not None:
            effects += self._expire(self._errands_open, now)
            if not self._errands_open:
                self._errands_open = None
        if self._stream.is_due(now):
            effects.append(self._read(now))
        return [*effects, *self._seek_again(now), *self._rest(now)]

    def _expire(self, errands: Errands, now: float) -> list[Reply]:
        """Who is not waited for any more may be counted as being there by the owner, all the same."""
        refused = errands.expire(now)
        audience, unattached = self._attachments.audience, errands.take_unattached()
        audience.move_again((), [user for user in unattached if not audience.is_here(user)])
        return refused

    def _seek_again(self, now: float) -> Effects:
        owner = self._owner
        if owner is None:
            return self._seek(now) if now >= self._seek_at else []
        is_asking = owner.number is None and now - owner.since < ASKING_SECONDS
        return [] if owner.number is not None or is_asking else self._seek(now)

    def _rest(self, now: float) -> Effects:
        if self._attachments.audience or self._errands_open is not None:
            self._alone_since = None
            return []
        if self._alone_since is None:
            self._alone_since = now
        if now - self._alone_since < REST_SECONDS:
            return []
        self._gone = True
        return [Rest()]
