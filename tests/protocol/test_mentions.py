"""Whom a text calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.limits import MENTIONED_NAMES, TEXT_CODE_POINTS
from server.protocol.mentions import Called, called_by


def names(text: str) -> tuple[str, ...]:
    called = called_by(text)
    return () if called is None else called.names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@ann", ("ann",)),
        ("hello @ann, @bob!", ("ann", "bob")),
        ("@ann @bob @ann", ("ann", "bob")),
        ("@Ann and @BOB", ("ann", "bob")),
        ("(@ann) [@bob] «@cat» *@dan*", ("ann", "bob", "cat", "dan")),
        ("@ann's turn: @bob; @cat?", ("ann", "bob", "cat")),
        ("Ask @ann.", ("ann",)),
        ("Ask @ann...", ("ann",)),
        ("@ann-", ("ann",)),
        ("@ann.lee @b_o_b @c-d", ("ann.lee", "b_o_b", "c-d")),
        ("-@ann\n-@bob", ("ann", "bob")),
        ("@7", ("7",)),
        ("こんにちは@annさん", ("ann",)),
        ("@" + "a" * 32, ("a" * 32,)),
    ],
)
def test_names_are_found(text: str, found: tuple[str, ...]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "nobody",
        "@",
        "@ ann",
        "ann@example.org",
        "ann+lists@example.org",
        "ann_@example.org",
        "@ann@example.org",
        "https://example.org/@ann",
        "@@ann",
        r"\@ann",
        "@.-",
        "@" + "a" * 33,
        "`@ann`",
        "``a ` @ann``",
        "```\n@ann\n```",
    ],
)
def test_what_calls_nobody(text: str) -> None:
    assert called_by(text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`@ann` @bob `@cat` @dan", ("bob", "dan")),
        ("` @ann", ("ann",)),
        ("`` @ann `", ("ann",)),
        ("`` @ann ` @bob ``` @cat `", ("ann",)),
        ("@ann`x`@bob", ("ann", "bob")),
        ("a`x`@bob", ("bob",)),
    ],
)
def test_code_ends_at_as_many_backticks(text: str, found: tuple[str, ...]) -> None:
    assert names(text) == found


def test_who_is_here_and_all_are_no_names() -> None:
    assert called_by("@here") == Called((), here=True, all=False)
    assert called_by("@ALL, @Here and @ann!") == Called(("ann",), here=True, all=True)
    assert called_by("@everyone") == Called(("everyone",), here=False, all=False)


def test_a_text_calls_so_many_people_and_no_more() -> None:
    most = " ".join(f"@n{number}" for number in range(MENTIONED_NAMES))
    assert len(names(f"{most} @here @all @n0")) == MENTIONED_NAMES
    with pytest.raises(Refusal) as refused:
        called_by(f"{most} @one-more")
    assert refused.value.code is ErrorCode.LIMIT_REACHED


@given(st.text("@`ab. ", max_size=60))
def test_a_name_is_in_the_text_behind_an_at(text: str) -> None:
    for name in names(text):
        assert f"@{name}" in text
        assert name == name.rstrip(".")


def test_the_longest_of_awkward_texts_is_read_at_once() -> None:
    """Nothing here is tried again from each place: what that would take nobody would wait for."""
    ticks = "".join("`" * length + " " for length in range(1, 90))[: TEXT_CODE_POINTS - 4]
    assert names(f"{ticks}@ann") == ("ann",)
    assert names("@." * (TEXT_CODE_POINTS // 2)) == ()
    assert names("@" * TEXT_CODE_POINTS) == ()
