"""One of each message that crosses between nodes.

`python -m tests.cluster.samples` prints a `golden.json` in which they also are as they are written now.
"""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import Struct

from actors import Address, AskFailed, Reply
from server.cluster.codec import NodeCodec
from server.cluster.hints import ShardsMoved
from server.cluster.users import UserAdded, UserChose, UserNamed, UsersAdded
from server.protocol.entries import Left, MessageEntry
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.events import Presence
from server.protocol.message_commands import Post
from server.protocol.objects import User
from server.protocol.replies import Error, Ok
from server.protocol.showing import Shown
from server.relays.messages import (
    Admission,
    Admit,
    Admitted,
    Answered,
    Delivered,
    Forwarded,
    HeadOf,
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
from server.store.questions import Failed
from server.store.room_messages import CreateRoom, RoomCreated
from server.store.user_messages import AddToken, AddUser, Identity, Revocations, RevokeToken, SetPassword, TouchTokens


class Asker(Reply[object]):
    """Whoever asks in the samples. Nobody answers."""

    over = False

    def tell(self, answer: object, /) -> bool:
        raise NotImplementedError

    def fail(self, failure: AskFailed) -> None:
        raise NotImplementedError


ASKER = Asker()


RELAY = Address.__new__(Address)
WATCHER = Address.__new__(Address)
NAMES = {"?17": ASKER, "n_1:relays/r_1": RELAY, "n_1:watching": WATCHER}


class SomeNames:
    """Names as a distribution gives them, for whom the samples speak of."""

    def export(self, what: object) -> str:
        return next(name for name, named in NAMES.items() if named is what)

    def imported(self, text: str) -> object:
        return NAMES[text]


ADA = User(user="u_1", name="ada", display_name="Ada")
AT = "2026-11-22T18:00:00.000Z"
SAID = MessageEntry(room="r_1", seq=10, at=AT, nonce="n1", from_=ADA, text="Hi", reply_to=None, reactions=())
NO = Error(id=None, code=ErrorCode.UNAVAILABLE, message="not now", retry_after=500)
ADMITTED = Admitted(ref=1, members=3, last_seq=9, admissions=(Admission("member", 8), None))
HASH = bytes(range(32))

SAMPLES: dict[str, Struct] = {
    "create_room": CreateRoom(
        reply_to=ASKER, ref=3, creator="u_1", kind="group", name="Tea", members=("bob", "u_3"), nonce="n1"
    ),
    "room_created": RoomCreated(room="r_1", created=True, added=("u_1", "u_2")),
    "add_user": AddUser(reply_to=ASKER, ref=4, name="ada", display_name=None, password_hash="$argon2id$x"),
    "user": ADA,
    "add_token": AddToken(reply_to=ASKER, ref=5, user="u_1", token_hash=HASH, device="phone"),
    "identity": Identity(user=ADA, session="s_1", device="phone", administrator=False),
    "revoke_token": RevokeToken(reply_to=ASKER, ref=6, token_hash=HASH),
    "set_password": SetPassword(reply_to=ASKER, ref=7, name="ada", password_hash="$argon2id$y"),
    "revocations": Revocations(sessions=("s_1", "s_2"), at=1_700_000_000_000),
    "end_sessions": EndSessions(reply_to=ASKER, ref=9, user="u_1", but="s_1"),
    "change_password": ChangePassword(
        reply_to=ASKER, ref=10, user="u_1", known_hash="$argon2id$x", password_hash="$argon2id$y", but="s_1"
    ),
    "set_display_name": SetDisplayName(reply_to=ASKER, ref=11, user="u_1", display_name="Ada"),
    "delete_user": DeleteUser(reply_to=ASKER, ref=12, user="u_1", known_hash="$argon2id$x"),
    "forget_member": ForgetMember(reply_to=ASKER, ref=13, user="u_1", room="r_1"),
    "end_departure": EndDeparture(reply_to=ASKER, ref=14, user="u_1"),
    "set_block": SetBlock(reply_to=ASKER, ref=15, user="u_1", who="bob", on=True),
    "block_change": BlockChange("u_1", on=True, room="r_1"),
    "touch_tokens": TouchTokens(sessions=("s_1",), at=1_700_000_000_000),
    "users_added": UsersAdded(added=(UserAdded("u_1", "r_1", 7), UserAdded("u_2", "r_1", 8))),
    "save_choice": SaveChoice(reply_to=ASKER, ref=12, user="u_1", hides_receipts=True),
    "choice": Choice(hides_receipts=True),
    "user_named": UserNamed(ADA),
    "user_chose": UserChose("u_1", Choice(hides_receipts=True)),
    "who_is_here": WhoIsHere(asker=WATCHER, users=("u_1", "u_2")),
    "are_here": AreHere(node="n_1", people=(("u_1", Shown("busy", "in a meeting")),)),
    "subscribe": Subscribe(ref=1, relay=RELAY, epoch_seen=4, users=("u_1",), admit=("u_2",)),
    "here": Here(subscription=1, came=("u_1",), went=("u_2",)),
    "admit": Admit(subscription=1, ref=2, users=("u_1", "u_2")),
    "forwarded": Forwarded(
        subscription=1, ref=3, asker=4, user=ADA, command=Post(room="r_1", nonce="n1", text="Hi"), number=2
    ),
    "subscribed": Subscribed(
        ref=1, subscription=7, epoch=5, log="l_1", kind="group", last_seq=9, gone=("u_2",), admitted=ADMITTED
    ),
    "not_subscribed": NotSubscribed(ref=1, error=NO),
    "admitted": ADMITTED,
    "answered": Answered(ref=3, reply=Ok(id=1, room="r_1", seq=10, at=AT, duplicate=False)),
    "delivered": Delivered(epoch=5, entries=(SAID, Left(room="r_1", user="u_2", seq=11, at=AT))),
    "passed_on": PassedOn(epoch=5, events=(Presence(user="u_1", status="online"),), to=("u_2",), but="u_1"),
    "removed": Removed(epoch=5, user="u_2", left=Left(room="r_1", user="u_2")),
    "heads": Heads(heads=(HeadOf("r_1", 5, 11),)),
    "shards_moved": ShardsMoved(),
    "failed": Failed(8, Refusal(ErrorCode.NAME_TAKEN, "this name is taken", None)),
}


def main() -> None:
    file = Path(__file__).with_name("golden.json")
    known: dict[str, list[str]] = json.loads(file.read_text()) if file.exists() else {}
    codec = NodeCodec(SomeNames())
    for tag, sample in SAMPLES.items():
        written = codec.encode(sample).hex()
        if written not in known.get(tag, []):
            known[tag] = [written, *known.get(tag, [])]
    print(json.dumps(known, indent=1))


if __name__ == "__main__":
    main()
