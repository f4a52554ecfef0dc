"""From the upgrade to `welcome`: what a connection knows only while it opens. Forgotten once it is ready."""

from __future__ import annotations

from typing import Final

from actors import Timer
from server.accounts.tokens import token_hash
from server.protocol.closing import CloseCode
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.hello_commands import Hello
from server.protocol.limits import HELLO_BYTES, HELLO_BYTES_UNTRUSTED, RESUME_ROOMS
from server.store.user_messages import Identity, NoIdentity

MOST_STARTS: Final = 3
"""How often a session may have ended in order just before it was reached, until that is taken for a fault."""


class Opening:
    """How far a connection has come.

    Attributes
    ----------
    header_hash
        Of the token the upgrade carried, which was good then; None where it carried none.
    has_arrived
        Whether another worker has handed it over: it stays here.
    hello
        Once it was said and accepted.
    identity
        Once it is known whose token it was.
    starts
        How often a session was started, or found, for it.
    due
        Until when the next step has to be done, in trio's seconds.
    timer
        Looks whether it was.
    """

    __slots__ = ("due", "has_arrived", "header_hash", "hello", "identity", "starts", "timer")

    def __init__(self, header_hash: bytes | None) -> None:
        self.header_hash = header_hash
        self.due = 0.0
        self.has_arrived = False
        self.timer: Timer | None = None
        self.hello: Hello | None = None
        self.identity: Identity | None = None
        self.starts = 0

    @property
    def message_bytes(self) -> int:
        """Nobody may send much before a token was seen to be good."""
        return HELLO_BYTES_UNTRUSTED if self.header_hash is None else HELLO_BYTES

    def accept(self, hello: Hello) -> bytes | None:
        """Take `hello`; the hash of the token it stands on, or None if there is no token at all.

        A token in the frame is the one that counts. The one of the header is looked up once more: it may have been
        revoked since.

        Raises
        ------
        Refusal
            It was said before, or names more rooms than can be resumed.
        """
        if self.hello is not None:
            raise Refusal(ErrorCode.BAD_REQUEST, "`hello` is said once")
        if hello.resume is not None and len(hello.resume) > RESUME_ROOMS:
            raise Refusal(ErrorCode.BAD_REQUEST, f"`resume` is limited to {RESUME_ROOMS} rooms")
        self.hello = hello
        return self.header_hash if hello.token is None else token_hash(hello.token)

    def close_when_overdue(self) -> tuple[CloseCode, str]:
        """Whose fault it is that the opening takes so long."""
        if self.hello is None:
            return CloseCode.NO_HELLO, ""
        return CloseCode.INTERNAL_ERROR, "the session did not open in time"


def close_of(nobody: NoIdentity) -> CloseCode:
    """Why the holder of a token that stands for nobody is sent away."""
    return CloseCode.TOKEN_REVOKED if nobody.revoked else CloseCode.BAD_TOKEN
