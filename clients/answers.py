"""What a client's verbs return, and what they raise besides the protocol's own `Refusal`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from clients.happenings import LogEntry
from clients.incoming import BrokenServer
from server.protocol.objects import Channel, Hit, Member, Message, Thread

T = TypeVar("T")


class ConversationOver(Exception):
    """The server ended the conversation for good: `code` is its close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class NotConnected(ConnectionError):
    """No connection within the time given."""


class NoAnswer(TimeoutError):
    """The command may have been done or not; all but `post` can simply be repeated."""


@dataclass(frozen=True, slots=True)
class Posted:
    seq: int
    at: str
    duplicate: bool
    nonce: str


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Messages ascending by `seq`; `more`: there are others beyond. `to`: they are as they were after this entry; 0
    from a server where nothing becomes of a message."""

    messages: Sequence[Message]
    more: bool
    to: int


@dataclass(frozen=True, slots=True)
class ThreadsPage:
    """`more`: there are older ones."""

    threads: Sequence[Thread]
    more: bool


@dataclass(frozen=True, slots=True)
class LogPage:
    entries: Sequence[LogEntry]
    more: bool


@dataclass(frozen=True, slots=True)
class MembersPage:
    """`next` goes into the following call; None on the last page."""

    members: Sequence[Member]
    next: str | None


@dataclass(frozen=True, slots=True)
class HitsPage:
    """`next` goes into the following call; None on the last page."""

    hits: Sequence[Hit]
    next: str | None


@dataclass(frozen=True, slots=True)
class ChannelsPage:
    """`next` goes into the following call; None on the last page."""

    channels: Sequence[Channel]
    next: str | None


def given(value: T | None) -> T:
    """A field that this kind of `ok` must carry; `BrokenServer` where it does not."""
    if value is None:
        raise BrokenServer("the answer lacks a field that it must carry")
    return value
