"""One of each message that crosses between nodes.

`python -m tests.cluster.samples` prints a `golden.json` in which they also are as they are written now.
"""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import Struct

from actors import AskFailed, Reply
from server.cluster.codec import NodeCodec
from server.cluster.hints import ShardsMoved
from server.cluster.users import UserAdded, UsersAdded
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import User
from server.store.messages import (
    AddToken,
    AddUser,
    CreateRoom,
    Failed,
    Identity,
    Revocations,
    RevokeToken,
    RoomCreated,
    SetPassword,
    TouchTokens,
)


class Asker(Reply[object]):
    """Whoever asks in the samples. Nobody answers."""

    over = False

    def tell(self, answer: object, /) -> bool:
        raise NotImplementedError

    def fail(self, failure: AskFailed) -> None:
        raise NotImplementedError


ASKER = Asker()


class OneAsker:
    """Names as a distribution gives them, for the one who asks in all samples."""

    def export(self, what: object) -> str:
        assert what is ASKER
        return "n_1:sessions/s_1"

    def imported(self, text: str) -> object:
        assert text == "n_1:sessions/s_1"
        return ASKER


ADA = User(user="u_1", name="ada", display_name="Ada")
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
    "touch_tokens": TouchTokens(sessions=("s_1",), at=1_700_000_000_000),
    "users_added": UsersAdded(added=(UserAdded("u_1", "r_1", 7), UserAdded("u_2", "r_1", 8))),
    "shards_moved": ShardsMoved(),
    "failed": Failed(8, Refusal(ErrorCode.NAME_TAKEN, "this name is taken", None)),
}


def main() -> None:
    file = Path(__file__).with_name("golden.json")
    known: dict[str, list[str]] = json.loads(file.read_text()) if file.exists() else {}
    codec = NodeCodec(OneAsker())
    for tag, sample in SAMPLES.items():
        written = codec.encode(sample).hex()
        if written not in known.get(tag, []):
            known[tag] = [written, *known.get(tag, [])]
    print(json.dumps(known, indent=1))


if __name__ == "__main__":
    main()
