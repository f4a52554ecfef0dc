"""What the runtime itself says to actors, and the reasons it gives.

Messages between actors are opaque to this library. The few it makes are here: frozen, slotted, and matched by
class.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from actors.address import Address
    from actors.errors import AskFailed


class Tell(Protocol):
    """Whatever one can tell something: an `Address`, an `Inbox`, a `Reply`, `Threads`."""

    def tell(self, message: object, /) -> bool:
        """Hand over a message; never blocks. False: it was not taken."""
        ...


class Reason(Enum):
    """Why an actor ended, when it did not crash."""

    NORMAL = "normal"
    """It had nothing more to do."""
    SHUTDOWN = "shutdown"
    """Its supervisor stopped it."""
    NO_SUCH_ACTOR = "no such actor"
    """On the node where it was to be watched there is none by this name (OTP's `noproc`)."""


NORMAL = Reason.NORMAL
SHUTDOWN = Reason.SHUTDOWN
NO_SUCH_ACTOR = Reason.NO_SUCH_ACTOR


@dataclass(frozen=True, slots=True)
class RemoteReason:
    """What an actor on another node has given to `stop`, as far as it can be said here.

    Args:
        text: its `repr`, cut to a length.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Down:
    """An incarnation of a watched actor has ended.

    Args:
        address: who ended. `address.alive` tells whether it will be, or already is, started again.
        incarnation: which of its lives is over.
        reason: `NORMAL`, `SHUTDOWN`, what it gave to `stop`, or the exception it crashed with (without
            traceback). Of one on another node also `NO_SUCH_ACTOR` and `Unreachable`, and what comes across of the
            others: a `RemoteReason`, a `RemoteCrash`.
    """

    address: Address
    incarnation: int
    reason: object

    @property
    def crashed(self) -> bool:
        """Whether it ended by an exception."""
        return isinstance(self.reason, BaseException)


@dataclass(frozen=True, slots=True)
class Answer:
    """A question this actor has asked by `send_request` was answered.

    Args:
        label: what the asker called the question.
        value: the answer.
    """

    label: object
    value: object


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A question this actor has asked by `send_request` has ended without an answer.

    Args:
        label: what the asker called the question.
        failure: why: `Stopped`, `Crashed` (with what was raised as its cause), `Refused`, `TimedOut` or `Unreachable`.
    """

    label: object
    failure: AskFailed


@dataclass(frozen=True, slots=True)
class Gapped:
    """One or more messages that would have stood here were dropped, because the mailbox was full."""


@dataclass(frozen=True, slots=True)
class Start:
    """For the scheduler: call `started` before anything else."""


@dataclass(frozen=True, slots=True)
class Stop:
    """For the scheduler: end this incarnation in order."""

    reason: object
