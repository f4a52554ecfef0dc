"""Nothing other people write can do more than be read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.terminal.harmless import harmless, on_one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("grüße 你好 👩‍👩‍👧", "grüße 你好 👩‍👩‍👧"),
        ("\x1b[2J\x1b]0;title\x07", "␛[2J␛]0;title␇"),
        ("a\x7fb\x00c\bd", "a␡b␀c␈d"),
        ("\x9b31m", "<U+009B>31m"),
        ("safe\u202etxt.exe", "safe<U+202E>txt.exe"),
        ("a\tb", "a    b"),
        ("one\ntwo\r\nthree\rfour\u2028five", "one\n  two\n  three\n  four\n  five"),
        ("\ud800", "<U+D800>"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert harmless(text, "  ") == shown


def test_a_name_cannot_break_the_line() -> None:
    assert on_one_line("ann\n12:00 bob: hi") == "ann␊12:00 bob: hi"


@settings(deadline=None)
@given(st.text())
def test_no_text_has_anything_a_terminal_obeys(text: str) -> None:
    assert all(line.isprintable() or not line.isascii() for line in harmless(text).split("\n"))
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in harmless(text).replace("\n", ""))
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in on_one_line(text))
