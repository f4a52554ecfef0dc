"""A million tiny frames where no pace is set: the sender gets through, and the others get their turns all the while."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.attacks.intruder import Intruder
from tests.attacks.scale import sizes
from tests.gateway.doorway import frame, text
from tests.harness.server import UNHURRIED, ServerProcess

CONTINUATION, PING, PONG = 0, 9, 10
PATIENCE = 120.0


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return UNHURRIED | {"HUBBUB_FRAME_BYTES": str(2**22)}


@pytest.mark.parametrize(
    ("first", "one", "last"),
    [
        pytest.param(b"", frame(PONG, b""), b"", id="pongs"),
        pytest.param(
            text('{"op":"pi', fin=False),
            frame(CONTINUATION, b"", fin=False),
            frame(CONTINUATION, b'ng"}'),
            id="empty pieces",
        ),
        pytest.param(
            text('{"op":', fin=False),
            frame(CONTINUATION, b" ", fin=False),
            frame(CONTINUATION, b'"ping"}'),
            id="of one byte",
        ),
    ],
)
@sizes(10_000, 1_000_000)
def test_tiny_frames_are_taken_in_turns(
    server: ServerProcess, token: Callable[[], str], first: bytes, one: bytes, last: bytes, count: int
) -> None:
    with Intruder(server.address, token()) as intruder:
        assert intruder.push(first + one * count + last + frame(PING, b"done?"), seconds=PATIENCE)
        assert intruder.read_until(lambda: intruder.heard[PONG] > 0, PATIENCE)
        assert intruder.closed_with is None
        assert intruder.heard[1] == (2 if last else 1), "a `welcome`, and a `pong` for the message in pieces"
