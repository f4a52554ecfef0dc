"""What a schema says of a field is what `rules.py` checks: character by character."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from server.protocol.errors import Refusal
from server.protocol.fields import NO_NUL, SAID, SHOWN
from server.protocol.limits import CHANNEL_NAME_ALPHABET, USER_NAME_ALPHABET
from server.protocol.rules import (
    check_channel_name,
    check_display_name,
    check_nonce,
    check_text,
    check_user_name,
)

CHARACTERS = [chr(number) for number in range(0x1_1000) if not 0xD800 <= number <= 0xDFFF]


@pytest.mark.parametrize(
    ("pattern", "check"),
    [
        (SHOWN, check_display_name),
        (SAID, check_text),
        (NO_NUL, check_nonce),
        (f"^{USER_NAME_ALPHABET}+$", check_user_name),
        (f"^{CHANNEL_NAME_ALPHABET}+$", check_channel_name),
    ],
)
def test_the_schema_allows_the_characters_that_are_taken(pattern: str, check: Callable[[str], str]) -> None:
    for character in CHARACTERS:
        assert bool(re.search(pattern, f"a{character}b")) == is_taken(check, f"a{character}b"), hex(ord(character))


@pytest.mark.parametrize("blank", [" ", "\u3000 ", "\x1e", "\x85\n"])
@pytest.mark.parametrize(("pattern", "check"), [(SHOWN, check_display_name), (SAID, check_text)])
def test_there_has_to_be_something_to_see(pattern: str, check: Callable[[str], str], blank: str) -> None:
    assert not re.search(pattern, blank)
    assert not is_taken(check, blank)


def is_taken(check: Callable[[str], str], text: str) -> bool:
    try:
        check(text)
    except Refusal:
        return False
    return True
