"""Who is listening: the sessions attached to a room, the relays subscribed to it, and which people are there by them.

Sessions and relays are opaque keys here. What is told to others of who comes and goes is in `comings.py`.

There is one of these for every open room and every relay, and most of them have few sessions: up to `FEW` stand in one
tuple, each with its user behind it, which is looked through as fast as a dictionary is asked, and takes a quarter of
it. More are a `Crowd` (`crowd.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any, Final

from actors import Address
from actors.few import each
from server.protocol.events import Presence
from server.protocol.showing import PLAIN, Shown, presence_of
from server.rooms.appearances import HERE, Appearances, Said
from server.rooms.comings import Comings
from server.rooms.crowd import Crowd, crowd_of
from server.rooms.elsewhere import Elsewhere, Subscriber
from server.rooms.messages import Terms
from server.rooms.passive import PassiveSessions

FEW: Final = 20
"""As many as a `Few` has in a tuple, for its reasons: two dictionaries are 56 bytes for each in a room of ten."""


class Audience:
    """The attached sessions of a room, and its subscribed relays.

    `everyone` are the sessions that are told each entry. Those who do not look at the room are here, too, but not there
    (`passive.py`).

    Attributes
    ----------
    elsewhere
        Those who listen on other nodes; None: nobody does.
    """

    __slots__ = ("_comings", "_crowd", "_few", "elsewhere")

    def __init__(self) -> None:
        self._few: tuple[Any, ...] = ()  # a session, its user, the next session …, while that is no crowd
        self._crowd: Crowd | None = None
        self._comings: Comings | None = None  # there is one only while it knows something
        self.elsewhere: Elsewhere | None = None

    def __len__(self) -> int:
        """How many sessions are attached here."""
        return len(self._few) // 2 if self._crowd is None else len(self._crowd.users)

    @property
    def is_nobody(self) -> bool:
        """Whether nobody listens, neither here nor elsewhere."""
        return not self and not self.relays

    @property
    def relays(self) -> tuple[Address, ...]:
        return () if self.elsewhere is None else self.elsewhere.relays

    @property
    def everyone(self) -> tuple[Address, ...]:
        return self._few[::2] if self._crowd is None else self._crowd.everyone

    @property
    def passive(self) -> PassiveSessions | None:
        """Those who do not look; None: all do."""
        return None if self._crowd is None else self._crowd.passive

    @property
    def is_pulsing(self) -> bool:
        """Whether those who do not look are to be told anything."""
        return self._crowd is not None and self._crowd.passive is not None and self._crowd.passive.is_restless

    @property
    def has_news(self) -> bool:
        """Whether somebody has moved since somebody looked."""
        return self._comings is not None and bool(self._comings.moved)

    def attach(self, session: Address, user: str, shown: Shown | None = None) -> None:
        """From now on it looks. Harmless where it is attached already. `shown`: how the user looks at this node, where
        that is known."""
        is_here = self.is_here(user)
        if not is_here or self._appearances is not None:
            self._moves(user, is_here=is_here)
        if shown is not None:
            self.shows(HERE, user, shown)
        if self._crowd is not None:
            self._crowd.put(session, user)
            self._crowd.looks(session)
        elif session not in self._few:
            self._keep([*self._pairs(), (session, user)])

    def look_away(self, session: Address, terms: Terms, last_seq: int) -> None:
        """It is attached, and from now on told `Pulse`. `last_seq`: how far the log goes that others are told."""
        crowd = self._crowd
        if crowd is None:
            crowd = crowd_of(self._pairs())
            self._few, self._crowd = (), crowd
        crowd.looks_away(session, terms, last_seq)

    def detach(self, session: Address) -> bool:
        """Whether it was attached."""
        user = self.user_of(session)
        if user is None:
            return False
        is_last = len(self._sessions_of(user)) == 1
        if is_last:
            self._moves(user, is_here=True)
        if self._crowd is not None:
            self._crowd.pop(session)
            if not self:
                self._keep([])
        else:
            self._keep([(one, its) for one, its in self._pairs() if one is not session])
        if is_last:
            self._leaves(HERE, user)
        return True

    def user_of(self, session: Address) -> str | None:
        """Whose session it is; None: it is not attached."""
        if self._crowd is not None:
            return self._crowd.users.get(session)
        return next((user for one, user in self._pairs() if one is session), None)

    def users(self) -> Collection[str]:
        """By sessions that are attached here."""
        if self._crowd is not None:
            return self._crowd.sessions.keys()
        return dict.fromkeys(self._few[1::2])

    def is_here(self, user: str) -> bool:
        """Whether anybody listens for this user, wherever."""
        is_attached = user in self._few if self._crowd is None else user in self._crowd.sessions
        return is_attached or (self.elsewhere is not None and self.elsewhere.has(user))

    def places_of(self, user: str) -> int:
        """On how many nodes somebody listens for this user."""
        elsewhere = 0 if self.elsewhere is None else self.elsewhere.places_of(user)
        return elsewhere + bool(self._sessions_of(user))

    def all_users(self) -> set[str]:
        """For whom somebody listens, here or elsewhere."""
        return {*self.users(), *(() if self.elsewhere is None else self.elsewhere.users())}

    def all_counted(self) -> set[str]:
        """Who counts as here, as others see it."""
        if self._comings is None:
            return self.all_users()
        return {user for user in self.all_users() | self._comings.counted() if self.shown(user) is not None}

    def count_shown(self) -> int:
        """How many are here, as far as others may know."""
        hidden = () if self._appearances is None else self._appearances.users()
        return self._count() - sum(self.is_here(user) and self.appears(user) is None for user in hidden)

    def _count(self) -> int:
        """How many users somebody listens for, without a set of all of them: there may be a million."""
        users, elsewhere = self.users(), self.elsewhere
        if elsewhere is None:
            return len(users)
        return elsewhere.count() + sum(not elsewhere.has(user) for user in users)

    def sessions_of(self, users: Iterable[str]) -> tuple[Address, ...]:
        return tuple(session for user in users for session in self._sessions_of(user))

    def without(self, user: str) -> tuple[Address, ...]:
        """Everyone but this user's own sessions."""
        own = self._sessions_of(user)
        return tuple(session for session in self.everyone if session not in own)

    def _sessions_of(self, user: str) -> tuple[Address, ...]:
        if self._crowd is not None:
            return each(self._crowd.sessions.get(user))
        return tuple(one for one, its in self._pairs() if its == user)

    def _pairs(self) -> Iterable[tuple[Address, str]]:
        """Session and user, while it is no crowd."""
        return zip(self._few[::2], self._few[1::2], strict=True)

    def _keep(self, pairs: list[tuple[Address, str]]) -> None:
        """These are all there are now."""
        if len(pairs) <= FEW:
            self._few, self._crowd = tuple(chain.from_iterable(pairs)), None
        else:
            self._few, self._crowd = (), crowd_of(pairs)

    # --- what is to be told of that ---------------------------------------------------------------------------

    def moved(self) -> tuple[list[str], list[str]]:
        """Who came and who went since this was last asked for.

        Going is told even of those whose coming was not: who asked for the members meanwhile has seen them.
        """
        moved = {} if self._comings is None else self._comings.moved
        self.no_news()
        came = [user for user in sorted(moved) if self.is_here(user) and not moved[user].was_here]
        went = [user for user in sorted(moved) if not self.is_here(user)]
        return came, went

    def said(self) -> Said:
        """How those look who are attached here and do not just look online."""
        return () if self._appearances is None else self._appearances.said(HERE)

    def said_since(self) -> Said:
        """How those look who have moved since somebody looked, and are here: also who just looks online again."""
        moved = {} if self._comings is None else self._comings.moved
        shown = {user: self.shown_at(HERE, user) for user in moved if self._sessions_of(user)}
        return tuple(one for one in shown.items() if one[1] != PLAIN or moved[one[0]].shown not in (None, PLAIN))

    def move_again(self, came: Iterable[str], went: Iterable[str]) -> None:
        """These moves could not be told."""
        comings = self._comings = self._comings or Comings()
        for user in came:
            comings.moves(user, None, was_here=False)
        for user in went:
            comings.moves(user, PLAIN, was_here=True)
        self._comings = comings or None

    def is_known(self, user: str) -> None:
        """That this user came has been told in another way."""
        comings = self._comings
        moved = None if comings is None else comings.moved.get(user)
        if comings is not None and moved is not None and not moved.was_here and self.is_here(user):
            del comings.moved[user]
            self._comings = comings or None

    def is_due(self, now: float) -> bool:
        """Whether it is time to say that somebody has gone."""
        return self._comings is not None and self._comings.is_due(now)

    def wake_in(self, now: float) -> float | None:
        """Seconds after which to ask for news again, because somebody's grace will be over; None: that was said."""
        return None if self._comings is None else self._comings.wake_in(now)

    def news(self, now: float, grace: float) -> list[Presence]:
        """What is to be announced: who has come, and who has been gone for `grace` seconds."""
        if self._comings is None:
            return []
        told = self._comings.look(self.appears, now, grace)
        self._comings = self._comings or None
        return [presence_of(user, shown) for user, shown in told]

    def no_news(self) -> None:
        """Forget what was to be announced: the room is too large for it, or all of it is told in another way."""
        appearances = self._appearances
        self._comings = None if appearances is None else Comings(appearances)

    def is_gone_for_good(self, user: str) -> None:
        """The user is no member any more, which is told in another way."""
        if self._comings is not None:
            self._comings.forget(user)
            self._comings = self._comings or None

    # --- how people look --------------------------------------------------------------------------------------

    def appears(self, user: str) -> Shown | None:
        """How somebody looks who is here; None: not here, as far as others may know."""
        return self._look_of(user) if self.is_here(user) else None

    def _look_of(self, user: str) -> Shown | None:
        if self._appearances is None:
            return PLAIN
        shown = self._appearances.of(user, self._places(user))
        return None if shown.status == "offline" else shown

    def shown(self, user: str) -> Shown | None:
        """How somebody looks to others, who have not been told of what has just changed."""
        appears = self.appears(user)
        return appears if appears is not None or self._comings is None else self._comings.still_shown(user)

    def shown_at(self, place: int, user: str) -> Shown:
        return PLAIN if self._appearances is None else self._appearances.at(place, user)

    def shows(self, place: int, user: str, shown: Shown) -> None:
        """At this place the user looks so."""
        if shown == self.shown_at(place, user):
            return
        comings = self._moves(user, is_here=self.is_here(user))
        appearances = comings.appearances or Appearances()
        appearances.put(place, user, shown)
        comings.appearances = appearances or None

    def _places(self, user: str) -> list[int]:
        elsewhere = [] if self.elsewhere is None else self.elsewhere.numbers_with(user)
        return [HERE, *elsewhere] if self._sessions_of(user) else elsewhere

    def _leaves(self, place: int, user: str) -> None:
        comings = self._comings
        if comings is not None and comings.appearances is not None:
            comings.appearances.leaves(place, user)
            comings.appearances = comings.appearances or None
            self._comings = comings or None

    @property
    def _appearances(self) -> Appearances | None:
        """None: everybody who is here just looks online."""
        return None if self._comings is None else self._comings.appearances

    # --- elsewhere --------------------------------------------------------------------------------------------

    def subscribe(self, relay: Address, ref: int, epoch: int, number: int) -> int:
        """The number of the relay's subscription: `number`, unless this `ref` has one already. Others of it end."""
        if self.elsewhere is not None and (known := self.elsewhere.number_of(relay, ref)) is not None:
            return known
        self.ended_elsewhere(relay)
        if self.elsewhere is None:
            self.elsewhere = Elsewhere(epoch)
        self.elsewhere.begin(number, relay, ref)
        return number

    def came_elsewhere(self, number: int, users: Iterable[str]) -> None:
        """These are with the relay now that has this subscription."""
        elsewhere = self.elsewhere
        assert elsewhere is not None
        for user in users:
            is_here = self.is_here(user)
            if not is_here or self._appearances is not None:
                self._moves(user, is_here=is_here)
            elsewhere.came(number, user)

    def went_elsewhere(self, number: int, users: Iterable[str]) -> None:
        elsewhere = self.elsewhere
        assert elsewhere is not None
        for user in users:
            if elsewhere.is_with(number, user):
                self._moves(user, is_here=True)
                elsewhere.went(number, user)
                self._leaves(number, user)

    def ended_elsewhere(self, relay: Address) -> bool:
        """All subscriptions of a relay are over; whether there was any."""
        if self.elsewhere is None:
            return False
        numbers = self.elsewhere.numbers_of(relay)
        for number in numbers:
            self.went_elsewhere(number, self.elsewhere.users_of(number))
            self.elsewhere.end(number)
        if not self.elsewhere.relays:
            self.elsewhere = None
        return bool(numbers)

    def forget_elsewhere(self, user: str) -> None:
        """The user is a member no more, and is not listened for, wherever it is."""
        if self.elsewhere is not None and self.elsewhere.has(user):
            self._moves(user, is_here=True)
            for number in self.elsewhere.numbers_with(user):
                self._leaves(number, user)
            self.elsewhere.forget(user)

    def subscriber(self, number: int) -> Subscriber:
        """Whose subscription this is, which has not ended."""
        assert self.elsewhere is not None
        subscriber = self.elsewhere.find(number)
        assert subscriber is not None
        return subscriber

    def _moves(self, user: str, *, is_here: bool) -> Comings:
        """The user is about to come, to go, or to look otherwise."""
        comings = self._comings
        if comings is None:
            comings = self._comings = Comings()
        comings.moves(user, self._look_of(user) if is_here else None, was_here=is_here)
        return comings
