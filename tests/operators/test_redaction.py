"""What operators see of messages: never what people said, nor what proves who they are."""

from __future__ import annotations

import msgspec
import pytest

from actors import DynamicSpec, SupervisorSpec, open_system
from server.gateway.messages import Signal
from server.operators.redaction import redacted
from server.protocol.entries import MessageEntry
from server.protocol.hello_commands import Hello
from server.protocol.message_commands import Post
from server.protocol.objects import User
from server.protocol.outgoing import Outgoing
from server.protocol.room_commands import CreateRoom, Join
from server.rooms.messages import Delivery, Request
from server.sessions.messages import Said
from server.store.questions import Done
from server.store.user_messages import FindIdentity, Identity
from tests.actors.small_actors import Counter

SECRET = "xyzzy"
ROOM = "r_0123456789ABCDEFGHJKMNPQRS"
USER = User(user="u_1", name=SECRET)
ENTRY = MessageEntry(room=ROOM, seq=1, at="2026-01-01T00:00:00.000Z", from_=USER, text=SECRET, reactions=())
COMMANDS = (
    Post(id=1, room=ROOM, nonce=SECRET, text=SECRET),
    Post(id=1, room=SECRET, nonce=SECRET, text=SECRET),
    Hello(id=1, token=SECRET),
    CreateRoom(id=1, kind="group", name=SECRET, members=[SECRET], nonce=SECRET),
    Join(id=1, name=SECRET),
)


class Nobody:
    def answer(self, message: object, /) -> bool:
        return False


def shown(message: object) -> str:
    return msgspec.json.encode(redacted(message)).decode()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
async def test_a_command_is_shown_by_its_name(command: Post) -> None:
    async with open_system(SupervisorSpec("root", [DynamicSpec("many", Counter)])) as system:
        connection = system.dynamic("many").start("k")
        for message in (Said(connection, command), Request(1, connection, USER, command)):
            text = shown(message)
            assert type(command).__name__ in text
            assert SECRET not in text


@pytest.mark.parametrize(
    "message",
    [
        SECRET,
        SECRET.encode(),
        [SECRET],
        Outgoing([ENTRY]),
        Done(1, Identity(user=USER, session=SECRET, device=SECRET, administrator=False)),
        FindIdentity(reply_to=Nobody(), token_hash=SECRET.encode()),
        ValueError(SECRET),
    ],
    ids=lambda message: type(message).__name__,
)
def test_anything_else_too(message: object) -> None:
    assert type(message).__name__ in shown(message)
    assert SECRET not in shown(message)


def test_what_is_shown_helps() -> None:
    delivery = Delivery(ROOM, [ENTRY])
    delivery.frames = b"12345"
    assert redacted(delivery) == {"type": "Delivery", "room": ROOM, "events": ["MessageEntry"], "size": 5}
    assert redacted(b"123") == {"type": "bytes", "size": 3}
    assert redacted(Signal.WRITABLE) == {"type": "Signal", "signal": "WRITABLE"}
