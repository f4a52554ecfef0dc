"""The session as an actor: one user on one device, between its connections and its rooms.

It decides nothing by itself: which command may go when is `Commands`, who gets which entry is `Feed`, where a
connection begins is `opening.py`. What is here is the way between, from what it is told to whose matter that is. Its
parts: connections (`welcoming.py`, `looking.py`), rooms (`attending.py`), what only the store can answer (`asking.py`),
what its user has chosen (`choosing.py`); and the ground they stand on (`carrying.py`).

A session holds nothing that the store lacks. Its mailbox marks a gap where it overflows, and then everything that may
have been missed is looked up. If it crashes, its connections close, and the clients come back and resume.
"""

from __future__ import annotations

import trio
from msgspec import structs

from actors import Address, Down, Gapped
from server.pacing import FLOODING, rate_limited
from server.protocol.account_commands import SetPresence, Settings, SubscribePresence
from server.protocol.attention_commands import Focus, Typing
from server.protocol.closing import CloseCode
from server.protocol.commands import AnyCommand, is_answered
from server.protocol.errors import Refusal, no_such_room
from server.protocol.events import ReadMark
from server.protocol.invite_commands import InviteInfo
from server.protocol.outgoing import Outgoing
from server.protocol.page_commands import Search
from server.protocol.replies import Ok, error_from
from server.protocol.room_commands import Channels, CreateRoom, Join, Rooms
from server.protocol.rules import looks_like_room
from server.rooms.messages import (
    Added,
    Answer,
    Attached,
    Chose,
    Delivery,
    Detached,
    Named,
    NotAttached,
    Passing,
    Pulse,
    Request,
)
from server.rooms.searching import hits_reply
from server.sessions.asking import Asking, check_join, check_subscription
from server.sessions.attending import AttachAgain, ToRoom
from server.sessions.carrying import READ_ON_AGAIN, RETRY_SECONDS, Overdue, ReadOnAgain
from server.sessions.choosing import Choosing, DeviceGone, check_presence
from server.sessions.commands import Open as OpenCommand
from server.sessions.creation import check_creation
from server.sessions.devices import idle_devices_of
from server.sessions.messages import Close, Congested, Drained, Open, Revoked, Said
from server.sessions.purposes import (
    ChannelWanted,
    ChoiceWanted,
    CreationWanted,
    DirectoryWanted,
    HitsWanted,
    InfoWanted,
    InviteWanted,
    PageWanted,
    RoomsWanted,
    SyncWanted,
    WelcomeWanted,
)
from server.sessions.readers import Tabs
from server.sessions.welcoming import Welcoming
from server.store.choices import Choice
from server.store.finding_messages import ChannelsPage, Leading
from server.store.history_messages import LogPage
from server.store.questions import Done, Failed
from server.store.room_messages import RoomCreated, RoomList
from server.store.search_messages import Hits


class SessionActor(Choosing, Welcoming, Asking):
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

    # --- commands ---------------------------------------------------------------------------------------------

    def _said(self, said: Said) -> None:
        """Queue the command where it belongs, unless it is too much, or wrong by itself."""
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
            self._check(command, room)
        except Refusal as refusal:
            said.connection.answer(Outgoing([error_from(refusal, command.id)], answers=1))
            return
        early = rate_limited(wait) if wait else None
        if isinstance(command, Focus) and early is None:
            self._wants_focus(said.connection, room)
        self._go_on(self._commands.said(next(self._environment.refs), said.connection, command, room, now, early))

    def _check(self, command: AnyCommand, room: str | None) -> None:
        """Raises a `Refusal` where it is wrong whatever the rooms and the store say. `room`: the one it names."""
        if room is not None and not looks_like_room(room):
            raise no_such_room()
        if isinstance(command, CreateRoom):
            check_creation(command, self._user)
        if isinstance(command, Join):
            check_join(command)
        if isinstance(command, SetPresence):
            check_presence(command)
        if isinstance(command, SubscribePresence):
            check_subscription(command)

    def _pass_typing(self, typing: Typing) -> None:
        """Nobody waits for an answer to this, so it goes past the queue; where it cannot go, it is dropped."""
        place = self._feed.place(typing.room)
        if place is not None and place.address is not None and place.attachment is not None:
            place.address.tell(Request(0, self.address, self._user, typing, place.attachment))

    def _begin(self, opened: OpenCommand) -> None:
        command, room = opened.command, opened.room
        if room is not None and isinstance(command, ToRoom):
            self._send_to_room(opened, room, command)
            return
        match command:
            case Rooms() | Channels() | Search() | CreateRoom() | Join() | InviteInfo():
                self._look_up(opened.ref, command)
            case Focus():
                self._reply(opened.ref, lambda opened: self._focused(opened, command, Ok(id=command.id)))
            case SetPresence():
                self._show(opened.ref, command)
            case SubscribePresence():
                self._subscribe(opened.ref, command)
            case Settings():
                self._choose(opened.ref, command)
            case _:
                raise TypeError(f"a session is not told to {type(command).__name__}")

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

    # --- events -----------------------------------------------------------------------------------------------

    def _not_taken(self, connection: Address, delivery: Delivery) -> None:
        if connection.alive:
            self._feed_on(self._feed.missed(connection, delivery.room, delivery.first))

    def _missed_something(self) -> None:
        """The mailbox overflowed. Every room tells again how far it is, and the store which rooms there are."""
        for room in list(self._feed.rooms):
            self._attach(room)
        self._ask_rooms(SyncWanted())
