"""How the server says no: the error codes, and the one exception that carries one.

Whoever breaks a rule of the protocol gets a `Refusal`; it is the peer's fault, is answered with an `error`
frame, and never crashes an actor. Our own faults are ordinary exceptions and do.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ErrorCode(StrEnum):
    """The `code` of an `error` frame, and of the body of a failed HTTP call."""

    BAD_REQUEST = "bad_request"
    UNKNOWN_OP = "unknown_op"
    NOT_READY = "not_ready"
    NO_SUCH_ROOM = "no_such_room"
    NO_SUCH_USER = "no_such_user"
    NO_SUCH_MESSAGE = "no_such_message"
    NO_SUCH_INVITE = "no_such_invite"
    NOT_A_MEMBER = "not_a_member"
    FORBIDDEN = "forbidden"
    TOO_LONG = "too_long"
    RATE_LIMITED = "rate_limited"
    LIMIT_REACHED = "limit_reached"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"
    # HTTP only
    NAME_TAKEN = "name_taken"
    BAD_CREDENTIALS = "bad_credentials"
    BAD_TOKEN = "bad_token"  # noqa: S105 - the name of an error, not a secret
    REGISTRATION_CLOSED = "registration_closed"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    INTERNAL_ERROR = "internal_error"


FOR_NOW: Final = frozenset({ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED})
"""The same command may be good a moment later; whoever keeps an order sends again from the refused one on."""

MEANING: Final = {
    ErrorCode.BAD_REQUEST: "a field is missing or not what it must be; the message names it",
    ErrorCode.UNKNOWN_OP: "this server has no such op",
    ErrorCode.NOT_READY: "not before `welcome`",
    ErrorCode.NO_SUCH_ROOM: "there is no such room, or none that the asker may know of",
    ErrorCode.NO_SUCH_USER: "there is no such user",
    ErrorCode.NO_SUCH_MESSAGE: "the room has no such message",
    ErrorCode.NO_SUCH_INVITE: "never made, run out, used up, revoked, or not for the asker",
    ErrorCode.NOT_A_MEMBER: "of this channel: join it first",
    ErrorCode.FORBIDDEN: "members may not do this here, or not this one",
    ErrorCode.TOO_LONG: "over a limit of length",
    ErrorCode.RATE_LIMITED: "too much at once: wait for `retry_after`",
    ErrorCode.LIMIT_REACHED: "there are as many as may be: of a user's rooms, a room's members, a message's reactions, "
    "or the people it mentions",
    ErrorCode.CONFLICT: "this nonce was used for something else, or the name is in use",
    ErrorCode.UNAVAILABLE: "nothing was done, or the nonce makes the retry safe",
    ErrorCode.NAME_TAKEN: "somebody has this name",
    ErrorCode.BAD_CREDENTIALS: "no such name, or another password",
    ErrorCode.BAD_TOKEN: "no token, or one that has ended: log in again",
    ErrorCode.REGISTRATION_CLOSED: "nobody can sign up on this server",
    ErrorCode.NOT_FOUND: "there is nothing at this address",
    ErrorCode.METHOD_NOT_ALLOWED: "not with this method; `Allow` names those that are possible",
    ErrorCode.INTERNAL_ERROR: "a fault of the server, which it has logged",
}
"""For the documents that client authors read; what a program shows to people is the error's own message."""


class Refusal(Exception):
    """A command that is refused.

    Parameters
    ----------
    code
        What programs act on.
    message
        What people read. Never quotes another user's text, nor tells of rooms the asker may not know.
    retry_after
        Milliseconds after which trying again makes sense.
    """

    def __init__(self, code: ErrorCode, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after


def no_such_room() -> Refusal:
    """One text for a room that never was and for one the asker may not know of."""
    return Refusal(ErrorCode.NO_SUCH_ROOM, "no such room")


def no_conversation() -> Refusal:
    """One of two has blocked the other: the same text whichever it was."""
    return Refusal(ErrorCode.FORBIDDEN, "there is no conversation with this person")


def not_to_be_invited() -> Refusal:
    """They have blocked whoever would bring them in."""
    return Refusal(ErrorCode.FORBIDDEN, "somebody named cannot be brought in by you")


def no_such_message() -> Refusal:
    """There is none, or it is gone, or it is another kind of entry."""
    return Refusal(ErrorCode.NO_SUCH_MESSAGE, "there is no such message in this room")


def no_such_invite() -> Refusal:
    """One text for all that is no good: never made, run out, used up, revoked, or not for the one who asks."""
    return Refusal(ErrorCode.NO_SUCH_INVITE, "this invite is not good, or not any more")


def unavailable(retry_after: int = 500) -> Refusal:
    """Nothing was done, or the nonce makes the retry safe."""
    return Refusal(ErrorCode.UNAVAILABLE, "not possible right now, please try again", retry_after)
