"""What crosses from node to node, and as what bytes: the one list of it.

The rules:
- A message is its tag, a zero byte, and its fields in msgpack. A tag is for ever: what has left the list is not used
  again for something else.
- Nodes of this version and of the one before talk to each other. So a field may be added with a default, and may go if
  it had one; a new message is not sent to who may not know it, unless nothing is lost when it is dropped there.
- Actors and open questions inside a message cross by the names that the distribution gives them.
- What is not in the list stays here: telling it across is an error of whoever tells it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, cast

import msgspec
from msgspec import Raw, Struct

from actors import Address, Reply
from server.cluster.hints import ShardsMoved
from server.cluster.users import UserChose, UserNamed, UsersAdded
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import User
from server.relays.messages import (
    Admit,
    Admitted,
    Answered,
    Delivered,
    Forwarded,
    Heads,
    Here,
    NotSubscribed,
    PassedOn,
    Removed,
    Subscribe,
    Subscribed,
)
from server.sessions.messages import AreHere, WhoIsHere
from server.store.account_messages import (
    BlockChange,
    ChangePassword,
    DeleteUser,
    EndDeparture,
    EndSessions,
    ForgetMember,
    SetBlock,
    SetDisplayName,
)
from server.store.choices import Choice, SaveChoice
from server.store.questions import Done, Failed
from server.store.room_messages import CreateRoom, RoomCreated
from server.store.user_messages import AddToken, AddUser, Identity, Revocations, RevokeToken, SetPassword, TouchTokens

MESSAGES: Final[dict[str, type[Struct]]] = {
    # Changes that a gateway asks of the node that writes (`remote_writer.py`), and the answers.
    "create_room": CreateRoom,
    "room_created": RoomCreated,
    "add_user": AddUser,
    "user": User,
    "add_token": AddToken,
    "identity": Identity,
    "revoke_token": RevokeToken,
    "set_password": SetPassword,
    "revocations": Revocations,
    "end_sessions": EndSessions,
    "change_password": ChangePassword,
    "set_display_name": SetDisplayName,
    "delete_user": DeleteUser,
    "forget_member": ForgetMember,
    "end_departure": EndDeparture,
    "save_choice": SaveChoice,
    "choice": Choice,
    "set_block": SetBlock,
    "block_change": BlockChange,
    "touch_tokens": TouchTokens,
    "failed": Failed,
    # What concerns users wherever their sessions are (`users.py`).
    "users_added": UsersAdded,
    "user_named": UserNamed,
    "user_chose": UserChose,
    # How those look for whom somebody has asked (`server/sessions/watching.py`).
    "who_is_here": WhoIsHere,
    "are_here": AreHere,
    # Between the owner of a room and its relays, and how far logs reach (`server/relays/`).
    "subscribe": Subscribe,
    "here": Here,
    "admit": Admit,
    "forwarded": Forwarded,
    "subscribed": Subscribed,
    "not_subscribed": NotSubscribed,
    "admitted": Admitted,
    "answered": Answered,
    "delivered": Delivered,
    "passed_on": PassedOn,
    "removed": Removed,
    "heads": Heads,
    # Hints to those who look after shards (`hints.py`).
    "shards_moved": ShardsMoved,
}

DONE: Final = "done"
"""The tag of `Done`, which carries a message or a plain value."""

_ZERO: Final = b"\0"
_TAGS: Final = {kind: tag.encode() + _ZERO for tag, kind in MESSAGES.items()}


class Names(Protocol):
    """What an actor, or an open question, is called on the wire: a distribution."""

    def export(self, what: Any, /) -> str: ...  # noqa: ANN401 - an address or a reply

    def imported(self, text: str, /) -> Any: ...  # noqa: ANN401


class _Done(Struct, frozen=True):
    """`Done` on the wire: its value says of what kind it is; without a tag it is a plain one."""

    ref: int
    tag: str
    value: Raw


class _Decoders(dict[str, msgspec.msgpack.Decoder[Any]]):
    """By their tags. Each is made when it is needed first: nothing of most kinds ever comes to a process that is idle.

    Parameters
    ----------
    imported
        Makes of what is on the wire what is in no message.
    """

    def __init__(self, imported: Callable[[type, object], object]) -> None:
        super().__init__()
        self._imported = imported

    def __missing__(self, tag: str) -> msgspec.msgpack.Decoder[Any]:
        decoder = self[tag] = msgspec.msgpack.Decoder(MESSAGES[tag], dec_hook=self._imported)
        return decoder


class NodeCodec:
    """Bytes of messages, and messages of bytes.

    Parameters
    ----------
    names
        What actors and questions are called.
    """

    __slots__ = ("_decoders", "_done", "_encoder", "_names", "_plain")

    def __init__(self, names: Names) -> None:
        self._names = names
        self._encoder = msgspec.msgpack.Encoder(enc_hook=self._exported)
        self._decoders = _Decoders(self._imported)
        self._done = msgspec.msgpack.Decoder(_Done)
        self._plain = msgspec.msgpack.Decoder()

    def encode(self, message: object) -> bytes:
        """Raises TypeError for what does not cross."""
        if isinstance(message, Done):
            return DONE.encode() + _ZERO + self._encoder.encode(self._carried(message))
        return self._tag(message) + self._encoder.encode(message)

    def decode(self, data: bytes) -> object:
        """Raises KeyError for a message this version does not know, and `msgspec.MsgspecError` for broken ones."""
        tag, _, content = data.partition(_ZERO)
        name = tag.decode(errors="replace")
        if name != DONE:
            return self._decoders[name].decode(content)
        done = self._done.decode(content)
        decoder = self._decoders[done.tag] if done.tag else self._plain
        return Done(done.ref, decoder.decode(done.value))

    def _carried(self, done: Done) -> _Done:
        value = done.value
        tag = self._tag(value)[:-1].decode() if isinstance(value, Struct) else ""
        return _Done(done.ref, tag, Raw(self._encoder.encode(value)))

    def _tag(self, message: object) -> bytes:
        tag = _TAGS.get(cast("type[Struct]", type(message)))
        if tag is None:
            raise TypeError(f"a {type(message).__name__} does not cross to other nodes")
        return tag

    def _exported(self, value: object) -> object:
        match value:
            case Address() | Reply():
                return self._names.export(value)
            case Refusal(code=code, message=message, retry_after=retry_after):
                return [code, message, retry_after]
            case _:
                raise TypeError(f"a {type(value).__name__} does not cross to other nodes")

    def _imported(self, kind: type, value: object) -> object:
        if kind is Refusal:
            code, message, retry_after = msgspec.convert(value, tuple[ErrorCode, str, int | None])
            return Refusal(code, message, retry_after)
        if isinstance(value, str):
            return self._names.imported(value)
        raise msgspec.ValidationError(f"this is no {kind.__name__}")
