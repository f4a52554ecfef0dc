"""The part of a session that answers what concerns no room, or none that is known yet: the store is asked.

A `join` by a name or an invite goes on to the room the store names. Who has made a room is answered when it is attached
there; who has joined one that does not say how it looks to them, when the store has.
"""

from __future__ import annotations

import trio
from msgspec import structs

from actors import find_by_name
from server.protocol.account_commands import SubscribePresence
from server.protocol.errors import ErrorCode, Refusal, no_such_invite, no_such_room, unavailable
from server.protocol.invite_commands import InviteInfo
from server.protocol.limits import PRESENCES
from server.protocol.objects import Invited, Room
from server.protocol.page_commands import Search
from server.protocol.replies import Ok
from server.protocol.room_commands import Channels, CreateRoom, Join, Rooms
from server.protocol.rules import check_channel_name, looks_like_id_or_name
from server.rooms.messages import Added, News
from server.rooms.searching import question_of
from server.sessions.attending import Attending
from server.sessions.commands import Open as OpenCommand
from server.sessions.messages import Watch
from server.sessions.purposes import (
    ChannelWanted,
    CreationWanted,
    DirectoryWanted,
    HitsWanted,
    InfoWanted,
    InviteWanted,
    RoomsWanted,
)
from server.sessions.watching import WATCHING
from server.store.finding_messages import FindInvite, Leading, ReadChannels
from server.store.questions import Failed
from server.store.room_messages import CreateRoom as NewRoom
from server.store.room_messages import FindChannel, RoomCreated


class Asking(Attending):
    """See the top of this file."""

    __slots__ = ()

    # --- asking -----------------------------------------------------------------------------------------------

    def _look_up(self, ref: int, command: Rooms | Channels | Search | CreateRoom | Join | InviteInfo) -> None:
        """`ref`: the command's own reference, under which it is answered."""
        match command:
            case Rooms():
                self._ask_rooms(RoomsWanted(ref))
            case Channels():
                self._list(ref, command)
            case Search():
                self._search(ref, command)
            case CreateRoom():
                self._create(ref, command)
            case Join(invite=str(code)) | InviteInfo(invite=code):
                asked = self._new_ref(InviteWanted(ref))
                self._ask(FindInvite(reply_to=self.address, ref=asked, code=code, user=self._user_id))
            case Join():
                asked = self._new_ref(ChannelWanted(ref))
                self._ask(FindChannel(reply_to=self.address, ref=asked, name=command.name or ""))

    def _list(self, ref: int, command: Channels) -> None:
        asked = self._new_ref(DirectoryWanted(ref))
        self._ask(
            ReadChannels(
                reply_to=self.address, ref=asked, reader=self._user_id,
                query=command.query, limit=command.limit, next=command.next,
            )
        )  # fmt: skip

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

    def _subscribe(self, ref: int, command: SubscribePresence) -> None:
        """One actor looks after that for all sessions of the node, and answers."""
        watching = find_by_name(self.system, WATCHING)
        if watching is None or not watching.tell(Watch(ref, self.address, self._user_id, command)):
            self._refuse(ref, unavailable())

    # --- what it says -----------------------------------------------------------------------------------------

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
            shown = Invited(kind=found.kind, name=found.name, icon=found.icon, members=found.members)
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

    def _join_answered(self, opened: OpenCommand, room: str) -> None:
        """Joining what is joined already: how the room looks to this user, the store knows."""
        if self._feed.follows(room):
            self._ask_rooms(InfoWanted(opened.ref, room))
        else:
            self._refuse(opened.ref, no_such_room())

    def _seen_from(self, opened: OpenCommand, info: Room) -> Room:
        """A room as a reply on this connection may show it: the next entry delivered there is `last_seq` + 1."""
        if not self._feed.follows(info.room):
            return info
        return structs.replace(info, last_seq=self._feed.cursor(opened.connection, info.room))


def check_join(join: Join) -> None:
    """Raises a `Refusal` where it does not name what to join, or not as it must."""
    if sum(given is not None for given in (join.room, join.name, join.invite)) != 1:
        raise Refusal(ErrorCode.BAD_REQUEST, "`join` takes either `room` or `name` or `invite`")
    if join.name is not None:
        check_channel_name(join.name)


def check_subscription(wanted: SubscribePresence) -> None:
    """Raises a `Refusal` where it names nobody, too many, or somebody not by an id."""
    if not 1 <= len(wanted.users) <= PRESENCES:
        raise Refusal(ErrorCode.BAD_REQUEST, f"`users` are 1 to {PRESENCES}")
    if not all(map(looks_like_id_or_name, wanted.users)):
        raise Refusal(ErrorCode.BAD_REQUEST, "`users` are named by their ids")
