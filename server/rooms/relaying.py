"""What an open room does about the relays of other nodes: pure.

A relay stands for all sessions of its node, and is known by the number of its subscription. Whatever carries another
number was meant for another life of the room, whose end its relay hears of, and is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from sys import intern

from actors import Address
from server.protocol.entries import Left
from server.protocol.errors import unavailable
from server.protocol.replies import error_from
from server.relays.messages import Admit, Forwarded, Here, NotSubscribed, Subscribe, Subscribed
from server.rooms.appearances import Said
from server.rooms.effects import Effect, InTurn, Reply, Watch
from server.rooms.messages import Request
from server.rooms.opening import Applicant
from server.rooms.remote import RemoteAsker
from server.rooms.state import RoomState

Effects = list[Effect]


def subscribe(state: RoomState, applicant: Applicant) -> Effects:
    """Take a relay in, with its users, of whom those are left out who are no members."""
    subscribe, epoch = applicant.subscribe, applicant.epoch
    relay, elsewhere = subscribe.relay, state.audience.elsewhere
    if epoch is None or epoch < subscribe.epoch_seen or (elsewhere is not None and elsewhere.epoch != epoch):
        return [not_subscribed(subscribe)]
    number = state.audience.subscribe(relay, subscribe.ref, epoch, state.next_ref())
    subscriber = state.audience.subscriber(number)
    members = state.members
    if 0 <= subscribe.epoch_seen < epoch:
        state.ongoing.doubt()
    _say(state, number, subscribe.said)
    state.audience.came_elsewhere(number, _members(members, (*subscribe.users, *subscribe.admit)))
    subscriber.gone += tuple(user for user in subscribe.users if user not in members)
    effects: Effects = [Watch(relay)]
    if not subscribe.more:
        record, gone = state.record, subscriber.gone
        subscriber.gone = ()
        admitted = state.admitted(subscribe.ref, subscribe.admit) if subscribe.admit else None
        told = Subscribed(subscribe.ref, number, epoch, record.log, record.kind, state.last_seq, gone, admitted)
        effects.append(InTurn(told, relay))
    return effects


def _say(state: RoomState, subscription: int, said: Said) -> None:
    """How these look, before they count as being there: who is invisible is not seen for a moment."""
    for user, shown in said:
        if user in state.members:
            state.audience.shows(subscription, user, shown)


def not_subscribed(subscribe: Subscribe) -> Effect:
    return Reply(subscribe.relay, NotSubscribed(subscribe.ref, error_from(unavailable())))


def admit(state: RoomState, admit: Admit) -> Effects:
    relay = relay_of(state, admit.subscription)
    if relay is None:
        return []
    _say(state, admit.subscription, admit.said)
    state.audience.came_elsewhere(admit.subscription, _members(state.members, admit.users))
    return [InTurn(state.admitted(admit.ref, admit.users), relay)]


def here(state: RoomState, told: Here) -> Effects:
    """Whoever is told to be there, and is no member, was removed before anybody knew of it."""
    if relay_of(state, told.subscription) is None:
        return []
    members = state.members
    _say(state, told.subscription, told.said)
    state.audience.came_elsewhere(told.subscription, _members(members, told.came))
    state.audience.went_elsewhere(told.subscription, told.went)
    effects: Effects = []
    for user in told.came:
        if user not in members:
            effects += state.remove(user, Left(room=state.room, user=user))
    return effects


def request_of(state: RoomState, forwarded: Forwarded) -> Request | Effects:
    """The command as if it were said here; where one is missing before it, the end of the subscription.

    So all that is open there is refused, as far as it was not answered, and no post goes where one before it did not.
    """
    elsewhere = state.audience.elsewhere
    subscriber = None if elsewhere is None else elsewhere.find(forwarded.subscription)
    if subscriber is None:
        return []
    subscriber.heard += 1
    if subscriber.heard != forwarded.number:
        state.audience.ended_elsewhere(subscriber.relay)
        return [Reply(subscriber.relay, NotSubscribed(subscriber.ref, error_from(unavailable())))]
    asker = RemoteAsker(subscriber.relay, forwarded.asker)
    attachment = None if forwarded.asker is None else state.first_number
    return Request(forwarded.ref, asker, forwarded.user, forwarded.command, attachment, hides=forwarded.hides)


def relay_of(state: RoomState, subscription: int) -> Address | None:
    elsewhere = state.audience.elsewhere
    subscriber = None if elsewhere is None else elsewhere.find(subscription)
    return None if subscriber is None else subscriber.relay


def _members(members: Collection[str], users: Iterable[str]) -> list[str]:
    """Those of the users who are members, by the very names that the store has given it of them.

    Each message brings its own copies, and to keep these would be a fifth of what a subscribed node takes.
    """
    return [intern(user) for user in users if user in members]
