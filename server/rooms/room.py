"""A room: what it decides, from opening to rest. Pure: no clock, no addresses that it could use, nothing awaited.

Each method takes what the room was told and returns the effects that follow, in order. The life of a room:

    opening -> open -> (the outcome of a commit is unknown) -> opening again -> open … -> at rest
            -> there is no such room                                      -> handed over -> at rest

While it opens, commands wait. When a lineage ends, all that was on its way is answered `unavailable`, and so is what
follows it from the same session until the first of these is sent again (`holds.py`).

What follows from a command is decided in `deciding.py`, and from an outcome in `landing.py`; what is said here is
whether the room is in a state for it.

Once a second, and only while there is something to do, the room is told `beat`: then receipts, presence and counts
are told, marks are written, and what was asked in vain is given up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from actors import Address
from server.protocol.errors import Refusal, no_such_room, unavailable
from server.relays.messages import Admit, Forwarded, Here
from server.rooms import relaying
from server.rooms.announcing import Announcing
from server.rooms.answering import answer_found, given_up
from server.rooms.appearances import HERE
from server.rooms.blocking import blocked
from server.rooms.coalescing import counts, is_to_announce, news, save_marks, tell_all
from server.rooms.deciding import decide
from server.rooms.deleting import bury
from server.rooms.effects import Announce, Consult, Effect, GoOn, Reply, Rest, TellUser, Write
from server.rooms.handing_over import end_when_landed, leave_behind
from server.rooms.landing import Landing
from server.rooms.messages import Added, Appears, Attach, NotAttached, Request
from server.rooms.opening import (
    PATIENCE_SECONDS,
    WAITING_LIMIT,
    Applicant,
    Opened,
    Opening,
    Waiting,
    portion_of,
)
from server.rooms.pulsing import tally_failed, tally_read
from server.rooms.questions import PersonWanted
from server.rooms.refusing import refuse_any
from server.rooms.reopening import opened_again
from server.rooms.sizes import DEFAULT_SIZES, Sizes
from server.rooms.state import RoomState, refused
from server.rooms.unfinished import Unfinished
from server.store.account_messages import BlockChange
from server.store.log_messages import Anchor, Append, Lost, Outcomes, Release
from server.store.questions import Done, Failed
from server.store.room_messages import MarksSaved, NoRoom, SaveMarks

REST_SECONDS: Final = 60.0

Effects = list[Effect]


class Room:
    """One room.

    Parameters
    ----------
    room
        Its id.
    itself
        Its own address, an opaque key here.
    incarnation
        Which life this is; attachments of other lives are known as such by it.
    refs
        Gives references that no question, and no append, of this room had before. One counter does for all rooms.
    sizes
        How large it may be, and how large until it is told differently.
    announcing
        When it may say who came and who went; shared by the rooms of a node.
    unfinished
        The marks of all rooms of a process that were acknowledged, and are not told or not on disk.
    """

    __slots__ = (
        "_alone_since", "_announces", "_announcing", "_behind", "_gone", "_incarnation", "_itself", "_leaving_since",
        "_opening", "_refs", "_room", "_sizes", "_state", "_unfinished",
    )  # fmt: skip

    def __init__(
        self,
        room: str,
        itself: Address,
        incarnation: int,
        refs: Iterator[int],
        sizes: Sizes = DEFAULT_SIZES,
        announcing: Announcing | None = None,
        unfinished: Unfinished | None = None,
    ) -> None:
        self._room = room
        self._itself = itself
        self._incarnation = incarnation
        self._sizes = sizes
        self._announcing = announcing or Announcing()
        self._unfinished = Unfinished() if unfinished is None else unfinished
        self._announces = False  # it has been given a time for that
        self._behind: deque[Waiting] | None = None  # what it was told while it opened, as far as that is not looked at
        self._refs = refs
        self._opening: Opening | None = None
        self._state: RoomState | None = None
        self._gone = False
        self._alone_since: float | None = None
        self._leaving_since: float | None = None

    @property
    def restless(self) -> bool:
        """Whether there is anything to do for the next `beat`."""
        state = self._state
        return not self._gone and (
            self._opening is not None
            or state is None
            or state.audience.is_nobody
            or self._behind is not None
            or (state.audience.has_news and (state.large or not self._announces))
            or state.is_busy
        )

    # --- sessions ---------------------------------------------------------------------------------------------

    def request(self, request: Request, now: float) -> Effects:
        if self._behind is not None:
            return self._wait_behind(self._behind, request, now)
        return self._request(request, now)

    def _request(self, request: Request, now: float) -> Effects:
        state = self._state
        if self._leaving_since is not None or state is None:
            return self._wait(request) if self._leaving_since is None else self._leave_behind(request, now)
        if self._opening is not None:
            return self._wait_again(state, request, now)
        if not state.is_of_this_life(request):
            return [refused(request, unavailable())]
        try:
            return decide(state, request, now)
        except Refusal as refusal:
            return [state.refuse(request, refusal, now)]

    def attach(self, attach: Attach) -> Effects:
        return self._attach(attach) if self._behind is None else self._come_behind(self._behind, attach)

    def _attach(self, attach: Attach) -> Effects:
        state = self._state
        if self._leaving_since is not None:
            return []
        if self._opening is not None or state is None:
            return self._wait(attach)
        if attach.user not in state.members:
            return [Reply(attach.session, NotAttached(attach.ref, self._room, no_such_room()))]
        self._alone_since = None
        return state.attach(attach.session, attach.user, attach.ref, attach.passive, attach.shown)

    def listens(self, session: Address) -> bool:
        """Whether this session is attached."""
        return self._state is not None and self._state.audience.user_of(session) is not None

    def remind(self, session: Address) -> Effects:
        if self._state is not None:
            self._state.remind(session)
        return []

    def ended(self, listener: Address) -> Effects:
        """A session has, or a relay. Marks are written now: who reloads a page should find as read what was read."""
        state = self._state
        if state is None:
            return []
        if not state.audience.ended_elsewhere(listener):
            state.detach(listener)
        return save_marks(state)

    def appears(self, told: Appears) -> Effects:
        """Somebody who is attached looks otherwise; while it opens, whoever attaches says so."""
        if self._state is not None and self._state.audience.sessions_of((told.user,)):
            self._state.audience.shows(HERE, told.user, told.shown)
        return []

    def blocked(self, change: BlockChange) -> Effects:
        """While it opens, it has yet to read how that stands, or is told again."""
        if self._state is not None:
            blocked(self._state, change)
        return []

    # --- relays -----------------------------------------------------------------------------------------------

    def subscribe(self, applicant: Applicant) -> Effects:
        return self._subscribe(applicant) if self._behind is None else self._come_behind(self._behind, applicant)

    def _subscribe(self, applicant: Applicant) -> Effects:
        state = self._state
        if self._leaving_since is not None:
            return []
        if self._opening is not None or state is None:
            return self._wait(applicant)
        self._alone_since = None
        return relaying.subscribe(state, applicant)

    def admit(self, admit: Admit) -> Effects:
        return self._admit(admit) if self._behind is None else self._come_behind(self._behind, admit)

    def _admit(self, admit: Admit) -> Effects:
        state = self._state
        if self._leaving_since is not None or state is None:
            return []
        return relaying.admit(state, admit) if self._opening is None else self._wait(admit)

    def here(self, here: Here) -> Effects:
        state = self._state
        return [] if state is None else [*relaying.here(state, here), *save_marks(state)]

    def forwarded(self, forwarded: Forwarded, now: float) -> Effects:
        request = [] if self._state is None else relaying.request_of(self._state, forwarded)
        return self.request(request, now) if isinstance(request, Request) else request

    # --- what waits until it is open --------------------------------------------------------------------------

    def _wait(self, what: Waiting) -> Effects:
        if self._opening is None:
            return refuse_any(what, self._room, no_such_room())
        return [] if self._opening.keeps(what) else refuse_any(what, self._room, unavailable())

    def _wait_again(self, state: RoomState, request: Request, now: float) -> Effects:
        """A post behind a refused one does not wait: by the time the room is open again nobody would know."""
        if not state.admits(request, now):
            return [state.unavailable(request, now)]
        return self._wait(request)

    def _come_behind(self, behind: deque[Waiting], what: Attach | Applicant | Admit) -> Effects:
        behind.append(what)
        return []

    def _wait_behind(self, behind: deque[Waiting], request: Request, now: float) -> Effects:
        """While it is still busy with what it was told before. What is refused now comes again before what follows."""
        state = self._state
        if state is not None and (len(behind) >= WAITING_LIMIT or not state.admits(request, now)):
            return [state.unavailable(request, now)]
        behind.append(request)
        return []

    # --- opening ----------------------------------------------------------------------------------------------

    def started(self, now: float, *, is_inherited: bool = False) -> Effects:
        """`is_inherited`: it was another node's a moment ago."""
        self._opening = Opening(self._room, self._itself, self._refs, is_inherited=is_inherited)
        return [self._opening.begin(None, now)]

    def _open_again(self, held: int, now: float) -> Write:
        self._opening = Opening(self._room, self._itself, self._refs)
        return self._opening.begin(held, now)

    def _opening_went_on(self, opening: Opening, value: object, now: float) -> Effects:
        match opening.answered(value, now):
            case Consult() as question:
                return [question]
            case Opened() as opened:
                return self._opened(opened, opening, now)
            case NoRoom():
                return self._vanished(opening.waiting)

    def _opened(self, opened: Opened, opening: Opening, now: float) -> Effects:
        self._opening = None
        state = self._state
        if state is None:
            self._alone_since = now
            effects = self._first_opened(opened, now, is_inherited=opening.is_inherited)
        else:
            effects = opened_again(state, opened, now)
        self._behind = deque((*opening.waiting, *(self._behind or ())))
        return [*effects, *self.go_on(now)]

    def go_on(self, now: float) -> Effects:
        """Look at more of what it was told while it opened, and at what came behind that: a portion."""
        behind = self._behind
        if behind is None or self._opening is not None:
            return []
        effects: Effects = []
        for what in portion_of(behind):
            effects += self._look_at(what, now)
        if behind:
            return [*effects, GoOn()]
        self._behind = None
        return [*effects, *([] if self._state is None else self._leave_when_landed(self._state, now))]

    def _look_at(self, what: Waiting, now: float) -> Effects:
        match what:
            case Request():
                return self._request(what, now)
            case Attach():
                return self._attach(what)
            case Applicant():
                return self._subscribe(what)
            case Admit():
                return self._admit(what)

    def _first_opened(self, opened: Opened, now: float, *, is_inherited: bool) -> Effects:
        """Tell all members of it. Those who heard of it before ignore that; but a room that crashed, or a session
        that did, may have owed somebody the news."""
        self._state = state = RoomState(
            opened.record, opened.lineage, itself=self._itself, incarnation=self._incarnation, refs=self._refs,
            sizes=self._sizes, now=now, unfinished=self._unfinished,
        )  # fmt: skip
        if is_inherited:
            state.ongoing.doubt()
        if state.large:
            return []
        return [TellUser(user, Added(self._room, member.read)) for user, member in state.members.items()]

    def _vanished(self, waiting: Iterable[Waiting]) -> Effects:
        self._opening = None
        self._gone = True
        return [*(effect for what in waiting for effect in refuse_any(what, self._room, no_such_room())), Rest()]

    # --- what the store says ----------------------------------------------------------------------------------

    def outcomes(self, told: Outcomes, now: float) -> Effects:
        state = self._state
        if self._opening is not None or state is None or told.lineage != state.lineage:
            return []
        landing = Landing(state, now)
        lost: Effects = []
        for outcome in told.outcomes:
            if isinstance(outcome, Lost):
                lost = self._lineage_ended(state, now)
                break
            landing.take(outcome)
            if landing.is_last:
                return [*landing.effects(), *self._buried(state, landing)]
        effects = [*landing.effects(), *lost]
        for request in landing.deferred:
            effects += self._request(request, now)
        return [*effects, *self._leave_when_landed(state, now)]

    def _buried(self, state: RoomState, landing: Landing) -> Effects:
        """Whoever still comes finds no room."""
        self._state = None
        self._gone = True
        return bury(state, landing.deferred)

    def _lineage_ended(self, state: RoomState, now: float) -> Effects:
        pending, deferred = state.in_flight.abandon()
        effects: Effects = [state.unavailable(request, now) for one in pending for request in one.requests]
        begin = self._open_again(state.last_seq, now)
        for request in deferred:
            effects += self._wait_again(state, request, now)
        effects.append(begin)
        return effects

    def done(self, done: Done, now: float) -> Effects:
        if self._opening is not None and self._opening.waits_for(done.ref):
            return self._opening_went_on(self._opening, done.value, now)
        state = self._state
        if state is None or self._leaving_since is not None:
            return []
        if (purpose := state.questions.take(done.ref)) is None:
            return [*tally_read(state.audience, done)]
        if isinstance(purpose, PersonWanted) and self._opening is not None:
            return self._wait_again(state, purpose.request, now)
        return answer_found(state, purpose, done.value, now)

    def failed(self, failed: Failed, now: float) -> Effects:
        if self._opening is not None and self._opening.waits_for(failed.ref):
            self._opening.failed(now)
            return []
        if self._state is None:
            return []
        if (purpose := self._state.questions.take(failed.ref)) is None:
            tally_failed(self._state.audience, failed)
            return []
        return given_up(self._state, purpose, failed.refusal, now)

    def not_taken(self, message: Append | Anchor | Release | SaveMarks, now: float) -> Effects:
        """The writer's queue is full."""
        match message:
            case Anchor() if self._opening is not None:
                self._opening.failed(now)
            case SaveMarks() if self._state is not None:
                self._state.receipts.save_again(message.marks)
            case Append() if self._state is not None:
                return self._append_not_taken(self._state, message, now)
        return []

    def _append_not_taken(self, state: RoomState, append: Append, now: float) -> Effects:
        settled = state.in_flight.settle(append.ref)
        if settled is None:
            return []
        pending, deferred = settled
        effects: Effects = [state.unavailable(request, now) for request in pending.requests]
        for request in deferred:
            effects += self._request(request, now)
        return effects

    # --- handing over -----------------------------------------------------------------------------------------

    def hand_over(self, now: float) -> Effects:
        """Take nothing new, and stop when what is on its way has landed."""
        self._leaving_since = now
        if self._state is not None:
            return self._leave_when_landed(self._state, now)
        self._gone = True
        return [Rest()]

    def _leave_behind(self, request: Request, now: float) -> Effects:
        return [] if self._state is None or self._opening is not None else leave_behind(self._state, request, now)

    def _leave_when_landed(self, state: RoomState, now: float) -> Effects:
        if self._leaving_since is None or self._gone or self._behind is not None:
            return []
        effects = end_when_landed(state, now - self._leaving_since)
        self._gone = bool(effects)
        return effects

    # --- once a second ----------------------------------------------------------------------------------------

    def saved(self, told: MarksSaved) -> Effects:
        """What the writer has lost is written with the next beat."""
        if self._state is not None and told.are_saved:
            self._state.receipts.saved(told.marks)
        elif self._state is not None:
            self._state.receipts.save_again(told.marks)
        return []

    def stopped(self) -> Effects:
        """The room is told to stop: the last chance to write marks."""
        effects = [] if self._state is None else save_marks(self._state)
        self._unfinished.forget(self._room)
        return effects

    def beat(self, now: float) -> Effects:
        state = self._state
        if self._leaving_since is not None:
            return [] if state is None else self._leave_when_landed(state, now)
        if self._opening is not None:
            again = self._opening.beat(now)
            return [] if again is None else [again]
        if state is None:
            return []
        effects: Effects = []
        for purpose in state.overdue(now):
            effects += given_up(state, purpose, unavailable(), now)
        state.look_for_the_gone(now)
        effects += self._tell_news(state, now)
        effects += tell_all(state, now)
        effects += self._give_up_writer(state, now)
        state.sweep(now)
        effects += self._rest(state, now)
        return effects

    def _tell_news(self, state: RoomState, now: float) -> Effects:
        """Now, unless too many rooms have something to say: then when it is this one's turn."""
        if state.large:
            return self._tell_counts(state, now)
        if self._announces:
            return []
        wait = self._announcing.wait(now) if is_to_announce(state, now) else 0.0
        self._announces = wait > 0.0
        return [Announce(wait)] if wait else news(state, now, self._announcing.grace)

    def _tell_counts(self, state: RoomState, now: float) -> Effects:
        """Of members at once; of who is online in its turn, or along with that. Nobody is kept who moves meanwhile."""
        has_moved = state.audience.has_news
        state.audience.no_news()
        if state.stats_due:
            return counts(state)
        if self._announces or not has_moved:
            return []
        wait = self._announcing.wait_to_count(now, state.audience.count_shown())
        self._announces = wait > 0.0
        return [Announce(wait)] if wait else counts(state)

    def announce(self, now: float) -> Effects:
        """It is this room's turn to say who came and who went; or somebody's grace is over, and it may be given one."""
        is_turn, self._announces = self._announces, False
        state = self._state
        if state is None or self._opening is not None or self._leaving_since is not None:
            return []
        return news(state, now, self._announcing.grace) if is_turn else self._tell_news(state, now)

    def _give_up_writer(self, state: RoomState, now: float) -> Effects:
        """An append without outcome for this long was lost with the writer that had it."""
        oldest = state.oldest_append
        if oldest is None or now - oldest.since < PATIENCE_SECONDS:
            return []
        return self._lineage_ended(state, now)

    def _rest(self, state: RoomState, now: float) -> Effects:
        if not state.audience.is_nobody:
            self._alone_since = None
            return []
        if self._alone_since is None or state.is_busy:
            self._alone_since = now
        if now - self._alone_since < REST_SECONDS:
            return []
        self._gone = True
        return [Write(Release(self._room, state.lineage)), Rest()]
