"""Those who ask from another node, as a room sees them: through the relay there."""

from __future__ import annotations

from msgspec import Struct

from actors import Address
from server.relays.messages import Answered
from server.rooms.messages import Answer


class RemoteAsker(Struct, frozen=True):
    """Where the answer to a forwarded command goes.

    Equal for all commands of one session: what a room keeps by asker, the order of its posts, is kept for it, too.

    Attributes
    ----------
    relay
        Through whom.
    asker
        Which of the relay's sessions; None: somebody who is not attached.
    """

    relay: Address
    asker: int | None

    def answer(self, message: object, /) -> bool:
        """Into the room that the forwarded command has reserved: it is never held back."""
        assert isinstance(message, Answer)
        return self.relay.answer(Answered(message.ref, message.reply))
