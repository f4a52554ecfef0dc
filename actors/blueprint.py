"""Blueprint: what all children of one specification share, so that none of them has to carry it.

A specification's `start` may return actors of several classes; each class gets its own variant of the
blueprint, because the hooks a class overrides are looked up once, here, and not at every activation. Variants know
each other weakly: one that no actor has any more is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

from actors.actor import Actor
from actors.mailbox import Mailbox, Overflow

if TYPE_CHECKING:
    from actors.address import Address
    from actors.scheduler import Scheduler
    from actors.system import System


class Owner(Protocol):
    """The supervisor of an actor, as its lifecycle sees it."""

    def path_of(self, address: Address) -> str:
        """Where this child stands in the tree."""
        ...

    def child_started(self, address: Address) -> None:
        """Its `started` hook has run."""
        ...

    def child_ended(self, address: Address, reason: object) -> None:
        """An incarnation has ended: start the next one, now or later, or close the address."""
        ...

    def start_changed(self, address: Address, start: Callable[..., Actor]) -> None:
        """The code of this child alone is changed: `start` makes its next lives."""
        ...


class Blueprint:
    """The shared record of all actors of one specification and one class."""

    __slots__ = (
        "__weakref__",
        "actor_class",
        "actor_name",
        "has_settled",
        "has_started",
        "limit",
        "overflow",
        "owner",
        "scheduler",
        "start",
        "system",
        "variants",
    )

    def __init__(
        self,
        system: System,
        owner: Owner,
        start: Callable[..., Actor],
        mailbox: Mailbox,
        variants: WeakValueDictionary[type[Actor], Blueprint] | None = None,
    ) -> None:
        self.system = system
        self.scheduler: Scheduler = system.scheduler
        self.owner = owner
        self.start = start
        self.limit: int = mailbox.limit
        self.overflow: Overflow = mailbox.overflow
        self.variants = WeakValueDictionary[type[Actor], Blueprint]() if variants is None else variants
        self.actor_class: type[Actor] | None = None
        self.actor_name = ""
        self.has_started = False
        self.has_settled = False

    def for_class(self, actor_class: type[Actor]) -> Blueprint:
        """The variant for actors of this class."""
        known = self.variants.get(actor_class)
        if known is None:
            mailbox = Mailbox(self.limit, self.overflow)
            known = Blueprint(self.system, self.owner, self.start, mailbox, self.variants)
            known.actor_class = actor_class
            known.actor_name = actor_class.__qualname__
            known.has_started = actor_class.started is not Actor.started
            known.has_settled = actor_class.settled is not Actor.settled
            self.variants[actor_class] = known
        return known

    def start_with(self, start: Callable[..., Actor]) -> None:
        """From now on `start` makes the lives of all who share this blueprint, or a variant of it."""
        for shared in (self, *self.variants.values()):
            shared.start = start
