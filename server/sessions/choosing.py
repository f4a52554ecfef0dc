"""The part of a session that looks to what its user has chosen: changing it, telling all devices, and keeping to it.

A choice is on disk before it is answered. Then the table of this node has it (`choices.py`), and all other sessions of
the user are told, on all nodes. One that does not hear of it, because the link between two nodes was lost, is told
seconds later by a look into the store (`accounts/chosen.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, structs

from actors import Address
from server.protocol.account_commands import SetPresence, Settings
from server.protocol.errors import unavailable
from server.protocol.events import Readers, Receipt, SettingsChanged
from server.protocol.objects import AccountSettings, OwnStatus
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Ok
from server.protocol.rules import check_emoji, check_status_text
from server.rooms.messages import Appears, Chose, Passing
from server.sessions.attending import Attending
from server.sessions.devices import idle_devices_of
from server.sessions.purposes import ChoiceWanted
from server.store.choices import Choice, SaveChoice
from server.store.questions import Failed


class DeviceGone(Struct, frozen=True):
    """To the other sessions of a user of whose devices some are idle: one has ended, and now they may be away."""


class Choosing(Attending):
    """See the top of this file."""

    __slots__ = ()

    def _choose(self, command: int, settings: Settings) -> None:
        if settings.receipts is None:
            self._answer_choice(command, self._choice)
        else:
            self._save_choice(command, hides_receipts=not settings.receipts)

    def _show(self, command: int, presence: SetPresence) -> None:
        """What is said of this device is so at once; what is said of the account once it is on disk."""
        self._is_idle(is_idle=presence.status == "away")
        status: OwnStatus | None = None
        if presence.status != "away" and (self._choice.status or "online") != presence.status:
            status = presence.status
        if status is None and presence.text is None and presence.emoji is None:
            self._appear()
            self._answer_choice(command, self._choice)
        else:
            self._save_choice(command, status=status, text=presence.text, emoji=presence.emoji)

    def _is_idle(self, *, is_idle: bool) -> None:
        if is_idle:
            self.system.join(idle_devices_of(self._user_id), self.address)
        else:
            self.system.leave(idle_devices_of(self._user_id), self.address)

    def _appear(self) -> None:
        """Tell the rooms how the user looks at this node: a room that knows it already does nothing."""
        appears = Appears(self._user_id, self._appearance)
        for place in self._feed.each_place():
            if place.address is not None and place.attachment is not None:
                place.address.tell(appears)

    def _save_choice(
        self,
        command: int,
        *,
        hides_receipts: bool | None = None,
        status: OwnStatus | None = None,
        text: str | None = None,
        emoji: str | None = None,
    ) -> None:
        asked = self._new_ref(ChoiceWanted(command))
        save = SaveChoice(
            reply_to=self.address, ref=asked, user=self._user_id, hides_receipts=hides_receipts,
            status=status, text=text, emoji=emoji,
        )  # fmt: skip
        if not self._environment.writer.tell(save):
            self._unanswerable(Failed(asked, unavailable()))

    def _has_chosen(self, command: int, choice: Choice) -> None:
        """It is on disk."""
        self._environment.choices.put(self._user_id, choice)
        self._appear()
        opened = self._commands.find(command)
        asker = None if opened is None else opened.connection
        self._tell_choice([connection for connection in self._feed.takes_passing() if connection is not asker], choice)
        self._answer_choice(command, choice)
        chose, elsewhere = Chose(self._user_id, choice), self._environment.elsewhere
        self.system.broadcast(self._user_id, chose, but=self.address)
        if elsewhere is not None:
            elsewhere.tell(chose)

    def _chose(self, choice: Choice) -> None:
        """On another device."""
        self._environment.choices.put(self._user_id, choice)
        self._appear()
        self._tell_choice(self._feed.takes_passing(), choice)

    def _tell_choice(self, connections: Iterable[Address], choice: Choice) -> None:
        told = Outgoing([SettingsChanged(settings=_settings(choice))])
        for connection in connections:
            connection.tell(told)

    def _answer_choice(self, command: int, choice: Choice) -> None:
        self._reply(command, lambda opened: Ok(id=opened.command.id, settings=_settings(choice)))

    def _pass_on(self, passing: Passing) -> None:
        if isinstance(passing.events[0], Receipt | Readers) and self._choice.hides_receipts:
            told = [structs.replace(event, read=None) for event in passing.events if _is_of_receiving(event)]
            if not told:
                return
            passing = Passing(passing.room, told)
        super()._pass_on(passing)


def _is_of_receiving(event: object) -> bool:
    return isinstance(event, Receipt) and event.received is not None


def _settings(choice: Choice) -> AccountSettings:
    return AccountSettings(
        receipts=not choice.hides_receipts, status=choice.status or "online", text=choice.text, emoji=choice.emoji
    )


def check_presence(presence: SetPresence) -> None:
    """Raises a `Refusal` where somebody says of themselves what cannot be shown."""
    check_status_text(presence.text or "")
    if presence.emoji:
        check_emoji(presence.emoji)
