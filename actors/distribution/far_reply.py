"""FarReply: where the answer goes when who asks is on another node.

The rules:
- Whoever answers need not know: it is a `Reply` like any, and as good once only.
- It belongs to the session in which the question came. When that is lost it is over, and says nothing across.
- The actor that has taken the question holds it, so a crash or a stop fails it at once, as at home.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.distribution.envelopes import Envelope, EnvelopeKind
from actors.distribution.reasons import failure_said
from actors.errors import AskFailed
from actors.reply import Reply

if TYPE_CHECKING:
    from actors.address import Address
    from actors.distribution.peer import Peer


class FarReply(Reply[Any]):
    """Stands here for a reply on another node, as long as the question is open and the link holds."""

    __slots__ = ("_asked", "_number", "_peer")

    def __init__(self, peer: Peer, number: int) -> None:
        self._peer: Peer | None = peer
        self._number = number
        self._asked: Address | None = None

    @property
    def over(self) -> bool:
        """See `Reply.over`; as far as has been heard."""
        return self._peer is None

    def tell(self, answer: object, /) -> bool:
        """See `Reply.tell`. Raises TypeError for an answer that cannot cross; then the question is still open."""
        peer = self._peer
        if peer is None:
            return False
        taken = peer.answer(self._number, answer)
        self.forget()
        return taken

    def fail(self, failure: AskFailed) -> None:
        """See `Reply.fail`."""
        peer = self._peer
        if peer is not None:
            self.forget()
            name, text = failure_said(failure)
            peer.post(Envelope(EnvelopeKind.FAILURE, self._number, name, text.encode()))

    def put_to(self, asked: Address) -> None:
        """This actor has taken the question: when it ends, so does the question."""
        if self._peer is not None:
            self._asked = asked
            asked._opened(self)

    def forget(self) -> None:
        """Nobody waits any more."""
        peer, asked = self._peer, self._asked
        self._peer = self._asked = None
        if peer is not None:
            peer.asked_here.pop(self._number, None)
        if asked is not None:
            asked._settled(self)
