"""The trio client: a conversation that stays up.

    async with open_client("http://127.0.0.1:8000", token) as client:
        room = await client.join(name="lobby")
        await client.post(room.room, "hello")
        async for event in client:
            ...

It connects, comes back after every loss (full jitter, 0.5 s to 30 s), resumes, and sends again what was not
answered; verbs given while it is offline wait for the connection. When the server asks it to reconnect, it does so at
a random moment of the window it is given, and tells nobody, unless there is no server then. It ends for good only
when it is closed, or the server says that coming back is no use: then every verb and the iteration raise
`ConversationOver`. A refused command raises the protocol's own `Refusal`.

Every wait ends: a verb with its answer, a refusal, `NoAnswer` after `answer_within`, or `ConversationOver`.
`post` alone has no time limit, because a post is kept until it is answered; who wants one puts a cancel scope
around it, and may post again with the same nonce.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from random import random
from typing import Final

import trio

from clients.answers import ConversationOver, NoAnswer, NotConnected
from clients.backlog import Backlog
from clients.backoff import full_jitter, moment_to_leave
from clients.conversation import Conversation
from clients.dialling import dial
from clients.endpoint import Endpoint, endpoint_of
from clients.governing import Governing
from clients.happenings import Answered, Event, Happening, Offline, Refused
from clients.inviting import Inviting
from clients.joining import Joining
from clients.link import Bell, Ending, Link
from clients.looking import Looking
from clients.marking import Marking
from clients.pinning import Pinning
from clients.searching import Searching
from clients.talking import Talking
from clients.threads import InThreads
from clients.wire import Wire
from server.protocol.attention_commands import Typing
from server.protocol.commands import AnyCommand
from server.protocol.errors import Refusal
from server.protocol.events import Reconnect
from server.protocol.hello_commands import Cursor, Ping
from server.protocol.message_commands import Post
from server.protocol.objects import Room, User
from server.protocol.replies import Ok, Welcome

ANSWER_WITHIN: Final = 60.0  # seconds, a few reconnects included
WELCOME_WITHIN: Final = 10.0  # seconds until the first `welcome`
BACKLOG: Final = 10_000  # events nobody read yet
SETTLED: Final = 10.0  # seconds: a connection that lived that long is no failed try
_CLOSE_WITHIN: Final = 2.0  # seconds

Dial = Callable[[Endpoint], Awaitable[trio.abc.Stream]]


@asynccontextmanager
async def open_client(
    url: str,
    token: str,
    *,
    cursors: Mapping[str, Cursor] | None = None,
    width: int = 1,
    passive: bool = False,
    welcome_within: float = WELCOME_WITHIN,
    answer_within: float = ANSWER_WITHIN,
    backlog: int = BACKLOG,
    tls: ssl.SSLContext | None = None,
    connect: Dial | None = None,
    chance: Callable[[], float] = random,
) -> AsyncIterator[Client]:
    """A client that has been welcomed, and stays connected until the block ends.

    Parameters
    ----------
    url
        The server, `http(s)://host:port`.
    cursors
        `client.cursors()` of an earlier client: entries since then are delivered first.
    width
        Posts of one room that may be under way at once; see `clients.outbox`.
    passive
        Of large rooms only the one that `focus` names is to be told; see `clients.looking`.
    welcome_within, answer_within
        Seconds until the first welcome, and until the answer to a command.
    backlog
        Events kept for an iteration that is slower than the server.
    connect
        Opens the stream, instead of TCP and TLS.
    chance
        Random numbers in [0, 1), for the moments of coming back.

    Raises
    ------
    BadUrl, NotConnected, ConversationOver
        On entering.
    """
    endpoint = endpoint_of(url)
    client = Client(
        Conversation(cursors=cursors, width=width, passive=passive),
        lambda: Wire(endpoint, token),
        lambda: (connect or (lambda where: dial(where, tls)))(endpoint),
        answer_within,
        Backlog(backlog),
        chance,
    )
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client._run)
            try:
                await client._wait_for_welcome(welcome_within)
                yield client
            finally:
                with trio.move_on_after(_CLOSE_WITHIN, shield=True):
                    await client._close()
                nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        error = _unwrapped(group)
        raise error from error.__cause__


def _unwrapped(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The nursery is our own business: what the block raised is raised as it was, unless more went wrong."""
    return group.exceptions[0] if len(group.exceptions) == 1 else group


class _Wait:
    """Somebody waits for an answer."""

    __slots__ = ("done", "outcome")

    def __init__(self) -> None:
        self.done = trio.Event()
        self.outcome: Answered | Refused | None = None


class Client(Talking, Joining, Inviting, Governing, Looking, Marking, Searching, InThreads, Pinning):
    """A conversation with verbs, most of which are in its mixins. Made by `open_client`."""

    def __init__(
        self,
        conversation: Conversation,
        new_wire: Callable[[], Wire],
        connect: Callable[[], Awaitable[trio.abc.Stream]],
        answer_within: float,
        backlog: Backlog,
        chance: Callable[[], float],
    ) -> None:
        self._conversation = conversation
        self._new_wire = new_wire
        self._connect = connect
        self._answer_within = answer_within
        self._backlog = backlog
        self._chance = chance
        self._bell = Bell()
        self._news = trio.Event()
        self._welcomed = trio.Event()
        self._stopped = trio.Event()
        self._waits: dict[int, _Wait] = {}
        self._link: Link | None = None
        self._ending: Ending | None = None
        self._trouble = "nothing was tried"
        self._closing = False

    # --- what it knows -------------------------------------------------------------------------------------

    @property
    def me(self) -> User:
        assert self._conversation.me is not None, "a client is handed out after its welcome"
        return self._conversation.me

    @property
    def rooms_known(self) -> Mapping[str, Room]:
        """The rooms this user is in, by id; counters are as old as the last answer that carried them."""
        return self._conversation.rooms

    @property
    def online(self) -> bool:
        return self._conversation.ready

    @property
    def unsent(self) -> list[Post]:
        """Posts without an answer, those of a room in order."""
        return self._conversation.unsent

    def cursors(self) -> dict[str, Cursor]:
        """How far each room was read, for `open_client` of a later run.

        Events that have come and were not taken from the iteration yet count as unread: a later run gets them again.
        """
        cursors = self._conversation.cursors()
        for room, seq in self._backlog.unread_behind().items():
            if room in cursors:
                cursors[room] = Cursor(cursors[room].log, min(seq, cursors[room].seq))
        return cursors

    # --- verbs ---------------------------------------------------------------------------------------------

    async def ping(self) -> None:
        await self._ask(Ping())

    def typing(self, room: str) -> None:
        """Say that the user types; lost while offline. Not more often than every 3 s."""
        self._conversation.command(Typing(room=room))
        self._bell.ring()

    async def _ask(self, command: AnyCommand, within: float | None = None) -> Ok:
        self._raise_if_over()
        number = self._conversation.command(command)
        wait = self._waits[number] = _Wait()
        self._bell.ring()
        try:
            with trio.move_on_after(self._answer_within if within is None else within):
                await wait.done.wait()
        finally:
            del self._waits[number]
            if wait.outcome is None:
                self._conversation.give_up(number)
        match wait.outcome:
            case Answered(ok=ok):
                return ok
            case Refused(error=error):
                raise Refusal(error.code, error.message, error.retry_after)
            case None:
                self._raise_if_over()
                raise NoAnswer("no answer in time")

    # --- events --------------------------------------------------------------------------------------------

    def __aiter__(self) -> Client:
        return self

    async def __anext__(self) -> Event:
        """The next event; entries of each room once and in order, or a `Missed` in their place.

        Raises
        ------
        ConversationOver
            The server ended it, and everything before was read.
        """
        await trio.lowlevel.checkpoint()
        while (event := self._backlog.next()) is None:
            self._raise_if_over()
            await self._news.wait()
        return event

    def next_nowait(self) -> Event | None:
        """The next event that is here already, None if there is none."""
        return self._backlog.next()

    def _raise_if_over(self) -> None:
        if self._ending is not None:
            raise ConversationOver(self._ending.code, self._ending.reason)

    def _follow(self, happening: Happening) -> None:
        match happening:
            case Answered() | Refused():
                wait = self._waits.get(happening.id)
                if wait is not None:
                    wait.outcome = happening
                    wait.done.set()
                return
            case Welcome():
                self._welcomed.set()
            case Reconnect(after=after, window=window) if self._link is not None:
                self._link.leave_at(trio.current_time() + moment_to_leave(after, window, self._chance()))
        self._publish(happening)

    def _publish(self, event: Event) -> None:
        self._backlog.put(event)
        self._wake_readers()

    def _wake_readers(self) -> None:
        self._news.set()
        self._news = trio.Event()

    # --- staying up ----------------------------------------------------------------------------------------

    async def _wait_for_welcome(self, within: float) -> None:
        with trio.move_on_after(within):
            await self._welcomed.wait()
        self._raise_if_over()
        if not self._welcomed.is_set():
            raise NotConnected(self._trouble)

    async def _close(self) -> None:
        self._closing = True
        if self._link is not None:
            self._link.close()
            await self._stopped.wait()

    async def _run(self) -> None:
        failed = 0
        while True:
            began = trio.current_time()
            ending = await self._connect_once()
            self._conversation.lost()
            if self._closing or not ending.again:
                self._stop(ending)
                return
            failed = 0 if trio.current_time() - began > SETTLED else failed + 1
            await self._wait_before_next(ending, failed)

    async def _wait_before_next(self, ending: Ending, failed: int) -> None:
        seconds = max(ending.retry_after, full_jitter(max(0, failed - 1), self._chance()))
        self._trouble = ending.reason
        if not ending.asked:
            self._publish(Offline(ending.reason, seconds))
        await trio.sleep(seconds)

    async def _connect_once(self) -> Ending:
        try:
            stream = await self._connect()
        except OSError as error:
            return Ending(f"cannot connect: {error}")
        async with stream:
            self._link = Link(self._new_wire(), self._conversation, self._bell, self._follow)
            try:
                return await self._link.run(stream)
            finally:
                self._link = None

    def _stop(self, ending: Ending) -> None:
        self._ending = ending
        self._stopped.set()
        self._welcomed.set()
        self._wake_readers()
        for wait in self._waits.values():
            wait.done.set()
