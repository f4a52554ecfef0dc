"""A talk in a terminal: lines in, lines out, a client between them.

Three tasks beside the one that reads lines: one shows what happens, one sends posts in the order typed (so that
reading goes on while the server is away), one reports what was read, at most once a second. A post is shown when
it comes back from the server, in its place among the others; until then it is mentioned as waiting if it takes
long, and as not sent if it was refused.

It ends with the input, `/quit`, or the server's last word. Posts on their way are waited for, with a limit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import trio

from clients.answers import ConversationOver, NoAnswer
from clients.client import Client
from clients.happenings import Event, Missed, Offline
from clients.incoming import BrokenServer
from clients.link import Bell
from clients.terminal import verbs
from clients.terminal.harmless import on_one_line
from clients.terminal.rendering import (
    View,
    label,
    lines,
    member_lines,
    mention,
    message_lines,
    room_label,
    room_lines,
)
from clients.terminal.screen import Screen
from server.protocol.entries import Joined, Left, MessageEntry
from server.protocol.errors import Refusal
from server.protocol.objects import Room
from server.protocol.replies import Welcome

POSTS_TYPED_AHEAD: Final = 100  # then lines are not read until posts were answered
SLOW_AFTER: Final = 1.0  # seconds without an answer, and a post is mentioned as waiting
LAST_POSTS_WITHIN: Final = 15.0  # seconds at the end
LAST_EVENTS_WITHIN: Final = 2.0  # seconds at the end
MARKS_EVERY: Final = 1.0  # seconds
MEMBERS_SHOWN: Final = 200

_Verb = Callable[..., Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the posts fared: refused for good, and without an answer when the talk ended."""

    refused: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class _Typed:
    room: str
    text: str


class Talk:
    """One person's talk, over a client that has been welcomed."""

    def __init__(self, client: Client, screen: Screen) -> None:
        self._client = client
        self._screen = screen
        self._view = View(client.me, client.rooms_known)
        self._open_posts = 0
        self._refused = 0
        self._offline = False
        self._over: ConversationOver | None = None
        self._oldest: dict[str, int] = {}  # of what was shown, by room
        self._newest: dict[str, int] = {}
        self._read: dict[str, int] = {}  # marks to report
        self._received: dict[str, int] = {}
        self._marked = Bell()
        self._answered = Bell()
        self._leaving: str | None = None

    async def run(self, first_room: str | None) -> Outcome:
        """Talk until the end.

        Raises
        ------
        ConversationOver
            The server ended it for good.
        """
        self._greet()
        typed, to_post = trio.open_memory_channel[_Typed](POSTS_TYPED_AHEAD)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._show_events, nursery.cancel_scope)
            nursery.start_soon(self._report_marks)
            all_posted = trio.Event()
            nursery.start_soon(self._send_posts, to_post, all_posted)
            async with typed:
                await self._obey_lines(first_room, typed)
            await self._finish(all_posted)
            nursery.cancel_scope.cancel()
        if self._over is not None:
            raise self._over
        return Outcome(self._refused, self._open_posts)

    def _greet(self) -> None:
        self._screen.show(f"-- connected as {on_one_line(self._client.me.name or '')}; /help lists what you can do")
        waiting = [room for room in self._client.rooms_known.values() if room.unread]
        if waiting:
            self._screen.show("-- not read yet:", *room_lines(waiting))

    async def _finish(self, all_posted: trio.Event) -> None:
        with trio.move_on_after(LAST_POSTS_WITHIN):
            await all_posted.wait()
        with trio.move_on_after(LAST_EVENTS_WITHIN):
            await self._obey_safely(self._client.ping)
        while (event := self._client.next_nowait()) is not None:
            self._show(event)

    # --- what happens --------------------------------------------------------------------------------------

    async def _show_events(self, scope: trio.CancelScope) -> None:
        try:
            async for event in self._client:
                if isinstance(event, Joined) and event.room not in self._client.rooms_known:
                    await self._learn_room(event.room)
                self._show(event)
        except ConversationOver as over:
            self._over = over
            scope.cancel()

    async def _learn_room(self, room: str) -> None:
        """Someone invited us: what is the room called, and who is there?"""
        await self._obey_safely(self._client.rooms)
        await self._obey_safely(self._learn_names, room)

    async def _learn_names(self, room: str) -> None:
        for member in (await self._client.members(room, MEMBERS_SHOWN)).members:
            self._view.learn(member.user)

    def _show(self, event: Event) -> None:
        match event:
            case MessageEntry() if event.seq <= self._newest.get(event.room, 0):
                return  # a page of history has shown it
            case MessageEntry():
                self._shown(event.room, event.seq)
            case Offline() if self._offline:
                return
            case Offline():
                self._offline = True
            case Welcome() if self._offline:
                self._offline = False
                self._screen.show("-- online again")
            case Left(user=user) if user == self._client.me.user and event.room == self._leaving:
                return
            case Left(user=user) if user == self._client.me.user and event.room == self._view.current:
                self._view.current = None
            case Missed():
                self._oldest.pop(event.room, None)
        self._screen.show(*lines(event, self._view))

    def _shown(self, room: str, seq: int) -> None:
        self._newest[room] = max(seq, self._newest.get(room, 0))
        self._oldest.setdefault(room, seq)
        marks = self._read if room == self._view.current else self._received
        marks[room] = self._newest[room]
        self._marked.ring()

    async def _report_marks(self) -> None:
        while True:
            await self._marked.wait()
            await trio.sleep(MARKS_EVERY)
            read, self._read = self._read, {}
            received, self._received = self._received, {}
            for room, seq in received.items():
                await self._obey_safely(self._client.received, room, seq, quiet=True)
            for room, seq in read.items():
                await self._obey_safely(self._client.read, room, seq, quiet=True)

    # --- posts ---------------------------------------------------------------------------------------------

    async def _send_posts(self, to_post: trio.MemoryReceiveChannel[_Typed], all_posted: trio.Event) -> None:
        async for typed in to_post:
            await self._post(typed)
        all_posted.set()

    async def _post(self, typed: _Typed) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._mention_if_slow, typed)
            try:
                await self._client.post(typed.room, typed.text)
            except Refusal as refusal:
                self._refused += 1
                self._screen.show(f"! not sent ({on_one_line(refusal.message)}): {mention(typed.text)}")
            except ConversationOver as over:
                self._refused += 1
                self._screen.show(f"! not sent ({on_one_line(over.reason)}): {mention(typed.text)}")
            self._open_posts -= 1
            self._answered.ring()
            nursery.cancel_scope.cancel()

    async def _mention_if_slow(self, typed: _Typed) -> None:
        await trio.sleep(0 if not self._client.online else SLOW_AFTER)
        self._screen.show(f"... sending: {mention(typed.text)}")

    # --- lines ---------------------------------------------------------------------------------------------

    async def _obey_lines(self, first_room: str | None, typed: trio.MemorySendChannel[_Typed]) -> None:
        if first_room is not None:
            await self._obey_safely(self._go_to, first_room)
        while (line := await self._screen.read_line()) is not None:
            verb = verbs.parse(line)
            match verb:
                case verbs.Quit():
                    return
                case verbs.Say(text):
                    await self._say(text, line, typed)
                case _:
                    await self._obey_safely(self._obey, verb)

    async def _say(self, text: str, line: str, typed: trio.MemorySendChannel[_Typed]) -> None:
        if self._view.current is None:
            self._screen.show("! you are in no room yet: /join ROOM")
            return
        self._screen.unecho(line)
        self._open_posts += 1
        await typed.send(_Typed(self._view.current, text))

    async def _obey_safely(self, do: _Verb, *arguments: object, quiet: bool = False) -> None:
        """Do it; what goes wrong is one line, or none."""
        try:
            await do(*arguments)
        except Refusal as refusal:
            problem = refusal.message
        except (NoAnswer, BrokenServer) as error:
            problem = str(error)
        except ConversationOver:
            return  # whoever shows events says so
        else:
            return
        if not quiet:
            self._screen.show(f"! {on_one_line(problem)}")

    async def _obey(self, verb: verbs.Verb) -> None:
        match verb:
            case verbs.GoTo(room):
                await self._go_to(room)
            case verbs.Create(kind, name, members):
                await self._enter(await self._client.create_room(kind, name, members))
            case verbs.TalkTo(user):
                await self._enter(await self._client.create_room("dm", None, [user]))
            case verbs.ListRooms():
                self._screen.show(*(room_lines(await self._client.rooms()) or ["-- you are in no room"]))
            case verbs.Help():
                self._screen.show(verbs.HELP)
            case verbs.Wrong(why):
                self._screen.show(f"! {on_one_line(why)}")
            case verbs.Bring() | verbs.LeaveRoom() | verbs.Who() | verbs.ShowHistory():
                await self._obey_here(verb)

    async def _obey_here(self, verb: verbs.Bring | verbs.LeaveRoom | verbs.Who | verbs.ShowHistory) -> None:
        room = self._view.current
        if room is None:
            self._screen.show("! you are in no room yet: /join ROOM")
            return
        match verb:
            case verbs.Bring(user):
                await self._client.invite(room, user)
            case verbs.LeaveRoom():
                await self._leave(room)
            case verbs.Who():
                await self._show_members(room)
            case verbs.ShowHistory(count):
                await self._show_page(room, count, self._oldest.get(room))

    async def _go_to(self, name: str) -> None:
        wanted = name.removeprefix("#")
        rooms = self._client.rooms_known.values()
        found = [*(room for room in rooms if label(room) == name), *(room for room in rooms if room.name == wanted)]
        await self._enter(found[0] if found else await self._client.join(name=wanted))

    async def _enter(self, room: Room) -> None:
        self._view.current = room.room
        self._leaving = None
        self._screen.show(f"-- in {label(room)}")
        await self._learn_names(room.room)
        await self._show_page(room.room, verbs.PAGE, None)

    async def _leave(self, room: str) -> None:
        """What was said before goes out before."""
        with trio.move_on_after(LAST_POSTS_WITHIN):
            while self._open_posts:
                await self._answered.wait()
        name = room_label(self._view, room)
        self._leaving = room
        await self._client.leave(room)
        self._view.current = None
        self._screen.show(f"-- you left {name}")

    async def _show_members(self, room: str) -> None:
        page = await self._client.members(room, MEMBERS_SHOWN)
        self._screen.show(*member_lines(page.members, self._view), *(["   ..."] if page.next else []))

    async def _show_page(self, room: str, count: int, before: int | None) -> None:
        """A page of history: the newest, or what is before the oldest shown."""
        page = await self._client.history(room, before=before, limit=count)
        if before is not None:
            self._screen.show("-- earlier:" if page.messages else "-- there is nothing earlier")
        self._view.day = None
        for message in page.messages:
            self._screen.show(*message_lines(message, self._view))
        if page.messages:
            self._oldest[room] = page.messages[0].seq
            self._shown(room, page.messages[-1].seq)
        if before is not None and page.messages:
            self._view.day = None
            self._screen.show("-- now:")
