"""How the server says no: the error codes, and the one exception that carries one.

Whoever breaks a rule of the protocol gets a `Refusal`; it is the peer's fault, is answered with an `error`
frame, and never crashes an actor. Our own faults are ordinary exceptions and do.
"""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """The `code` of an `error` frame, and of the body of a failed HTTP call."""

    BAD_REQUEST = "bad_request"
    UNKNOWN_OP = "unknown_op"
    NOT_READY = "not_ready"
    NO_SUCH_ROOM = "no_such_room"
    NO_SUCH_USER = "no_such_user"
    NO_SUCH_MESSAGE = "no_such_message"
    NOT_A_MEMBER = "not_a_member"
    FORBIDDEN = "forbidden"
    TOO_LONG = "too_long"
    RATE_LIMITED = "rate_limited"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"
    # HTTP only
    NAME_TAKEN = "name_taken"
    BAD_CREDENTIALS = "bad_credentials"
    BAD_TOKEN = "bad_token"  # noqa: S105 - the name of an error, not a secret
    REGISTRATION_CLOSED = "registration_closed"
    NOT_FOUND = "not_found"


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


def unavailable(retry_after: int = 500) -> Refusal:
    """Nothing was done, or the nonce makes the retry safe."""
    return Refusal(ErrorCode.UNAVAILABLE, "not possible right now, please try again", retry_after)
