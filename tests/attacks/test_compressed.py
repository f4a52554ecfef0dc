"""Attacks on a server that takes permessage-deflate: little is sent, and much is made of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from server.gateway.deflate import WIDEST, deflated
from tests.attacks.intruder import Intruder
from tests.attacks.scale import sizes
from tests.gateway.doorway import frame
from tests.harness.server import ServerProcess

OFFER = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
TEXT, BINARY, RSV1 = 1, 2, 4


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return {"HUBBUB_COMPRESSION": "true"}


def squeezed(message: bytes, opcode: int = TEXT) -> bytes:
    return frame(opcode, deflated(message, WIDEST), rsv=RSV1)


@sizes(2_000, 100_000)
def test_zeros_are_charged_as_what_they_inflate_to(server: ServerProcess, token: Callable[[], str], count: int) -> None:
    """Each is 120 bytes, and 65,000 once it is inflated: two a second are allowed, and ten seconds' worth at once."""
    zeros = squeezed(b'{"op":"ping","x":"' + b"0" * 65_000 + b'"}')
    assert len(zeros) < 200
    with Intruder(server.address, token(), OFFER) as intruder:
        assert b"permessage-deflate" in intruder.head
        intruder.push(zeros * count)
        assert intruder.close_code() == 4503
        assert intruder.heard[TEXT] <= 60, "what was answered"


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(squeezed(bytes(50_000_000), BINARY), id="50 MB of zeros"),
        pytest.param(squeezed(b"[" * 65_000), id="65,000 arrays deep"),
        pytest.param(frame(TEXT, b"\x02\x00" * 30_000, rsv=RSV1), id="empty blocks"),
        pytest.param(frame(TEXT, b"\xff" * 60_000, rsv=RSV1), id="no stream"),
    ],
)
@sizes(20, 500)
def test_a_bomb_ends_its_sender(server: ServerProcess, token: Callable[[], str], bomb: bytes, count: int) -> None:
    one = token()
    for _ in range(count):
        with Intruder(server.address, one, OFFER) as intruder:
            intruder.push(bomb)
            assert intruder.close_code() == 4502
