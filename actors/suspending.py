"""Suspending: an actor that lives, keeps everything, and receives nothing until it is resumed (`sys:suspend`).

The rules:
- While it is suspended its actor is kept by the system, and its address has none. So whoever tells it finds a
  mailbox that waits already, nothing is put on the run queue, and the hot path never asks.
- Its supervisor can still stop it, in order and at once: it is resumed for that, with the stop ahead of all that it
  would receive. So can whoever it is linked with. It can be killed, watched, named and asked; it answers when it is
  resumed.
- A suspension belongs to an incarnation and ends with it.

Whoever wants to know whether there is an incarnation asks `Address.living`, not whether there is an actor in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from actors.errors import Lifeless
from actors.messages import Start, Stop

if TYPE_CHECKING:
    from actors.actor import Actor
    from actors.address import Address


def suspend(address: Address) -> None:
    """Have it receive nothing from now on; what is told to it waits. Harmless when repeated.

    Raises:
        Lifeless: it has stopped, or waits for its restart.
        RuntimeError: it is the actor that is running.
    """
    system = address._blueprint.system
    if address in system.suspended:
        return
    actor = living_actor(address)
    if address._box is None:
        address._box = []
    elif not system.scheduler.withdraw(address):
        raise RuntimeError(f"{address.path} is running, and cannot suspend itself")
    system.suspended[address], address._actor = actor, None


def resume(address: Address) -> None:
    """Let it receive again, first what has waited. Harmless when it is not suspended. Raises `Lifeless`."""
    living_actor(address)
    wake(address)


def wake(address: Address) -> None:
    """As `resume`, whoever it is and however it is."""
    system = address._blueprint.system
    actor = system.suspended.pop(address, None)
    if actor is None:
        return
    address._actor = actor
    if address._box or address._urgent is not None:
        system.scheduler.enqueue(address)
    else:
        address._box = None


def end_soon(address: Address, reason: object) -> bool:
    """Have it end in order; if it is suspended, before it receives anything more. False if it has stopped."""
    if not address.urgent(Stop(reason)):
        return False
    urgent = address._urgent
    if urgent is not None and address in address._blueprint.system.suspended:
        urgent.insert(1 if isinstance(urgent[0], Start) else 0, urgent.pop())
        wake(address)
    return True


def living_actor(address: Address) -> Actor:
    """The actor of this address, or what stands in for it while it is traced. Raises `Lifeless`."""
    actor = address._actor
    if actor is None:
        actor = address._blueprint.system.suspended.get(address)
    if actor is None:
        raise Lifeless(f"{address.path} {'waits for its restart' if address.alive else 'has stopped'}")
    return actor


def itself(address: Address) -> Actor:
    """The actor of this address, and not what stands in for it while it is traced. Raises `Lifeless`."""
    trace = address._blueprint.system.traces.get(address)
    actor = living_actor(address)
    return actor if trace is None else trace.behind(actor)


def put_in_place(address: Address, actor: Actor) -> None:
    """Make this the actor of an address that has one; it stays suspended, or not."""
    suspended = address._blueprint.system.suspended
    if address in suspended:
        suspended[address] = actor
    else:
        address._actor = actor


def refuse_running(addresses: Iterable[Address]) -> None:
    """Raise RuntimeError if one of these is receiving a message right now: who neither rests nor stands in the queue.

    The queue is looked through once, however many they are.
    """
    busy = [address for address in addresses if address._actor is not None and address._box is not None]
    if busy:
        queued = set(busy[0]._blueprint.system.scheduler._ready)
        for address in busy:
            if address not in queued:
                raise RuntimeError(f"{address.path} is running, and cannot be changed by itself")
