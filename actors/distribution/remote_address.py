"""RemoteAddress: an actor on another node, to whoever tells, asks or watches it. And who watches from there.

The rules:
- It is a node and a name, not an incarnation: there is one such object for each pair, and it means whoever has the
  name when a message arrives.
- While it is watched, it is kept; else it lives as long as somebody refers to it (`remote_addresses.py`).
- `tell` makes bytes of the message at once, so a message that cannot cross is refused to its teller, by TypeError.
- However many here watch it, one watch goes across. It lasts over restarts, as any, and ends with the link: then
  everybody who watches is told `Down` with `Unreachable`, and watches no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from actors.distribution.envelopes import EnvelopeKind
from actors.errors import AskFailed, Refused, Unreachable
from actors.far_address import FarAddress
from actors.few import Few, added, contains, each, removed
from actors.introspect import Statistics
from actors.lifecycle import last_end
from actors.messages import Down
from actors.ties import tie_far, untie_far

if TYPE_CHECKING:
    from actors.address import Address
    from actors.distribution.distribution import Distribution
    from actors.distribution.peer import Peer
    from actors.distribution.remote_addresses import Children
    from actors.reply import Reply


class RemoteAddress(FarAddress):
    """Made by `Distribution.address`, and by what comes in from other nodes. Compared and hashed by identity.

    Attributes:
        node: the node it is on.
    """

    __slots__ = ("__weakref__", "_life", "_watch", "node")

    _ties: Few[Address]
    """Who watches it."""

    def __init__(self, children: Children, node: str, key: str) -> None:
        super().__init__(children.blueprint, key)
        self.node = node
        self._watch = 0
        self._life = 1  # the last one that ended; inverted, which is below zero, if that was its end for good

    def tell(self, message: object, /) -> bool:
        """As `Address.tell`, across. If there is nobody by this name, the other node may start somebody for it.

        Returns:
            False if it was not taken: the node cannot be reached, or has not kept up with what it was told. True says
            that it is on its way; that it did not arrive is heard by watching.

        Raises:
            TypeError: the codec has no way to bring it across.
        """
        return self._tell(EnvelopeKind.TELL, message)

    def answer(self, message: object, /) -> bool:
        """As `Address.answer`, across: goes beyond the window, and into a full mailbox. Nobody is started for it."""
        return self._tell(EnvelopeKind.ANSWER, message)

    def urgent(self, message: object, /) -> bool:
        """As `Address.urgent`, across: it overtakes what waits in the mailbox, not what is on the way."""
        return self._tell(EnvelopeKind.URGENT, message)

    @property
    def incarnation(self) -> int:
        """Which life the last `Down` was of; 1 before there was any."""
        return self._life if self._life >= 0 else ~self._life

    @property
    def alive(self) -> bool:
        """Whether its node can be reached, and the last that was heard of it is not that it has stopped for good.

        Whoever tells it then, or watches it anew, may find another one by its name.
        """
        return self._life >= 0 and self._distribution.reaches(self.node)

    @property
    def name(self) -> str:
        """What it is called on its node."""
        return f"{self.children.prefix}{self._key}"

    @property
    def key(self) -> str:
        """What of its name it does not share with its siblings."""
        return cast(str, self._key)

    @property
    def children(self) -> Children:
        """Its siblings on all nodes, and itself."""
        return cast("Children", self._blueprint.owner)

    @property
    def path(self) -> str:
        """Its node, and its name there."""
        return f"{self.node}:{self.name}"

    def statistics(self) -> Statistics:
        """As far as is known here, which is little: how it is, its own node says."""
        return Statistics(self.path, "", self._state(), self.incarnation, 0, 0, 0, 0, 0, 0.0, None)

    def watched_by(self, watcher: Address) -> None:
        """See `FarAddress.watched_by`. That it is not there, or cannot be reached, is said like any other end."""
        if contains(self._ties, watcher):
            return
        if not self._watch:
            peer = self._peer
            self._watch = 0 if peer is None else peer.watch(self)
            if not self._watch:
                watcher.answer(Down(self, self.incarnation, Unreachable(f"{self.node} cannot be reached")))
                return
            self._distribution.addresses.keep(self)
        self._ties = added(self._ties, watcher)
        tie_far(watcher, self)

    def unwatched_by(self, watcher: Address) -> None:
        """See `FarAddress.unwatched_by`."""
        self._ties = removed(self._ties, watcher)
        untie_far(watcher, self)
        if self._watch and self._ties is None:
            watch = self._watched_no_more()
            peer = self._peer
            if peer is not None:
                peer.unwatch(watch)

    def went_down(self, incarnation: int, reason: object) -> None:
        """Its node says that an incarnation has ended."""
        self._life = incarnation
        down = Down(self, incarnation, reason)
        for watcher in each(self._ties):
            watcher.answer(down)

    def gone(self) -> None:
        """The watch across is over: it has stopped for good, or cannot be reached."""
        self._watched_no_more()
        self._life = ~self.incarnation
        watchers, self._ties = each(self._ties), None
        for watcher in watchers:
            untie_far(watcher, self)

    def _watched_no_more(self) -> int:
        """Which watch that was."""
        watch, self._watch = self._watch, 0
        self._distribution.addresses.let_go(self)
        return watch

    @property
    def _distribution(self) -> Distribution:
        return self.children.distribution

    @property
    def _peer(self) -> Peer | None:
        return self._distribution.peer(self.node)

    def _tell(self, kind: EnvelopeKind, message: object) -> bool:
        peer = self._peer
        if peer is not None and peer.tell(kind, self.name, message):
            if self._life < 0:
                self._life = ~self._life
            return True
        if peer is None or not peer.accepts:
            self._blueprint.system.dead_letters.lost(self, message)
        return False

    def _why_not(self) -> AskFailed:
        if self._peer is None or not self._peer.accepts:
            return Unreachable(f"{self.path} cannot be reached")
        return Refused(f"the link with {self.node} is full")

    def _opened(self, question: Reply[Any]) -> None:
        """The link has it: it was exported with the message."""

    def _settled(self, question: Reply[Any]) -> None:
        peer = self._peer
        if peer is not None:
            peer.forget(question)

    def __repr__(self) -> str:
        return f"<RemoteAddress {self.path}>"

    def _state(self) -> str:
        return "remote" if self.alive else "unreachable"


class FarWatcher(FarAddress):
    """Watches actors here for whoever watches them on another node: one for all of a session of the link.

    So a watch is an entry in each of two dictionaries, by its number and by who is watched. Nearly always that is one
    watch; an actor with two names may be watched by both.
    """

    __slots__ = ("_numbers", "_peer", "_targets")

    is_watcher = True

    def __init__(self, distribution: Distribution, peer: Peer) -> None:
        super().__init__(distribution.blueprint, None)
        self._peer = peer
        self._targets: dict[int, Address] = {}
        self._numbers: dict[Address, Few[int]] = {}

    @property
    def watches(self) -> int:
        """How many there are."""
        return len(self._targets)

    def begin(self, number: int, target: Address) -> None:
        """Watch this actor, which has not stopped for good. Who gives a number again means this one from now on."""
        self.end(number)
        self._targets[number] = target
        self._numbers[target] = added(self._numbers.get(target), number)
        tie_far(target, self)
        if not target.living:
            self._say_down(number, last_end(target))

    def end(self, number: int) -> None:
        """The watch with this number is over; harmless if there is none."""
        target = self._targets.pop(number, None)
        if target is None:
            return
        left = removed(self._numbers.pop(target), number)
        if left is None:
            untie_far(target, self)
        else:
            self._numbers[target] = left

    def end_all(self) -> None:
        """The session is over."""
        for target in self._numbers:
            untie_far(target, self)
        self._targets, self._numbers = {}, {}

    def answer(self, message: object, /) -> bool:
        """Say on the other node that it is down: behind all that it has told there."""
        assert isinstance(message, Down), f"{message!r} is for nobody"
        for number in each(self._numbers.get(message.address)):
            self._say_down(number, message)
        return True

    def watches_no_more(self, target: Address) -> None:
        """See `FarAddress.watches_no_more`."""
        untie_far(target, self)
        for number in each(self._numbers.pop(target, None)):
            del self._targets[number]
            self._peer.say_gone(number)

    def break_off(self, target: Address, reason: Unreachable) -> None:
        """If it watches this actor: say why it does so no longer."""
        if target in self._numbers:
            self.answer(Down(target, target.incarnation, reason))
            self.watches_no_more(target)

    def _say_down(self, number: int, down: Down) -> None:
        self._peer.say_down(number, down.incarnation, down.reason)
