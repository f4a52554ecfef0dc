"""What holds for an account in all its rooms: how it is shown to others, how others are to it, and its settings."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from server.protocol.bases import Command
from server.protocol.fields import UserId
from server.protocol.limits import PRESENCES, STATUS_CHARACTERS

PresenceStatus = Literal["online", "away", "busy", "invisible"]
StatusText = Annotated[
    str,
    Meta(description="What one says of oneself, on one line.", extra_json_schema={"maxLength": STATUS_CHARACTERS}),
]


class SetPresence(Command, frozen=True, kw_only=True, tag="presence"):
    """Says how one is to be shown to others. What is not named stays.

    `away` is said of this device, which nobody uses: its owner is away when all are; until it says `online`. `busy`,
    `invisible`, `text` and `emoji` are of the account, on all devices, until something else is said; `online` ends
    `busy` and `invisible`. Who is invisible looks offline to everybody.
    """

    status: PresenceStatus
    text: StatusText | None = None
    emoji: Annotated[str | None, Meta(description="One emoji; empty: none.")] = None


class SubscribePresence(Command, frozen=True, kw_only=True, tag="subscribe_presence"):
    """Asks to be told how these people look, as `presence` of small rooms does: first of who is not offline.

    It is of people with whom one shares a room, and who have not blocked one, nor are blocked: of all others nothing is
    told, whether there is anybody of that id or not. It lasts as long as the session.
    """

    users: Annotated[
        list[UserId], Meta(description="By their ids.", extra_json_schema={"minItems": 1, "maxItems": PRESENCES})
    ]
    on: Annotated[bool, Meta(description="False: not any more.")] = True


class Settings(Command, frozen=True, kw_only=True, tag="settings"):
    """Changes what is named of the account's settings, on all devices, and tells all of them."""

    receipts: Annotated[
        bool | None, Meta(description="Whether others are told how far one has read, and one how far others have.")
    ] = None
