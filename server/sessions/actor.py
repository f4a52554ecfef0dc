"""The session as an actor: one user on one device, between its connections and its rooms.

It decides nothing by itself: which command may go when is `Commands`, who gets which entry is `Feed`, where a
connection begins is `opening.py`. What is here and in `attending.py` is the way between: asking, telling, passing on.

A session holds nothing that the store lacks. Its mailbox marks a gap where it overflows, and then everything that may
have been missed is looked up. If it crashes, its connections close, and the clients come back and resume.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio
from msgspec import structs

from actors import Address, Down, Gapped
from server.pacing import FLOODING, rate_limited
from server.protocol.closing import CloseCode
from server.protocol.commands import (
    FEATURES,
    Channels,
    CreateRoom,
    Focus,
    InviteInfo,
    Join,
    RoomCommand,
    Rooms,
    Search,
    SetPresence,
    Settings,
    Typing,
    is_answered,
)
from server.protocol.errors import ErrorCode, Refusal, no_such_invite, no_such_room, unavailable
from server.protocol.events import Error, Ok, ReadMark, Welcome, error_from
from server.protocol.objects import Invited, Room, User
from server.protocol.outgoing import Outgoing
from server.protocol.rules import check_channel_name, looks_like_room
from server.protocol.showing import HIDDEN, with_shown
from server.rooms.messages import (
    Added,
    Answer,
    Attached,
    Chose,
    Delivery,
    Detached,
    Named,
    News,
    NotAttached,
    Passing,
    Pulse,
    Request,
)
from server.rooms.pages import hits_reply
from server.rooms.searching import question_of
from server.sessions.attending import (
    READ_ON_AGAIN,
    RETRY_SECONDS,
    AttachAgain,
    Overdue,
    ReadOnAgain,
)
from server.sessions.choosing import Choosing, DeviceGone, check_presence
from server.sessions.commands import Open as OpenCommand
from server.sessions.creation import check_creation
from server.sessions.devices import appearance_of, idle_devices_of
from server.sessions.environment import NOTED_FOR_MS
from server.sessions.looking import Looking
from server.sessions.messages import Close, Congested, Drained, Open, Revoked, Said
from server.sessions.opening import Start, begin
from server.sessions.places import as_read
from server.sessions.purposes import (
    ChannelWanted,
    ChoiceWanted,
    CreationWanted,
    DirectoryWanted,
    HitsWanted,
    InfoWanted,
    InviteWanted,
    Opening,
    PageWanted,
    RoomsWanted,
    SyncWanted,
    WelcomeWanted,
)
from server.sessions.readers import Tabs
from server.sessions.tabs import connections_of, has_come, has_gone
from server.store.choices import Choice
from server.store.finding_messages import ChannelsPage, FindInvite, Leading, ReadChannels
from server.store.messages import CreateRoom as NewRoom
from server.store.messages import Done, Failed, FindChannel, LogPage, RoomCreated, RoomList, TouchTokens
from server.store.search_messages import Hits


class SessionActor(Choosing, Looking):
    """One session. Its key in the supervisor is the session's id; its argument is the identity.

    All sessions of a user are in the group whose name is the user's id.
    """

    __slots__ = ()

    def started(self) -> None:
        self.system.join(self._user_id, self.address)

    def stopped(self, reason: object) -> None:
        self._note_use()
        if len(self.system.members(self._user_id)) <= 1:
            self._environment.choices.drop(self._user_id)
        elif self.system.members(idle_devices_of(self._user_id)):
            self.system.broadcast(self._user_id, DeviceGone(), but=self.address)

    def _note_use(self, noted: int = 0) -> None:
        """Write down that the token is in use, unless that was `noted` (in ms) lately: most of a crowd that comes back
        after a moment cost no change of the store.
        """
        now = self._environment.clock()
        if now - noted >= NOTED_FOR_MS:
            self._environment.writer.tell(TouchTokens((self._id,), now))

    def receive(self, message: object) -> None:
        if message.__class__ is not Delivery:
            self._receive_rarer(message)
            return
        feed = self._feed  # what follows is the way of nearly everything: with as few calls as can be
        for connection in feed.delivered(message.room, message.first, message.last):
            if not connection.tell(message):
                self._not_taken(connection, message)
        if type(feed.tabs) is Tabs and feed.tabs.late:
            self._feed_on(feed.go_on())

    def _receive_rarer(self, message: object) -> None:
        if message.__class__ is Pulse:
            self._pulse(message)
            return
        match message:
            case Answer():
                self._command_answered(message)
            case Said():
                self._said(message)
            case Passing():
                self._pass_on(message)
            case Done():
                self._answered(message)
            case Failed():
                self._unanswerable(message)
            case Attached():
                self._attached(message)
            case NotAttached():
                self._not_attached(message)
            case Detached():
                self._detached(message)
            case Added():
                self._added(message)
            case Open():
                self._open(message)
            case Congested(connection=connection):
                self._feed_on(self._feed.congested(connection))
            case Drained(connection=connection):
                self._feed_on(self._feed.drained(connection))
            case Down():
                self._ended(message)
            case Overdue():
                self._expire()
            case AttachAgain(room=room):
                self._attach_again(room)
            case ReadOnAgain():
                self._feed_on(self._feed.go_on())
            case Gapped():
                self._missed_something()
            case Chose(choice=choice):
                self._chose(choice)
            case DeviceGone():
                self._appear()
            case Named(user=user):
                self._call(user)
            case Revoked():
                self._close_all(CloseCode.TOKEN_REVOKED)
            case _:
                raise TypeError(f"a session is not told {type(message).__name__}")
        self._rest()

    # --- connections ------------------------------------------------------------------------------------------

    def _open(self, said: Open) -> None:
        others = self._connections()
        count = connections_of(self.system, self._user_id) + bool(others)
        if count > self._environment.most_connections:
            said.connection.answer(Close(CloseCode.OVER_CAPACITY, "too many connections of one user"))
            self._stop_if_alone()
            return
        self._note_use(said.last_used)
        has_come(self.system, self._user_id, said.connection, others)
        self.watch(said.connection)
        opening = Opening(said.connection, said.resume, said.command_id, {}, said.passive, said.focus)
        self._ongoing.openings[said.connection] = opening
        self._ask_rooms(WelcomeWanted(opening))

    def _welcome(self, opening: Opening, rooms: tuple[Room, ...]) -> None:
        before = self._feed.attention
        if opening.passive and opening.connection in self._ongoing.openings:
            self._attends(opening, rooms)
        self._adopt(rooms)
        if not self._close_opening(opening.connection):
            return
        beginning = begin(rooms, opening.resume, self._user_id)
        starts = {room: Start(seq - 1) for room, seq in opening.added.items() if self._feed.follows(room)}
        environment = self._environment
        welcome = Welcome(
            id=opening.command_id, me=self._user, session=self._id, node=environment.node,
            heartbeat=environment.heartbeat(), features=FEATURES, limits=environment.limits, rooms=self._shown(rooms),
        )  # fmt: skip
        opening.connection.answer(Outgoing([welcome, *beginning.news]))
        self._feed_on(self._feed.opened(opening.connection, starts | beginning.starts))
        self._look_again(self._feed.attention or before)
        self._ask_for_peers(rooms)

    def _ask_for_peers(self, rooms: Iterable[Room]) -> None:
        """Those of whom this node does not know whether they are there. What the others say was told, to connections
        that were welcome before."""
        for room in rooms:
            place = self._feed.place(room.room)
            is_told = place is None or place.attachment is None  # by the answer that is still to come
            if room.peer is not None and not is_told and self._with_status(room.peer).status is None:
                self._attach(room.room)

    def _close_opening(self, connection: Address) -> bool:
        """Whether there was one."""
        return self._ongoing.openings.pop(connection, None) is not None

    def _adopt(self, rooms: Iterable[Room]) -> None:
        """Follow all rooms the store says are the user's, as far as it says they reach."""
        for room in rooms:
            if self._feed.follows(room.room):
                self._feed_on(self._feed.reaches(room.room, room.last_seq))
            else:
                self._follow(room.room, room.last_seq, room.read_seq)

    def _ended(self, down: Down) -> None:
        attention = self._feed.attention
        if self._feed.closed(down.address) or self._close_opening(down.address):
            has_gone(self.system, self._user_id, self._connections())
            self._look_again(attention if self._feed.connections else None)
            self._stop_if_alone()
        else:
            self._room_ended(down)

    def _connections(self) -> tuple[Address, ...]:
        """All of them: welcomed, and not yet."""
        return *self._feed.connections, *self._ongoing.openings

    def _stop_if_alone(self) -> None:
        if not self._connections():
            self.stop()

    def _close_all(self, code: CloseCode) -> None:
        for connection in self._connections():
            connection.answer(Close(code))

    # --- commands ---------------------------------------------------------------------------------------------

    def _said(self, said: Said) -> None:
        """Check what can be checked here, and queue the command where it belongs."""
        command = said.command
        room = getattr(command, "room", None)
        now = trio.current_time()
        wait = max(said.wait, self._environment.pace.charge(self._user_id, said.size, now))
        if wait == FLOODING:
            said.connection.answer(Close(CloseCode.FLOODING, "too much of one user"))
            return
        if isinstance(command, Typing) and not is_answered(command):
            if not wait:
                self._pass_typing(command)
            return
        try:
            if room is not None and not looks_like_room(room):
                raise no_such_room()
            if isinstance(command, CreateRoom):
                check_creation(command, self._user)
            if isinstance(command, Join):
                _check_join(command)
            if isinstance(command, SetPresence):
                check_presence(command)
        except Refusal as refusal:
            said.connection.answer(Outgoing([error_from(refusal, command.id)], answers=1))
            return
        early = rate_limited(wait) if wait else None
        if isinstance(command, Focus) and early is None:
            self._wants_focus(said.connection, room)
        self._go_on(self._commands.said(next(self._environment.refs), said.connection, command, room, now, early))

    def _pass_typing(self, typing: Typing) -> None:
        """Nobody waits for an answer to this, so it goes past the queue; where it cannot go, it is dropped."""
        place = self._feed.place(typing.room)
        if place is not None and place.address is not None and place.attachment is not None:
            place.address.tell(Request(0, self.address, self._user, typing, place.attachment))

    def _begin(self, opened: OpenCommand) -> None:
        command = opened.command
        if isinstance(command, Rooms):
            self._ask_rooms(RoomsWanted(opened.ref))
        elif isinstance(command, CreateRoom):
            self._create(opened.ref, command)
        elif isinstance(command, Focus) and opened.room is None:
            self._reply(opened.ref, lambda opened: self._focused(opened, command, Ok(id=command.id)))
        elif isinstance(command, Channels):
            asked = self._new_ref(DirectoryWanted(opened.ref))
            self._ask(
                ReadChannels(
                    reply_to=self.address, ref=asked, reader=self._user_id,
                    query=command.query, limit=command.limit, next=command.next,
                )
            )  # fmt: skip
        elif isinstance(command, Join | InviteInfo) and opened.room is None and command.invite is not None:
            asked = self._new_ref(InviteWanted(opened.ref))
            self._ask(FindInvite(reply_to=self.address, ref=asked, code=command.invite, user=self._user_id))
        elif isinstance(command, Search) and opened.room is None:
            self._search(opened.ref, command)
        elif isinstance(command, SetPresence):
            self._show(opened.ref, command)
        elif isinstance(command, Settings):
            self._choose(opened.ref, command)
        elif isinstance(command, Join) and opened.room is None:
            asked = self._new_ref(ChannelWanted(opened.ref))
            self._ask(FindChannel(reply_to=self.address, ref=asked, name=command.name or ""))
        elif isinstance(command, RoomCommand | Join) and opened.room is not None:
            self._send_to_room(opened, opened.room, command)
        else:
            raise TypeError(f"a session is not told to {type(command).__name__}")

    def _search(self, ref: int, command: Search) -> None:
        asked = self._new_ref(HitsWanted(ref))
        try:
            self._ask(question_of(command, self._user_id, self.address, asked))
        except Refusal as refusal:
            self._unanswerable(Failed(asked, refusal))

    def _create(self, ref: int, creation: CreateRoom) -> None:
        asked = self._new_ref(CreationWanted(ref))
        question = NewRoom(
            reply_to=self.address, ref=asked, creator=self._user_id, kind=creation.kind,
            name=creation.name, members=tuple(creation.members), nonce=creation.nonce,
        )  # fmt: skip
        if not self._environment.writer.tell(question):
            self._unanswerable(Failed(asked, unavailable()))

    def _command_answered(self, answer: Answer) -> None:
        opened = self._commands.find(answer.ref)
        if opened is None:
            return
        reply = answer.reply
        room = opened.room
        if isinstance(opened.command, Join) and isinstance(reply, Ok) and room is not None and not reply.asked:
            if reply.info is None:
                self._join_answered(opened, room)
                return
            reply = structs.replace(reply, info=self._seen_from(opened, reply.info))
        if isinstance(reply, Ok) and reply.read_seq is not None and room is not None:
            self._tell_read(opened.connection, ReadMark(room=room, read_seq=reply.read_seq))
        if isinstance(opened.command, Focus):
            reply = self._focused(opened, opened.command, reply)
        self._go_on(self._commands.answered(answer.ref, reply, trio.current_time()))
        if room is not None:
            self._end_visit(room)

    def _tell_read(self, sayer: Address, mark: ReadMark) -> None:
        """The user's other connections to this node; those to others hear of it from the room."""
        if not self._has_read(mark):
            return
        passing = Passing(mark.room, (mark,))
        for connection in self._feed.takes_passing():
            if connection is not sayer:
                connection.tell(passing)
        if len(self.system.members(self._user_id)) > 1:
            self.system.broadcast(self._user_id, passing, but=self.address)

    def _seen_from(self, opened: OpenCommand, info: Room) -> Room:
        """A room as a reply on this connection may show it: the next entry delivered there is `last_seq` + 1."""
        if not self._feed.follows(info.room):
            return info
        return structs.replace(info, last_seq=self._feed.cursor(opened.connection, info.room))

    # --- what the store says ----------------------------------------------------------------------------------

    def _answered(self, done: Done) -> None:
        match self._purpose(done.ref), done.value:
            case WelcomeWanted(opening=opening), RoomList(rooms=rooms):
                self._welcome(opening, rooms)
            case PageWanted(connection=connection, room=room), LogPage(entries=entries):
                self._feed_on(self._feed.page(connection, room, entries))
            case RoomsWanted(command=command), RoomList(rooms=rooms):
                self._reply(command, lambda opened: Ok(id=opened.command.id, rooms=self._shown(rooms)))
            case InfoWanted(command=command, room=room), RoomList(rooms=rooms):
                self._informed(command, next((info for info in self._shown(rooms) if info.room == room), None))
            case DirectoryWanted(command=command), ChannelsPage(channels=channels, next=cursor):
                self._reply(command, lambda opened: Ok(id=opened.command.id, channels=list(channels), next=cursor))
            case InviteWanted(command=command), Leading() | None as found:
                self._invite_found(command, found)
            case HitsWanted(command=command), Hits() as page:
                self._reply(command, lambda opened: hits_reply(opened.command.id, page))
            case ChannelWanted(command=command), str(room):
                self._go_on(self._commands.concerning(command, room, trio.current_time()))
            case ChannelWanted(command=command), None:
                self._refuse(command, no_such_room())
            case CreationWanted(command=command), RoomCreated() as created:
                self._created(command, created)
            case ChoiceWanted(command=command), Choice() as choice:
                self._has_chosen(command, choice)
            case SyncWanted(), RoomList(rooms=rooms):
                self._adopt(rooms)
            case purpose, value:
                raise TypeError(f"{type(value).__name__} is no answer to {type(purpose).__name__}")

    def _unanswerable(self, failed: Failed) -> None:
        match self._purpose(failed.ref):
            case WelcomeWanted(opening=opening):
                opening.connection.answer(Close(CloseCode.INTERNAL_ERROR, "your rooms cannot be looked up right now"))
            case PageWanted(connection=connection, room=room):
                self._feed.page_failed(connection, room)
                self.send_after(RETRY_SECONDS, READ_ON_AGAIN)
            case SyncWanted():
                self.send_after(RETRY_SECONDS, Gapped())
            case (
                RoomsWanted(command=command)
                | InfoWanted(command=command)
                | ChannelWanted(command=command)
                | HitsWanted(command=command)
                | DirectoryWanted(command=command)
                | InviteWanted(command=command)
                | CreationWanted(command=command)
                | ChoiceWanted(command=command)
            ):
                self._refuse(command, failed.refusal)

    def _invite_found(self, command: int, found: Leading | None) -> None:
        """Who comes by it again, and is a member, need not be let in: to them it is good for that, and for nothing
        else."""
        opened = self._commands.find(command)
        if opened is None:
            return
        if found is None or not (found.is_good or isinstance(opened.command, Join)):
            self._refuse(command, no_such_invite())
        elif isinstance(opened.command, Join):
            self._go_on(self._commands.concerning(command, found.room, trio.current_time()))
        else:
            shown = Invited(kind=found.kind, name=found.name, members=found.members)
            self._reply(command, lambda opened: Ok(id=opened.command.id, invited=shown))

    def _created(self, command: int, created: RoomCreated) -> None:
        """Tell everyone who is in the room now, attach to it, and answer when that is done."""
        added, elsewhere = Added(created.room, 1), self._environment.elsewhere
        for user in created.added:
            self.system.broadcast(user, added, but=self.address)
            if elsewhere is not None:
                elsewhere.tell(News(user, added))
        if self._feed.follows(created.room):
            self._ask_rooms(InfoWanted(command, created.room))
        else:
            self._attach(created.room, creator=command)

    def _informed(self, command: int, info: Room | None) -> None:
        if info is None:
            self._refuse(command, no_such_room())
        else:
            self._reply(
                command,
                lambda opened: Ok(id=opened.command.id, room=info.room, info=self._seen_from(opened, info)),
            )

    def _reply(self, command: int, reply: Callable[[OpenCommand], Ok | Error]) -> None:
        opened = self._commands.find(command)
        if opened is not None:
            self._go_on(self._commands.answered(command, reply(opened), trio.current_time()))

    def _shown(self, rooms: Iterable[Room]) -> list[Room]:
        """Rooms as clients see them: read as far as they said, and the other person of a dm online or not."""
        return [self._shown_one(room) for room in rooms]

    def _shown_one(self, room: Room) -> Room:
        if room.peer is not None:
            room = structs.replace(room, peer=self._with_status(room.peer))
        place = self._feed.place(room.room)
        return room if place is None else as_read(room, place.read)

    def _with_status(self, user: User) -> User:
        """Who is not here may be on another node; the dm's room knows, and says so to whoever is attached."""
        if user.deleted or user.status is not None:
            return user
        if self._is_on_this_node(user.user):
            shown = appearance_of(self.system, user.user, self._environment.choices.of(user.user))
            return with_shown(user, None if shown == HIDDEN else shown)
        return user if self._environment.elsewhere is not None else structs.replace(user, status="offline")

    # --- events -----------------------------------------------------------------------------------------------

    def _not_taken(self, connection: Address, delivery: Delivery) -> None:
        if connection.alive:
            self._feed_on(self._feed.missed(connection, delivery.room, delivery.first))

    def _missed_something(self) -> None:
        """The mailbox overflowed. Every room tells again how far it is, and the store which rooms there are."""
        for room in list(self._feed.rooms):
            self._attach(room)
        self._ask_rooms(SyncWanted())


def _check_join(join: Join) -> None:
    if sum(given is not None for given in (join.room, join.name, join.invite)) != 1:
        raise Refusal(ErrorCode.BAD_REQUEST, "`join` takes either `room` or `name` or `invite`")
    if join.name is not None:
        check_channel_name(join.name)
