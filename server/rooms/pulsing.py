"""What a room, or a relay, does once a second for those who are not looking at it: pure."""

from __future__ import annotations

from collections.abc import Callable

from server.rooms.audience import Audience
from server.rooms.effects import Consult, FanOut
from server.rooms.passive import Told
from server.store.questions import Asker, Done, Failed
from server.store.tally import ReadTally, Tally

Effects = list[Consult | FanOut]


def tell_passive(audience: Audience, room: str, itself: Asker, next_ref: Callable[[], int], now: float) -> Effects:
    """The next portion of a round, and the question that the next round, or whoever is due, waits for."""
    passive = audience.passive
    if passive is None or not passive.is_restless:
        return []
    effects = _told(passive.next_portion())
    ref = next_ref()
    if passive.asks(ref, now):
        effects.append(Consult(ReadTally(reply_to=itself, ref=ref, room=room)))
    return effects


def tally_read(audience: Audience, done: Done) -> Effects:
    """An answer of the store, if it is the one that is waited for here."""
    passive = audience.passive
    if passive is None or not isinstance(done.value, Tally):
        return []
    return _told(passive.answered(done.ref, done.value))


def tally_failed(audience: Audience, failed: Failed) -> None:
    """The same, where the store could not be asked."""
    if (passive := audience.passive) is not None:
        passive.failed(failed.ref)


def _told(told: Told | None) -> Effects:
    return [] if told is None else [FanOut(*told)]
