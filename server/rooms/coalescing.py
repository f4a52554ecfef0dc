"""What an open room tells and writes now and then, most of it once a second: pure.

Who came and went, how far people have read, how many they are: everything here is coalesced, and turns into counts, or
into nothing, where a room is large.
"""

from __future__ import annotations

from server.protocol.events import ReadMark, Receipt, RoomStats
from server.rooms import pulsing
from server.rooms.effects import Announce, Consult, Effect, Write
from server.rooms.inviting import tell_asked
from server.rooms.questions import AuthorsWanted
from server.rooms.readers import Covered
from server.rooms.receipts import grouped
from server.rooms.state import RoomState
from server.store.history_messages import ReadAuthors
from server.store.room_messages import SaveMarks

Effects = list[Effect]


def is_to_announce(state: RoomState, now: float) -> bool:
    """Whether something is to be told of who came and who went."""
    return state.audience.has_news or state.audience.is_due(now)


def news(state: RoomState, now: float, grace: float) -> Effects:
    """Who came and who went; in a large room only how many there are."""
    if state.large:
        state.audience.no_news()
        return counts(state)
    effects: Effects = []
    if presence := state.audience.news(now, grace):
        effects += state.pass_on(presence)
    if (seconds := state.audience.wake_in(now)) is not None:
        effects.append(Announce(seconds))
    state.stats_told()
    return effects


def counts(state: RoomState) -> Effects:
    """How many members there are, and how many of them are online."""
    state.stats_told()
    return state.pass_on([RoomStats(room=state.room, members=len(state.members), online=state.audience.count_shown())])


def tell_all(state: RoomState, now: float) -> Effects:
    """What is due every second, but for who came and went."""
    passive = pulsing.tell_passive(state.audience, state.room, state.itself, state.next_ref, now)
    return [
        *tell_receipts(state, now), *tell_own_marks(state), *save_marks(state), *tell_asked(state), *passive,
    ]  # fmt: skip


def save_marks(state: RoomState) -> Effects:
    marks = state.receipts.unsaved(state.members) if state.has_marks else ()
    return [Write(SaveMarks(state.room, marks, state.itself))] if marks else []


def _ask_authors(state: RoomState, covered: Covered, now: float) -> Effect:
    ref = state.next_ref()
    state.questions.asked(ref, AuthorsWanted(covered), now)
    return Consult(ReadAuthors(reply_to=state.itself, ref=ref, room=state.room, after=covered.after, upto=covered.upto))


def tell_own_marks(state: RoomState) -> Effects:
    """To those who listen in several places. Sessions on one node have told each other: most people have one."""
    effects: Effects = []
    for user, seen in state.receipts.own_marks(state.members).items() if state.has_marks else ():
        if state.audience.places_of(user) > 1:
            effects += state.pass_on_to((user,), [ReadMark(room=state.room, read_seq=seen)])
    return effects


def receipts_told(state: RoomState, told: list[tuple[Receipt, frozenset[str]]]) -> Effects:
    effects: Effects = []
    for authors, receipts in () if state.is_parted else grouped(told).items():
        effects += state.pass_on_to(authors, receipts)
    return effects


def tell_receipts(state: RoomState, now: float) -> Effects:
    """Who has received and read how far; in a large room only how many have read."""
    effects: Effects = []
    if state.large:
        for author, readers in state.receipts.count(state.members, now).items() if state.has_marks else ():
            effects += state.pass_on_to((author,), readers)
        return effects
    told: list[tuple[Receipt, frozenset[str]]] = []
    for covered in state.receipts.untold(state.members) if state.has_marks else ():
        authors = state.receipts.authors(covered)
        if authors is None:
            effects.append(_ask_authors(state, covered, now))
        else:
            told.append((covered.receipt, authors))
            state.receipts.told(covered.receipt.user)
    return [*effects, *receipts_told(state, told)]
