"""RemoteAddress: an actor on another node, to whoever tells, asks or watches it. And who watches from there.

The rules:
- It is a node and a name, not an incarnation: there is one such object for each pair, and it means whoever has the
  name when a message arrives.
- `tell` makes bytes of the message at once, so a message that cannot cross is refused to its teller, by TypeError.
- However many here watch it, one watch goes across. It lasts over restarts, as any, and ends with the link: then
  everybody who watches is told `Down` with `Unreachable`, and watches no more.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from actors.distribution.envelopes import EnvelopeKind
from actors.errors import AskFailed, Refused, Unreachable
from actors.far_address import FarAddress
from actors.introspect import Statistics
from actors.messages import Down
from actors.ties import is_tied, tie, untie, watchers_of

if TYPE_CHECKING:
    from actors.address import Address
    from actors.distribution.distribution import Distribution
    from actors.distribution.peer import Peer
    from actors.reply import Reply


class RemoteAddress(FarAddress):
    """Made by `Distribution.address`, and by what comes in from other nodes. Compared and hashed by identity.

    Attributes:
        node: the node it is on.
        called: its name there.
    """

    __slots__ = ("__weakref__", "_distribution", "_gone", "_last", "_watch", "called", "node")

    def __init__(self, distribution: Distribution, node: str, name: str) -> None:
        super().__init__(distribution.blueprint, name)
        self.called = name
        self._distribution = distribution
        self.node = node
        self._watch = 0
        self._last = 1
        self._gone = False

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
        return self._last

    @property
    def alive(self) -> bool:
        """Whether its node can be reached, and the last that was heard of it is not that it has stopped for good.

        Whoever tells it then, or watches it anew, may find another one by its name.
        """
        peer = self._peer
        return peer is not None and peer.accepts and not self._gone

    @property
    def name(self) -> Hashable | None:
        """What it is called on its node."""
        return self._key

    @property
    def path(self) -> str:
        """Its node, and its name there."""
        return f"{self.node}:{self._key}"

    def statistics(self) -> Statistics:
        """As far as is known here, which is little: how it is, its own node says."""
        return Statistics(self.path, "", self._state(), self._last, 0, 0, 0, 0, 0, 0.0, None)

    def watched_by(self, watcher: Address) -> None:
        """See `FarAddress.watched_by`. That it is not there, or cannot be reached, is said like any other end."""
        if is_tied(watcher, self):
            return
        if not self._watch:
            peer = self._peer
            self._watch = 0 if peer is None else peer.watch(self)
            if not self._watch:
                watcher.answer(Down(self, self._last, Unreachable(f"{self.node} cannot be reached")))
                return
        tie(watcher, self)

    def unwatched_by(self, watcher: Address) -> None:
        """See `FarAddress.unwatched_by`."""
        untie(watcher, self)
        if self._watch and not watchers_of(self):
            watch, self._watch = self._watch, 0
            peer = self._peer
            if peer is not None:
                peer.unwatch(watch)

    def went_down(self, incarnation: int, reason: object) -> None:
        """Its node says that an incarnation has ended."""
        self._last = incarnation
        down = Down(self, incarnation, reason)
        for watcher in watchers_of(self):
            watcher.answer(down)

    def gone(self) -> None:
        """The watch across is over: it has stopped for good, or cannot be reached."""
        self._watch = 0
        self._gone = True
        for watcher in watchers_of(self):
            untie(watcher, self)

    @property
    def _peer(self) -> Peer | None:
        return self._distribution.peer(self.node)

    def _tell(self, kind: EnvelopeKind, message: object) -> bool:
        peer = self._peer
        if peer is not None and peer.tell(kind, self.called, message):
            self._gone = False
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
    """Watches an actor here for whoever watches it on another node."""

    __slots__ = ("_number", "_peer", "_watched")

    def __init__(self, peer: Peer, number: int, watched: Address) -> None:
        super().__init__(watched._blueprint, None)
        self._peer = peer
        self._number = number
        self._watched = watched

    def answer(self, message: object, /) -> bool:
        """Say on the other node that it is down: behind all that it has told there."""
        assert isinstance(message, Down), f"{message!r} is for nobody"
        self._peer.say_down(self._number, message.incarnation, message.reason)
        return True

    def watches_no_more(self, target: Address) -> None:
        """See `FarAddress.watches_no_more`."""
        self._peer.say_gone(self._number)

    def part(self) -> None:
        """Watch no more; harmless when repeated."""
        untie(self, self._watched)

    def break_off(self, peer: Peer, reason: Unreachable) -> None:
        """If it watches for this node: say why it does so no longer."""
        if self._peer is peer:
            self.part()
            peer.say_down(self._number, self._watched.incarnation, reason)
            peer.say_gone(self._number)
