"""Reasons: how what ended an actor, or a question, is said on another node.

Exceptions and reasons are objects of the node they happened on, and do not travel. What comes across is what somebody
there can act upon: which of the endings of this library it was, and a text for people.
"""

from __future__ import annotations

from typing import Final

from actors.errors import AskFailed, Crashed, Refused, RemoteCrash, Stopped, TimedOut, Unreachable
from actors.messages import Reason, RemoteReason

LONGEST: Final = 500
"""Characters of a text that come across."""

FAILURES: Final[dict[str, type[AskFailed]]] = {
    "stopped": Stopped,
    "crashed": Crashed,
    "refused": Refused,
    "timed_out": TimedOut,
    "unreachable": Unreachable,
}

CRASH: Final = "crash"
OTHER: Final = "other"
UNREACHABLE: Final = "unreachable"


def failure_said(failure: AskFailed) -> tuple[str, str]:
    """The name of a question's failure, and a text; of a crash, `Class: repr` of what was raised stands behind it."""
    name = next((name for name, known in FAILURES.items() if isinstance(failure, known)), "")
    cause = failure.__cause__
    text = _cut(str(failure))
    return name, text if cause is None else f"{text}\n{reason_said(cause)[1]}"


def failure_heard(name: str, text: str) -> AskFailed:
    """The failure that was said."""
    said, _, cause = text.partition("\n")
    failure = FAILURES.get(name, AskFailed)(said)
    if cause:
        failure.__cause__ = _crash_heard(cause)
    return failure


def reason_said(reason: object) -> tuple[str, str]:
    """The name of the reason for which an actor has ended, and a text."""
    match reason:
        case Reason():
            return reason.name.lower(), ""
        case Unreachable():
            return UNREACHABLE, _cut(str(reason))
        case RemoteCrash(error=error, text=text):
            return CRASH, _cut(f"{error}: {text}")
        case RemoteReason(text):
            return OTHER, _cut(text)
        case BaseException():
            return CRASH, _cut(f"{type(reason).__name__}: {_shown(reason)}")
        case _:
            return OTHER, _cut(_shown(reason))


def reason_heard(name: str, text: str) -> object:
    """The reason that was said; one that only newer nodes know is a `RemoteReason`."""
    known = Reason.__members__.get(name.upper())
    if known is not None:
        return known
    match name:
        case "crash":
            return _crash_heard(text)
        case "unreachable":
            return Unreachable(text)
        case _:
            return RemoteReason(text)


def _crash_heard(text: str) -> RemoteCrash:
    error, _, shown = text.partition(": ")
    return RemoteCrash(error, shown)


def _shown(thing: object) -> str:
    """Its `repr`, which is the application's, and may itself be broken."""
    try:
        return repr(thing)
    except Exception as error:
        return f"a {type(thing).__name__} whose repr raises {type(error).__name__}"


def _cut(text: str) -> str:
    line = text.replace("\n", " ")
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
