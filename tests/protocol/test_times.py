"""Times on the wire."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from server.protocol.times import rfc3339


def test_a_time_is_utc_with_milliseconds() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1_767_225_599_007) == "2025-12-31T23:59:59.007Z"


@given(st.integers(0, 4_102_444_800_000))
def test_nothing_is_lost_on_the_way(milliseconds: int) -> None:
    parsed = datetime.fromisoformat(rfc3339(milliseconds).replace("Z", "+00:00"))
    assert round((parsed - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000) == milliseconds
