"""What a text, a name, a nonce may look like."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol import rules
from server.protocol.errors import ErrorCode, Refusal


@pytest.mark.parametrize("text", ["a", " a ", "\U0001f600" * 4_000, "x" * 4_000, "two\nlines", "\u202eabc"])
def test_texts_are_kept_as_sent(text: str) -> None:
    assert rules.check_text(text) == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", ErrorCode.BAD_REQUEST),
        (" \t\n\u2003", ErrorCode.BAD_REQUEST),
        ("a\0b", ErrorCode.BAD_REQUEST),
        ("a\ud800", ErrorCode.BAD_REQUEST),
        ("x" * 4_001, ErrorCode.TOO_LONG),
        ("\U0001f600" * 4_001, ErrorCode.TOO_LONG),
    ],
)
def test_bad_texts_are_refused_by_name(text: str, code: ErrorCode) -> None:
    with pytest.raises(Refusal) as caught:
        rules.check_text(text)
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (rules.check_user_name, ["a", "a.b-c_9", "x" * 32], ["", "A", "é", "a b", "x" * 33, "a\n"]),
        (rules.check_channel_name, ["general", "a-b_c", "x" * 64], ["", "a.b", "General", "x" * 65, "a\n"]),
        (
            rules.check_display_name,
            ["Ann", "Zoë 🌸", "x" * 64],
            ["", "  ", "x" * 65, "a\tb", "evil\u202egnp.exe", "a\u2066b", "a\u2028b", "a\0"],
        ),
        (rules.check_nonce, ["n", "x" * 64], ["", "x" * 65, "a\0"]),
        (rules.check_password, ["12345678", "pass phrase with spaces"], ["1234567", "x" * 1_025, "\ud800" * 8]),
    ],
)
def test_names(check: Callable[[str], str], good: list[str], bad: list[str]) -> None:
    for name in good:
        assert check(name) == name
    for name in bad:
        with pytest.raises(Refusal):
            check(name)


@pytest.mark.parametrize("room", ["", "r", "general", "u_1", "r_" + "x" * 63, "r_../etc", "r_ü", "r_1\n"])
def test_what_cannot_be_a_room_is_not_looked_up(room: str) -> None:
    assert not rules.looks_like_room(room)


def test_a_user_id_is_never_taken_for_a_name() -> None:
    with pytest.raises(Refusal):
        rules.check_user_name("u_01KX2Y8F7Q3M5N9PABCDEFGHJK")


@given(st.text(max_size=5_000))
def test_an_accepted_text_can_be_written_down(text: str) -> None:
    try:
        rules.check_text(text)
    except Refusal:
        return
    text.encode()
