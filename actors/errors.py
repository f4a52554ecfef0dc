"""Everything this library raises, and which side it blames.

`AskFailed`: the actor that was asked will not answer. `StartRefused`: a supervisor will not start this child
now. `StartFailed`: the child itself could not start. `GaveUp`: a supervisor has run out of patience. `Lifeless`,
`ChangeFailed`, `AlreadyTraced`: an operator has asked for what cannot be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.address import Address


class AskFailed(Exception):
    """A question has ended without an answer."""


class Stopped(AskFailed):
    """Who was asked has stopped for good, and will never answer."""


class Crashed(AskFailed):
    """Who was asked crashed before it had answered; the exception is chained."""


class TimedOut(AskFailed):
    """No answer came within the time given. The question may still have been acted on."""


class Refused(AskFailed):
    """Who was asked has a full mailbox, and has not taken the question."""


class Unreachable(AskFailed):
    """Who was asked, or watched, is on another node, and that node, or the link with it, is lost: OTP's `noconnection`.

    It may live on there, and the question may still have been acted on.
    """


class RemoteCrash(Exception):
    """What an actor on another node has crashed with, as far as it can be said here.

    Attributes:
        error: the name of its class.
        text: its `repr`, cut to a length.
    """

    def __init__(self, error: str, text: str) -> None:
        super().__init__(text)
        self.error = error
        self.text = text


class StartRefused(Exception):
    """A dynamic supervisor will not start this child now."""


class AlreadyStarted(StartRefused):
    """A child with this key is running."""

    def __init__(self, address: Address) -> None:
        super().__init__(f"{address.path} is already started")
        self.address = address


class Quarantined(StartRefused):
    """The child with this key has crashed too often lately.

    Attributes:
        retry_after: seconds until it may be started again.
    """

    def __init__(self, path: str, retry_after: float) -> None:
        super().__init__(f"{path} is quarantined for another {retry_after:.3f} s")
        self.path = path
        self.retry_after = retry_after


class MaxChildren(StartRefused):
    """The supervisor has as many children as it may have."""


class NotRunning(StartRefused):
    """The supervisor is not running: not started yet, between two lives, or stopped."""


class NameTaken(StartRefused):
    """Another actor of this system has this name."""


class StartFailed(Exception):
    """A child could not start; what it raised is chained.

    Attributes:
        path: which child.
    """

    def __init__(self, path: str, why: str = "failed to start") -> None:
        super().__init__(f"{path} {why}")
        self.path = path
        self.why = why


class StartTimedOut(StartFailed):
    """A child did not say within its start time-out that it is ready."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__(path, f"was not ready within {seconds:g} s")


class Lifeless(Exception):
    """There is no incarnation to suspend, change or look into: it has stopped, or waits for its restart."""


class ChangeFailed(Exception):
    """An actor's code was not changed, nor that of any changed together with it; what its hook raised is chained.

    Attributes:
        path: which actor.
    """

    def __init__(self, path: str, why: str = "could not be changed") -> None:
        super().__init__(f"{path} {why}")
        self.path = path


class AlreadyTraced(Exception):
    """Who is to be traced has a trace that has not ended."""


class Overrun(BaseException):
    """A call of an actor has used more CPU time than it may.

    A `BaseException`, so that a loop around `except Exception` does not live on: do not catch it.

    Attributes:
        path: which actor.
        limit: seconds of CPU time that one call may take.
    """

    def __init__(self, path: str, limit: float) -> None:
        super().__init__(f"{path} has used more than {limit:g} s of CPU time in one call")
        self.path = path
        self.limit = limit


CRASHES = (Exception, Overrun)
"""What counts as a crash when it leaves an actor's code."""


class GaveUp(Exception):
    """A supervisor has stopped its children and itself; what the last child raised is chained.

    Attributes:
        path: the child that ended once too often, or could not be started.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} {why}")
        self.path = path
        self.why = why


class RootGaveUp(GaveUp):
    """The root supervisor gave up, and the whole system has stopped."""


def untraced(error: BaseException) -> BaseException:
    """The same exception without the frames it passed through, nor those of its causes.

    A traceback keeps every local of every frame alive, and with them the actor that crashed: kept, it would
    be a reference cycle for each crash. It has been logged by the time this is called.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        link.__traceback__ = None
        waiting += (link.__cause__, link.__context__)
        if isinstance(link, BaseExceptionGroup):
            waiting += link.exceptions
    return error
