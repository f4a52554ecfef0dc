"""Hot code change: a running actor goes on as one of another class, with all it has but its code (OTP's `code_change`).

The rules:
- What belongs to the address stays: mailbox, name, groups, watches and watchers, links, timers, open questions, and
  the number of the incarnation. Only the object behind it is another one.
- All or nothing. All new objects are made first; if one cannot be, none is used, and nothing has happened.
- Nothing runs meanwhile: a change is one synchronous step, so whoever is changed is as good as suspended. Who is
  suspended stays so. That step takes about 6 us for each actor, during which nothing else runs.
- What is changed stays changed: over restarts of the actor and of its supervisors. A class that a specification names
  is replaced by the new one, alone or in a `partial`; a function that still makes actors of the old class has them
  changed as the running ones were.

Left out: changing by the new version of a whole application (`.appup`): a list of modules in the order of their
change, with nothing behind it but calls of `change_all`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from actors.actor_code import calls_actor, hands_on
from actors.blueprint import Blueprint
from actors.errors import CRASHES, ChangeFailed, Lifeless
from actors.mailbox import Mailbox
from actors.suspending import itself, put_in_place, refuse_running

if TYPE_CHECKING:
    from actors.actor import Actor
    from actors.address import Address
    from actors.system import System

Start: TypeAlias = "Callable[..., Actor]"
Classes: TypeAlias = "Mapping[type[Actor], type[Actor]]"
"""What is replaced by what."""


class Code:
    """What is current: asked wherever a specification becomes an actor."""

    __slots__ = ("replaced", "starts")

    def __init__(self) -> None:
        self.replaced: dict[type[Actor], type[Actor]] = {}
        self.starts: dict[str, Start] = {}
        """Of those that were changed alone, by path."""

    def start_of(self, path: str, start: Start) -> Start:
        """What makes the actors of a specification by now."""
        return self.current(self.starts.get(path, start))

    def current(self, start: Start) -> Start:
        """What has become of `start` by what was replaced for all."""
        return successor(start, self.replaced) if self.replaced else start

    def replace(self, classes: Classes) -> None:
        """From now on these are replaced; what replaces them is not, even if it was once."""
        for new_class in classes.values():
            self.replaced.pop(new_class, None)
        self.replaced.update(classes)


class Successor:
    """A function that makes actors, some of them of classes that are replaced: those are changed as they are made."""

    __slots__ = ("replaced", "start")

    def __init__(self, start: Start, replaced: Classes) -> None:
        self.start = start
        self.replaced = replaced

    @hands_on
    def __call__(self, *args: object) -> Actor:
        """Make one."""
        actor = self.start(*args)
        while (new_class := self.replaced.get(type(actor))) is not None:
            actor = changed(actor, new_class)
        return actor


def successor(start: Start, replaced: Classes) -> Start:
    """What makes the same actors as `start`, but of the classes that replace those it makes."""
    if isinstance(start, type):
        while start in replaced:
            start = replaced[start]
        return start
    if isinstance(start, partial):
        return partial(successor(start.func, replaced), *start.args, **start.keywords)
    if isinstance(start, Successor) and start.replaced is replaced:
        return start
    return Successor(start, replaced)


@hands_on
def changed(actor: Actor, new_class: type[Actor]) -> Actor:
    """The actor of the new class that goes on for this one. Raises what its hook raises, and TypeError."""
    new = new_class.code_change(type(actor).version, actor)
    if type(new) is not new_class:
        raise TypeError(f"{new_class.__qualname__}.code_change made a {type(new).__qualname__}")
    return new


def change_code(address: Address, new_class: type[Actor]) -> None:
    """Have one actor go on as one of another class, and be restarted as such.

    Of one that waits for its restart, the next life is of the new class.

    Args:
        address: whose code.
        new_class: of which its `code_change` makes the new object from the old one.

    Raises:
        ChangeFailed: it could not; the actor goes on as it was. What was raised is chained.
        Lifeless: the actor has stopped for good, or never started.
        RuntimeError: it is the actor that is running.
    """
    blueprint = address._blueprint
    old_class = blueprint.actor_class
    if old_class is None or not address.alive:
        raise Lifeless(f"{address.path} has stopped")
    refuse_running([address])
    new = _made(address, new_class)
    start = successor(blueprint.start, {old_class: new_class})
    mailbox = Mailbox(blueprint.limit, blueprint.overflow)
    blueprint.owner.start_changed(address, start)
    _go_on(address, new, Blueprint(blueprint.system, blueprint.owner, start, mailbox).for_class(new_class))


def change_all(system: System, classes: Classes) -> int:
    """Have all actors of some classes go on as actors of others, and all that are started from now on be of those.

    Args:
        system: whose actors.
        classes: what is replaced by what; several when they have to be changed together.

    Returns:
        How many actors were changed.

    Raises:
        ChangeFailed: one of them could not be; all go on as they were. What was raised is chained.
        RuntimeError: one of them is running: it is the one that calls this.
        ValueError: a class is to be replaced, and to replace another.
    """
    if not classes.keys().isdisjoint(classes.values()):
        raise ValueError("a class is either replaced or replaces another")
    everyone = list(system.addresses())
    concerned = [address for address in everyone if address._blueprint.actor_class in classes]
    refuse_running(concerned)
    made = [(address, new_class, _made(address, new_class)) for address, new_class in _with_new(concerned, classes)]
    system.code.replace(classes)
    for blueprint in {*(address._blueprint for address in everyone), *system.blueprints()}:
        blueprint.start_with(system.code.current(blueprint.start))
    for address, new_class, new in made:
        _go_on(address, new, address._blueprint.for_class(new_class))
    return len(made)


def _with_new(addresses: list[Address], classes: Classes) -> list[tuple[Address, type[Actor]]]:
    found = ((address, address._blueprint.actor_class) for address in addresses)
    return [(address, classes[old_class]) for address, old_class in found if old_class is not None]


@calls_actor
def _made(address: Address, new_class: type[Actor]) -> Actor | None:
    """The new object for an actor; None for one that waits for its restart."""
    if not address.living:
        return None
    try:
        return changed(itself(address), new_class)
    except CRASHES as error:
        raise ChangeFailed(address.path) from error


def _go_on(address: Address, new: Actor | None, blueprint: Blueprint) -> None:
    """From here on nothing can fail."""
    address._blueprint = blueprint
    if new is not None:
        new.address = address
        trace = blueprint.system.traces.get(address)
        put_in_place(address, new if trace is None else trace.around(new))
