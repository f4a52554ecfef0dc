"""What a distribution is given by the application: what carries bytes, and what makes bytes of messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from actors.address import Address
    from actors.distribution.distribution import Distribution
    from actors.system import System


class Transport(Protocol):
    """What carries packets to other nodes.

    It may lose, delay, repeat and reorder them, but not change them: links find out. What comes in it hands to
    `Distribution.received`, and who is there it says by `node_up` and `node_down`, all in the trio thread.
    """

    def send(self, node: str, data: bytes) -> bool:
        """Send a packet on its way; never blocks. False: not now, because too many wait already; it is tried again."""
        ...


class Codec(Protocol):
    """What makes bytes of the application's messages.

    An address or a reply inside a message it hands to `Distribution.export`, which gives a text for it, and on the
    other side that text to `Distribution.imported`.
    """

    def encode(self, message: object) -> bytes:
        """The message as bytes. Raises TypeError for one that cannot cross; who told it gets that."""
        ...

    def decode(self, data: bytes) -> object:
        """The message. Raises anything for what it does not understand: that is logged, counted and dropped."""
        ...


MakeCodec: TypeAlias = "Callable[[Distribution], Codec]"
"""Makes the codec of a distribution, which exports and imports by it; usually the class."""

Resolve: TypeAlias = "Callable[[System, str, bool], Address | None]"
"""Finds who is called so on this node; the last argument says whether it may be started for what it is told. May raise
what `Dynamic.start` raises."""
