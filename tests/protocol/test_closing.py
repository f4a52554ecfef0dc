"""Close codes and reasons."""

from __future__ import annotations

import pytest

from server.protocol.closing import CloseCode, close_reason, may_reconnect


def test_every_code_has_a_name() -> None:
    assert all(close_reason(code) for code in CloseCode)


@pytest.mark.parametrize("text", ["short", "x" * 500, "ü" * 200, "\U0001f600" * 100])
def test_a_reason_fits_into_a_control_frame(text: str) -> None:
    reason = close_reason(CloseCode.PROTOCOL_ERROR, text)
    assert reason.startswith("protocol error: ")
    assert len(reason.encode()) <= 123


@pytest.mark.parametrize("code", [1001, 1006, 1012, 4000, 4006, 4499])
def test_a_lost_or_crowded_connection_comes_back(code: int) -> None:
    assert may_reconnect(code)


@pytest.mark.parametrize("code", [1000, 4500, 4503, 4999])
def test_whoever_was_sent_away_stays_away(code: int) -> None:
    assert not may_reconnect(code)
