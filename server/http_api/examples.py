"""One example of every body of the HTTP API, for its document: the people and the room of the websocket's examples."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from server.accounts.service import SignedIn
from server.contracts.examples import ADA, AT, BOB, CHANNEL, HIT, LISTED, MESSAGE, NONCE, ROOM, ROOM_ID, TOKEN
from server.http_api.account_calls import Login, Register
from server.http_api.health_calls import Health
from server.http_api.own_calls import Blocked, Device, Devices, Farewell, NewPassword, Profile
from server.http_api.room_calls import Channels, Found, Messages, NewPost, Posted, Rooms
from server.protocol.objects import User

_PASSWORD: Final = "correct horse battery"  # noqa: S105 - nobody's

EXAMPLES: Final[dict[type, Struct]] = {
    Register: Register("ada", _PASSWORD, "Ada L.", "laptop"),
    Login: Login("ada", _PASSWORD, "phone"),
    SignedIn: SignedIn(ADA, TOKEN),
    User: ADA,
    Profile: Profile("Ada L."),
    NewPassword: NewPassword(_PASSWORD, "tr0ubador and 3", keep_devices=False),
    Farewell: Farewell(_PASSWORD),
    Blocked: Blocked((BOB,)),
    Devices: Devices((Device("s_01KX2Y8F7Q3M5N9PABCDEFGHJK", AT, AT, current=True, name="laptop"),)),
    Rooms: Rooms((ROOM, CHANNEL)),
    Channels: Channels((LISTED,), "lobby"),
    Found: Found([HIT], None),
    Messages: Messages([MESSAGE], more=False),
    NewPost: NewPost(NONCE, "Hello, Bob", reply_to=3),
    Posted: Posted(ROOM_ID, 4, AT, duplicate=False),
    Health: Health("alive"),
}
