"""A relay: what stands for a room on a node that does not own it. Pure, as the room is.

Sessions attach to it, and send it their commands, as if it were the room. It forwards the commands to the owner, and
passes on what the owner tells once for the whole node. Its life:

    seeking -> asking -> subscribed -> (the owner has ended, or is out of reach) -> seeking …
            -> the room is this node's own, or there is none, or nobody listens -> at rest

The rules:
- Its sessions get every entry once, in order, whatever the owner or the links between nodes do (`following.py`).
- Nothing of a room is told to who is no member: entries say who left, and where none does, the owner; whoever is
  attached over the end of a subscription is looked at again by the next owner (`admitting.py` lets them in).
- Only from the owner it is subscribed to it takes what is not on disk, and never from one with a lower epoch than it
  has seen.
- What its sessions say is answered whatever becomes of the owner (`forwarding.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from actors import Address
from server.protocol.entries import Left
from server.protocol.errors import ErrorCode, Refusal
from server.relays.admissions import USERS_AT_ONCE, Admissions
from server.relays.admitting import Admitting
from server.relays.effects import Effects, Seek, ToOwner
from server.relays.messages import (
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
from server.relays.owner import Owner, heres, parts_of, subscribes
from server.relays.stream import Ordered
from server.rooms.appearances import HERE
from server.rooms.effects import FanOut, Rest, Unwatch, Watch
from server.rooms.messages import Appears, Passing

RETRY_SECONDS: Final = 0.25
QUIET_SECONDS: Final = 1.0
CALM_SECONDS: Final = 5.0
PATIENT_SECONDS: Final = 60.0
ASKING_SECONDS: Final = 60.0
"""A question that the owner has in hand is answered, or its end is heard of: by the watch, or by `NotSubscribed`. One
that is not answered for long is one of many, and whoever asks anew makes it longer for all of them: an owner to which
90,000 relays subscribed at once, and which took longer than the 20 s after which they parted and asked again, did
little else from then on. So it is repeated late, in case its end was missed, and as it was: the first answer counts,
and the other one says nothing new. Those that are repeated are few: while many wait, few are let in (decision 28)."""
REST_SECONDS: Final = 60.0
MANY: Final = 100
"""Sessions: a relay for so many is taken in before those for two or three."""


@lru_cache(maxsize=1_024)
def _shared(epoch: int) -> int:
    """One object for all relays of a shard, in place of the 32 bytes that come with each message."""
    return epoch


class Relay(Admitting):
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

    __slots__ = ("_epoch_seen", "_tried_at")

    def __init__(self, room: str, itself: Address, incarnation: int, refs: Iterator[int]) -> None:
        super().__init__(room, itself, incarnation, refs)
        self._epoch_seen = -1
        self._tried_at = 0.0  # when an owner was looked for, or asked; until it has answered

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
    def is_seeking(self) -> bool:
        """Whether nobody is known who owns the room, or can be reached."""
        return self._owner is None and not self._gone

    @property
    def wants_to_ask(self) -> bool:
        """Whether the owner is to be asked something now: to take it in, or whether somebody may listen."""
        owner, admissions = self._owner, self._admissions_open
        if owner is None or self._gone:
            return False
        if owner.number is None:
            return not owner.ref
        return admissions is not None and admissions.may_be_asked

    @property
    def is_unanswered(self) -> bool:
        """Whether an owner is asked, or is to be, and has not answered."""
        if self._owner is None or self._gone:
            return False
        return self._owner.number is None or self._admissions_open is not None

    @property
    def is_large(self) -> bool:
        """Whether many wait for it."""
        return len(self.audience) > MANY

    @property
    def owner(self) -> Address | None:
        """Whoever has been found to own the room, and is not lost."""
        return None if self._owner is None else self._owner.address

    @property
    def _is_asked_for_something(self) -> bool:
        return self._errands_open is not None or self._admissions_open is not None

    @property
    def beat_seconds(self) -> float:
        """Until the next `beat`, where it is restless: until there may be something to do. While that is only to wait
        for the owner, ten thousand relays would be a busy processor if they all looked four times a second; and once in
        five seconds was still a fifth of all that workers did when a crowd came."""
        if self._owner is None or self._stream.is_behind:
            return RETRY_SECONDS
        admissions = self._admissions_open
        is_held = admissions is not None and admissions.is_held
        if is_held or self._errands_open is not None or self.audience.is_pulsing:
            return QUIET_SECONDS
        is_held_up = self._subscription is not None and self.audience.has_news
        return CALM_SECONDS if is_held_up or self._is_alone_unnoticed else PATIENT_SECONDS

    @property
    def _is_alone_unnoticed(self) -> bool:
        return not self.audience and not self._is_asked_for_something and self._alone_since is None

    # --- sessions ---------------------------------------------------------------------------------------------

    def ended(self, address: Address, now: float, *, clean: bool) -> Effects:
        """A session has, or the owner. `clean`: it had nothing more to do."""
        if self._owner is not None and self._owner.address == address:
            return self._lost(self._owner, now, clean=clean)
        if self.detach(address) is not None:
            self._forget(address)
        return []

    def appears(self, told: Appears) -> None:
        """Somebody who is attached looks otherwise: the owner is told when all that was told at once is handled."""
        audience = self.audience
        if audience.sessions_of((told.user,)):
            audience.shows(HERE, told.user, told.shown)

    def settled(self, now: float, *, may_ask: bool = True) -> Effects:
        """Everything that was told at once is handled: say who came and went by it, and ask for all who would come.

        `may_ask`: whether the owner may be asked now what it is to be asked; if not, that waits.
        """
        owner = self._owner
        if owner is None or self._gone:
            return []
        if owner.number is None:
            return self._subscribe(owner, now) if may_ask and self.wants_to_ask else []
        effects = self._tell_who_is_here(owner.address, owner.number) if self.audience.has_news else []
        admissions = self._admissions_open
        if admissions is not None and may_ask and self.wants_to_ask:
            admissions.ask(next(self._refs), now)
            effects.append(_admit(owner.address, owner.number, admissions))
        return effects

    def _tell_who_is_here(self, owner: Address, subscription: int) -> Effects:
        said = self.audience.said_since()
        came, went = self.audience.moved()
        if self._admissions_open is not None:
            self._admissions_open.told(came, went)
        return [ToOwner(owner, here) for here in heres(subscription, said, came, went)]

    def _subscribe(self, owner: Owner, now: float) -> Effects:
        """Those who are attached are told of, and who is to be admitted is asked for along with that."""
        owner.ref, self._tried_at = next(self._refs), now
        self.audience.no_news()
        parts = parts_of(tuple(self.audience.users()))
        if self._admissions_open is not None:
            self._admissions_open.ask(owner.ref, now, USERS_AT_ONCE - len(parts[-1]))
        return [*self._subscription_asked(owner, parts), Watch(owner.address)]

    def _subscription_asked(self, owner: Owner, parts: Sequence[tuple[str, ...]]) -> Effects:
        said, admissions = self.audience.said(), self._admissions_open
        asked: tuple[str, ...] = ()
        if admissions is not None and admissions.ref == owner.ref:
            asked, said = admissions.asked, said + admissions.said_of_asked()
        messages = subscribes(owner.ref, self._itself, self._epoch_seen, parts, asked, said)
        return [ToOwner(owner.address, message) for message in messages]

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
        self._epoch_seen = _shared(told.epoch)
        owner.number = told.subscription
        self._tried_at = 0.0  # of no use while it lasts, and 24 bytes each
        if stream.head is None:
            stream.head = told.last_seq
        effects: Effects = []
        for user in told.gone:
            effects += self._remove(user, Left(room=self._room, user=user))
        effects += self._reach(told.last_seq, now)
        return effects if told.admitted is None else [*effects, *self.admitted(told.admitted, now)]

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
        """The owner has ended, or cannot be reached."""
        self._forget_owner()
        if owner.number is None:
            return []
        return [*self._not_answered(now, clean=clean), *self._seek(now)]

    def orphaned(self, now: float) -> Effects:
        """The owner's node is dead, whether or not that was heard here: a stopped one falls silent without a word."""
        if self._gone:
            return []
        effects = [] if self._subscription is None else self._not_answered(now, clean=False)
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
                return self._not_forwarded(ref, now)
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

    # --- now and then -----------------------------------------------------------------------------------------

    def beat(self, now: float) -> Effects:
        if self._gone:
            return []
        effects = [*self._expire(now), *self._give_up(now)]
        if self._stream.is_due(now):
            effects.append(self._read(now))
        return [*effects, *self._tell_passive(now), *self._seek_again(now), *self._rest(now)]

    def _seek_again(self, now: float) -> Effects:
        owner, admissions = self._owner, self._admissions_open
        if owner is None:
            return self._seek(now) if now - self._tried_at >= RETRY_SECONDS else []
        if owner.number is None:
            if not owner.ref or now - self._tried_at < ASKING_SECONDS:
                return []
            self._tried_at = now
            return self._subscription_asked(owner, parts_of(tuple(self.audience.users())))
        if admissions is None or not admissions.ref or now - admissions.asked_at < ASKING_SECONDS:
            return []
        admissions.asked_at = now
        return [_admit(owner.address, owner.number, admissions)]

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


def _admit(owner: Address, subscription: int, admissions: Admissions) -> ToOwner:
    """The question that is open: whether these may listen."""
    return ToOwner(owner, Admit(subscription, admissions.ref, admissions.asked, admissions.said_of_asked()))
