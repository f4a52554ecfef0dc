"""What a room must look like to be made."""

from __future__ import annotations

import pytest

from server.protocol.errors import Refusal
from server.protocol.limits import ROOM_MEMBERS_AT_CREATION
from server.protocol.objects import User
from server.protocol.room_commands import CreateRoom
from server.sessions.creation import check_creation

ANN = User(user="u_ANN", name="ann")


@pytest.mark.parametrize(
    "command",
    [
        CreateRoom(kind="channel", name="garden", nonce="n"),
        CreateRoom(kind="group", name="Our Garden", nonce="n", members=["bob", "u_EVE"]),
        CreateRoom(kind="group", nonce="n"),
        CreateRoom(kind="dm", nonce="n", members=["bob"]),
    ],
)
def test_these_can_be_made(command: CreateRoom) -> None:
    check_creation(command, ANN)


@pytest.mark.parametrize(
    "command",
    [
        CreateRoom(kind="channel", nonce="n"),
        CreateRoom(kind="channel", name="Our Garden", nonce="n"),
        CreateRoom(kind="channel", name="garden", nonce=""),
        CreateRoom(kind="group", name="a\u202eb", nonce="n"),
        CreateRoom(kind="group", name="", nonce="n"),
        CreateRoom(kind="group", name="Crowd", nonce="n", members=["x"] * (ROOM_MEMBERS_AT_CREATION + 1)),
        CreateRoom(kind="dm", nonce="n"),
        CreateRoom(kind="dm", nonce="n", members=["bob", "eve"]),
        CreateRoom(kind="dm", nonce="n", members=["ann"]),
        CreateRoom(kind="dm", nonce="n", members=["u_ANN"]),
        CreateRoom(kind="dm", nonce="n", members=["bob"], name="Us"),
    ],
)
def test_these_cannot(command: CreateRoom) -> None:
    with pytest.raises(Refusal) as refused:
        check_creation(command, ANN)
    assert refused.value.code == "bad_request"
