"""What one can react with."""

from __future__ import annotations

import pytest

from server.protocol.errors import Refusal
from server.protocol.rules import check_emoji

GOOD = ["👍", "❤️", "❤", "👍🏽", "👩‍👩‍👧‍👦", "🧑🏻‍❤️‍💋‍🧑🏼", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "#⃣"]
GOOD += ["©", "™️", "〰️", "㊗️", "Ⓜ️", "🏳️‍🌈", "🫨", "\U0001faff"]
BAD = ["", "a", "1", "#", " ", "👍👍", "👍 ", "👍a", "ok", "<", "é", "\0", "\u200d", "\ufe0f", "👍\u200d", "\ud83d"]
BAD += ["🇩", "🇩🇪🇫🇷", "👍" + "\U000e0020" * 20]


@pytest.mark.parametrize("emoji", GOOD)
def test_one_emoji_however_it_is_composed(emoji: str) -> None:
    assert check_emoji(emoji) == emoji


@pytest.mark.parametrize("emoji", BAD, ids=ascii)
def test_nothing_else(emoji: str) -> None:
    with pytest.raises(Refusal, match="one emoji"):
        check_emoji(emoji)
