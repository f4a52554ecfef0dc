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
from server.protocol.errors import ErrorCode, Refusal, no_such_room, unavailable
from server.protocol.events import Left
from server.protocol.objects import RoomKind
from server.relays.admissions import USERS_AT_ONCE, Admissions
from server.relays.effects import Effects, Seek, ToOwner
from server.relays.errands import Errands
from server.relays.following import Following
from server.relays.messages import (
    Admission,
    Admit,
    Admitted,
    Answered,
    Delivered,
    Forwarded,
    HeadOf,
    Here,
    NotSubscribed,
    PassedOn,
    Removed,
    Subscribe,
    Subscribed,
)
from server.relays.stream import Ordered
from server.rooms.appearances import HERE
from server.rooms.effects import FanOut, InTurn, Reply, Rest, Unwatch, Watch
from server.rooms.messages import Appears, Attach, Attached, NotAttached, Passing, Request
from server.rooms.state import refused

RETRY_SECONDS: Final = 0.25
QUIET_SECONDS: Final = 1.0
PATIENT_SECONDS: Final = 5.0
ASKING_SECONDS: Final = 20.0
"""A room answers when it is open, and on a busy node not at once: thousands of rooms open there when a crowd comes, and
who asked again after two seconds kept it from ever answering. What does not arrive is heard of before."""
REST_SECONDS: Final = 60.0


class Owner(Struct, gc=False):
    """Who is asked to take this relay in, or has done so. `ref`: of that question; 0: it is put in a moment. `number`:
    of the subscription then. `told`: how many commands were forwarded by it.

    Out of the collector's sight: it goes with its relay, from which the address parts at the end.
    """

    address: Address
    ref: int = 0
    number: int | None = None
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
        "_admissions_open", "_alone_since", "_askers", "_epoch_seen", "_errands_open", "_gone", "_owner", "_tried_at",
    )  # fmt: skip

    def __init__(self, room: str, itself: Address, incarnation: int, refs: Iterator[int]) -> None:
        super().__init__(room, itself, incarnation, refs)
        self._owner: Owner | None = None
        self._epoch_seen = -1
        self._tried_at = 0.0  # when an owner was looked for, or asked; until it has answered
        self._admissions_open: Admissions | None = None  # there is one only while somebody is to be admitted
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
            or not self.audience
            or self.audience.has_news
            or self.audience.is_pulsing
            or self._is_asked_for_something
        )

    @property
    def _is_asked_for_something(self) -> bool:
        return self._errands_open is not None or self._admissions_open is not None

    @property
    def beat_seconds(self) -> float:
        """Until the next `beat`, where it is restless. While all there is to do is to wait for the owner, ten thousand
        relays would be a busy processor if they all looked four times a second; once a second was still to be seen when
        a crowd came."""
        if self._owner is None or self._stream.is_behind:
            return RETRY_SECONDS
        admissions = self._admissions_open
        is_held = admissions is not None and admissions.is_held
        is_soon = is_held or self._errands_open is not None or self.audience.is_pulsing
        return QUIET_SECONDS if is_soon else PATIENT_SECONDS

    @property
    def _errands(self) -> Errands:
        if self._errands_open is None:
            self._errands_open = Errands()
        return self._errands_open

    @property
    def _subscription(self) -> Owner | None:
        """The owner, if this relay is subscribed to it."""
        owner = self._owner
        return None if owner is None or owner.number is None else owner

    # --- sessions ---------------------------------------------------------------------------------------------

    def attach(self, attach: Attach, now: float) -> None:
        """The owner is asked when everything that was told at once is handled."""
        if self._gone:
            return
        self._alone_since = None
        if self._admissions_open is None:
            self._admissions_open = Admissions()
        self._admissions_open.wait(attach, now)

    def request(self, request: Request, now: float) -> Effects:
        command = request.command
        if self._gone:
            return []
        if not self.is_of_this_life(request):
            return [refused(request, unavailable())]
        if isinstance(command, Typing) and not is_answered(command):
            return self._forward(0, request)
        if not self._errands.admits(request, now):
            return [self._errands.refuse(request, unavailable(), now)]
        return self._run(request, now)

    def _run(self, request: Request, now: float) -> Effects:
        """Send it to the owner, or let it wait for one."""
        errands = self._errands
        if errands.is_full:
            return [errands.refuse(request, unavailable(), now)]
        if self._subscription is None:
            errands.wait(request, now)
            return []
        ref = next(self._refs)
        errands.sent(ref, request, now)
        return self._forward(ref, request)

    def _forward(self, ref: int, request: Request) -> Effects:
        """`ref` 0: nobody waits for an answer, and where it cannot go, it is dropped."""
        owner = self._subscription
        if owner is None or owner.number is None:
            return []
        asker = None if request.attachment is None else self._asker(request.reply_to)
        owner.told += 1
        forwarded = Forwarded(owner.number, ref, asker, request.user, request.command, owner.told, request.hides)
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
        if self.detach(address) is not None:
            self._forget(address)
        return []

    def _forget(self, session: Address) -> None:
        if self._errands_open is not None:
            self._errands_open.forget(session)
        if self._askers is not None:
            self._askers.pop(session, None)

    def _is_joining(self, user: str) -> bool:
        return self._errands_open is not None and self._errands_open.is_joining(user)

    def appears(self, told: Appears) -> None:
        """Somebody who is attached looks otherwise: the owner is told when all that was told at once is handled."""
        audience = self.audience
        if audience.sessions_of((told.user,)):
            audience.shows(HERE, told.user, told.shown)

    def settled(self, now: float) -> Effects:
        """Everything that was told at once is handled: say who came and went by it, and ask for all who would come."""
        owner = self._owner
        if owner is None or self._gone:
            return []
        if owner.number is None:
            return [] if owner.ref else self._subscribe(owner, now)
        effects = self._tell_who_is_here(owner.address, owner.number) if self.audience.has_news else []
        admissions = self._admissions_open
        if admissions is not None and admissions.may_be_asked:
            ref = next(self._refs)
            asked = admissions.ask(ref, now)
            effects.append(ToOwner(owner.address, Admit(owner.number, ref, asked, admissions.said_of_asked())))
        return effects

    def _tell_who_is_here(self, owner: Address, subscription: int) -> Effects:
        said = self.audience.said_since()
        came, went = self.audience.moved()
        if self._admissions_open is not None:
            self._admissions_open.told(came, went)
        most = USERS_AT_ONCE
        return [
            *(ToOwner(owner, Here(subscription, (), (), said[at : at + most])) for at in range(0, len(said), most)),
            *(
                ToOwner(owner, Here(subscription, tuple(came[at : at + most]), tuple(went[at : at + most])))
                for at in range(0, max(len(came), len(went)), most)
            ),
        ]

    def _subscribe(self, owner: Owner, now: float) -> Effects:
        """Those who are attached are told of, and who is to be admitted is asked for along with that."""
        owner.ref, self._tried_at = next(self._refs), now
        users = tuple(self.audience.users())
        self.audience.no_news()
        parts = [users[at : at + USERS_AT_ONCE] for at in range(0, len(users), USERS_AT_ONCE)] or [()]
        admissions, room_left = self._admissions_open, USERS_AT_ONCE - len(parts[-1])
        asked = () if admissions is None else admissions.ask(owner.ref, now, room_left)
        said = self.audience.said() + (() if admissions is None else admissions.said_of_asked())
        *first, last = parts
        subscribes = [
            *(Subscribe(owner.ref, self._itself, self._epoch_seen, part, more=True, said=said) for part in first[:1]),
            *(Subscribe(owner.ref, self._itself, self._epoch_seen, part, more=True) for part in first[1:]),
            Subscribe(owner.ref, self._itself, self._epoch_seen, last, admit=asked, said=() if first else said),
        ]
        return [*(ToOwner(owner.address, subscribe) for subscribe in subscribes), Watch(owner.address)]

    # --- the owner --------------------------------------------------------------------------------------------

    def started(self, now: float) -> Effects:
        return self._seek(now)

    def _seek(self, now: float) -> Effects:
        self._tried_at = now
        return [*self._part(), Seek()]

    def _part(self) -> Effects:
        """Whoever was asked is nobody's owner any more, or never was."""
        owner = self._owner
        self._forget_owner()
        return [] if owner is None else [Unwatch(owner.address)]

    def _forget_owner(self) -> None:
        """Of whom it was asked to admit, the next one is asked."""
        self._owner = None
        if self._admissions_open is not None:
            self._admissions_open.ask_again()

    def found(self, address: Address | None) -> None:
        """Who owns the room, if anybody does. It is asked when everything that was told at once is handled."""
        if address is not None:
            self._owner = Owner(address)

    def subscribed(self, told: Subscribed, now: float) -> Effects:
        owner, stream = self._owner, self._stream
        if owner is None or owner.ref != told.ref or owner.number is not None:
            return []
        if told.epoch < self._epoch_seen or (stream.head is not None and told.last_seq < stream.head):
            return self._part()
        self._epoch_seen = told.epoch
        owner.number, owner.log, owner.kind = told.subscription, told.log, told.kind
        self._tried_at = 0.0  # of no use while it lasts, and 24 bytes each
        if stream.head is None:
            stream.head = told.last_seq
        effects: Effects = []
        for user in told.gone:
            effects += self._remove(user, Left(room=self._room, user=user))
        effects += self._reach(told.last_seq, now)
        return effects if told.admitted is None else [*effects, *self.admitted(told.admitted, now)]

    def go_on(self, now: float) -> Effects:
        """Send the first of what waits for an owner; nothing, if there is none, or nothing waits.

        One by one: where the link does not take a post, those behind it are not sent.
        """
        if self._subscription is None or self._errands_open is None:
            return []
        request = self._errands_open.take_first()
        if request is None:
            return []
        if not self._errands_open.admits(request, now):
            return [self._errands_open.refuse(request, unavailable(), now)]
        return self._run(request, now)

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
        errands, admissions = self._errands_open, self._admissions_open
        if errands is not None:
            effects += [errands.refuse(request, refusal, now) for request in errands.take_waiting()]
        if admissions is not None:
            effects += [self._not_attached(attach, refusal) for attach in admissions.take_all()]
        return [*effects, Rest()]

    def _lost(self, owner: Owner, now: float, *, clean: bool) -> Effects:
        """The owner has ended, or cannot be reached. What it has answered, and is not passed on yet, is not clean."""
        self._forget_owner()
        if owner.number is None:
            return []
        answered = {told.ref for told in self._stream.take_put_off() if isinstance(told, Answered)}
        errands = self._errands_open
        effects: Effects = []
        for ref, request in ({} if errands is None else errands.take_sent()).items():
            if clean and ref not in answered:
                self._errands.wait(request, now)
            else:
                effects.append(self._errands.refuse(request, unavailable(), now))
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
                self.audience.move_again(came, went)
            case Admit():
                if self._admissions_open is not None:
                    self._admissions_open.hold()
            case Forwarded(ref=ref):
                if self._owner is not None:
                    self._owner.told -= 1
                request = self._errands.take(ref)
                if request is not None:
                    return [self._errands.refuse(request, unavailable(), now)]
        return []

    # --- what the owner tells -----------------------------------------------------------------------------------

    def delivered(self, told: Delivered, now: float) -> Effects:
        return [] if not self._is_current(told.epoch) else self._take(told, now)

    def head(self, told: HeadOf, now: float) -> Effects:
        """How far the log reaches, so that what was lost at its end is missed."""
        owner = self._subscription
        if owner is not None and told.epoch > self._epoch_seen:
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
        audience = self.audience
        if told.to is not None:
            to = audience.sessions_of(told.to)
        else:
            to = audience.everyone if told.but is None else audience.without(told.but)
        return [FanOut(Passing(self._room, told.events), to)] if to else []

    def admitted(self, told: Admitted, now: float) -> Effects:
        is_awaited = self._asks_with(told.ref) or self._sent(told.ref) is not None
        return [*self._reach(told.last_seq, now), *self._take(told, now)] if is_awaited else []

    def _asks_with(self, ref: int) -> bool:
        """Whether this is the question whom it admits."""
        return self._admissions_open is not None and self._admissions_open.ref == ref

    def _sent(self, ref: int) -> Request | None:
        """The command that was forwarded with this reference, if it is not answered."""
        return None if self._errands_open is None else self._errands_open.find(ref)

    def answered(self, told: Answered, now: float) -> Effects:
        """The answer to a post stands before its own entry; who comes or goes is answered in its place."""
        request = self._sent(told.ref)
        if request is None:
            return []
        if isinstance(request.command, Join | Leave):
            return [*self._reach(told.behind, now), *self._take(told, now)]
        self._errands.take(told.ref)
        return [Reply(request.reply_to, self._errands.answer(request, told.reply, now))]

    def _is_current(self, epoch: int) -> bool:
        return self._subscription is not None and self._epoch_seen == epoch

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
        admissions, owner, audience = self._admissions_open, self._subscription, self.audience
        assert admissions is not None
        assert owner is not None
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
        owner, head = self._subscription, self._stream.head
        assert owner is not None
        assert head is not None
        session = attach.session
        number = self.number(session, attach.user, attach.shown)
        if attach.passive is not None:
            self.audience.look_away(session, attach.passive, head)
        attached = Attached(
            attach.ref, self._room, number, owner.log, owner.kind, members, head, admission.role, admission.read_seq,
            admission.peer, admission.shown,
        )  # fmt: skip
        self._alone_since = None
        return [Watch(session), Reply(session, attached)]

    def _not_attached(self, attach: Attach, refusal: Refusal) -> Reply:
        return Reply(attach.session, NotAttached(attach.ref, self._room, refusal))

    def _moved(self, told: Answered, now: float) -> Effects:
        """The answer to a `join` or a `leave`."""
        request = self._errands.take(told.ref)
        if request is None:
            return []
        return [InTurn(self._errands.answer(request, told.reply, now), request.reply_to)]

    # --- now and then -----------------------------------------------------------------------------------------

    def beat(self, now: float) -> Effects:
        if self._gone:
            return []
        effects: Effects = []
        if self._errands_open is not None:
            effects += self._errands_open.expire(now)
            if not self._errands_open:
                self._errands_open = None
        if self._admissions_open is not None:
            effects += self._give_up(self._admissions_open, now)
            if not self._admissions_open:
                self._admissions_open = None
        if self._stream.is_due(now):
            effects.append(self._read(now))
        return [*effects, *self._tell_passive(now), *self._seek_again(now), *self._rest(now)]

    def _give_up(self, admissions: Admissions, now: float) -> list[Reply]:
        """Who is not waited for any more may be counted as being there by the owner, all the same."""
        admissions.release()
        late, unattached = admissions.expire(now)
        audience = self.audience
        audience.move_again((), [user for user in unattached if not audience.is_here(user)])
        return [self._not_attached(attach, unavailable()) for attach in late]

    def _seek_again(self, now: float) -> Effects:
        owner = self._owner
        if owner is None:
            return self._seek(now) if now - self._tried_at >= RETRY_SECONDS else []
        is_asking = owner.number is None and now - self._tried_at < ASKING_SECONDS
        return [] if owner.number is not None or is_asking else self._seek(now)

    def _rest(self, now: float) -> Effects:
        if self.audience or self._is_asked_for_something:
            self._alone_since = None
            return []
        if self._alone_since is None:
            self._alone_since = now
        if now - self._alone_since < REST_SECONDS:
            return []
        self._gone = True
        return [Rest()]
