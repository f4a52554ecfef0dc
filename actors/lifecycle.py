"""The life of an incarnation: begin, end, and the close of an address for good. And who hears about it.

The rules:
- An incarnation ends exactly once, and everything that was tied to it ends with it: its questions fail, its
  watchers are told `Down`, those linked with it fall, its own watches, groups and timers lapse.
- `Down` goes into the mailbox as any message does: behind everything the actor had told that watcher before.
- An address and its state refer to each other only while the incarnation lives; `end` parts them, so that
  neither needs the collector.
"""

from __future__ import annotations

import logging

from actors.actor_code import calls_actor
from actors.address import CLOSED, Address, Extra
from actors.errors import CRASHES, AskFailed, Crashed, Stopped, untraced
from actors.far_address import FarAddress
from actors.messages import NORMAL, Down, Start, Stop
from actors.request import drop_answers
from actors.ties import is_tied, tie, untie, watched_by, watchers_of

log = logging.getLogger("actors.supervisor")

START = Start()


@calls_actor
def begin(address: Address, args: tuple[object, ...]) -> None:
    """Make the first incarnation from `args`. Raises whatever making it raises; then the address is as it was."""
    blueprint = address._blueprint
    actor = blueprint.start(*args)
    actor.address = address
    actor_class = actor.__class__
    if actor_class is not blueprint.actor_class:
        blueprint = address._blueprint = blueprint.for_class(actor_class)
    address._actor = actor
    if blueprint.has_started:
        address._urgent = [START, *(address._urgent or ())]
    if address._urgent is not None or address._box:
        blueprint.scheduler.enqueue(address)
    else:
        address._box = None


def begin_again(address: Address, args: tuple[object, ...]) -> None:
    """As `begin`, for the lives after the first: who was traced in a former one still is."""
    begin(address, args)
    address._more().incarnation += 1
    trace = address._blueprint.system.traces.get(address)
    if trace is not None and address._actor is not None:
        address._actor = trace.around(address._actor)


def crash(address: Address, error: BaseException) -> None:
    """An exception has left the actor's code: log it, and end the incarnation."""
    log.error("%s crashed: %r", address.path, error, exc_info=error)
    end(address, untraced(error))


@calls_actor
def stop(address: Address, reason: object) -> None:
    """End the incarnation in order: its `stopped` hook runs first."""
    actor = address._actor
    if actor is not None:
        try:
            actor.stopped(reason)
        except CRASHES as error:
            crash(address, error)
            return
    if isinstance(reason, BaseException):
        crash(address, reason)
    else:
        end(address, reason)


def end(address: Address, reason: object) -> None:
    """The incarnation is over: tell everyone, and let the supervisor decide."""
    if address._actor is None:
        address._blueprint.system.suspended.pop(address, None)
    address._actor = None
    if address._box is None:
        address._box = []
    if address._urgent is not None:
        kept = [message for message in address._urgent if not isinstance(message, (Start, Stop))]
        address._urgent = kept or None
    if reason is not NORMAL or address._extra is not None:
        address._more().reason = reason
    extra = address._extra
    if extra is not None:
        _fail_received_questions(address, extra, reason)
        if extra.answered:
            drop_answers(address, extra)
    _lapse(address)
    _announce(address, reason)
    links = address._blueprint.system.links
    if links:
        links.ended(address, reason)
    address._blueprint.owner.child_ended(address, reason)


def close(address: Address, reason: object) -> None:
    """The address takes no message any more; what waits in its mailbox is lost, and counted."""
    box, urgent = address._box, address._urgent
    if box is CLOSED:
        return
    address._box, address._urgent, address._actor = CLOSED, None, None
    system = address._blueprint.system
    for message in (*(box or ()), *(urgent or ())):
        system.dead_letters.lost(address, message)
    system.names.free(address._key, address)
    if address._ties is not None:
        for watcher in watchers_of(address):
            if isinstance(watcher, FarAddress):
                watcher.watches_no_more(address)
            else:
                untie(watcher, address)
    extra = address._extra
    if extra is not None:
        for reply in tuple(extra.questions or ()):
            reply.fail(Stopped(f"{address.path} has stopped"))
        extra.args, extra.questions = (), None


def kill(address: Address, reason: object) -> None:
    """End the incarnation at once: no hook of it runs."""
    if address.living:
        end(address, reason)


def watch(watcher: Address, target: Address) -> None:
    """See `Actor.watch`."""
    if isinstance(target, FarAddress):
        target.watched_by(watcher)
        return
    if is_tied(watcher, target):
        return
    if not target.living:
        watcher.answer(last_end(target))
    if target._box is CLOSED:
        return
    tie(watcher, target)


def last_end(target: Address) -> Down:
    """What whoever begins to watch it hears of one that is down."""
    reason = None if target._extra is None else target._extra.reason
    return Down(target, target.incarnation, NORMAL if reason is None else reason)


def unwatch(watcher: Address, target: Address) -> None:
    """See `Actor.unwatch`."""
    if isinstance(target, FarAddress):
        target.unwatched_by(watcher)
    else:
        untie(watcher, target)


def _announce(address: Address, reason: object) -> None:
    if address._ties is not None:
        down = Down(address, address.incarnation, reason)
        for watcher in watchers_of(address):
            watcher.answer(down)


def _lapse(address: Address) -> None:
    """What the incarnation had joined and watched, it has no more."""
    if address._ties is not None:
        for target in watched_by(address):
            unwatch(address, target)
    if address._groups is not None:
        address._blueprint.system.groups.leave_all(address)


def _fail_received_questions(address: Address, extra: Extra, reason: object) -> None:
    """Questions the incarnation had received will not be answered; those still in the mailbox wait for the next."""
    if not extra.questions:
        return
    unread = (*(address._box or ()), *(address._urgent or ()))
    waiting = {id(getattr(message, "reply_to", None)) for message in unread}
    for reply in [reply for reply in extra.questions if id(reply) not in waiting]:
        del extra.questions[reply]
        reply.fail(_no_answer(address, reason))


def _no_answer(address: Address, reason: object) -> AskFailed:
    """What an asker is told; one for each, because raising an exception changes it."""
    if not isinstance(reason, BaseException):
        return Stopped(f"{address.path} has stopped")
    failure = Crashed(f"{address.path} crashed: {type(reason).__name__}")
    failure.__cause__ = reason
    return failure
