"""What holds for an account in all its rooms: how it is shown to others, and its settings."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from server.protocol.bases import Command
from server.protocol.limits import STATUS_CHARACTERS

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


class Settings(Command, frozen=True, kw_only=True, tag="settings"):
    """Changes what is named of the account's settings, on all devices, and tells all of them."""

    receipts: Annotated[
        bool | None, Meta(description="Whether others are told how far one has read, and one how far others have.")
    ] = None
