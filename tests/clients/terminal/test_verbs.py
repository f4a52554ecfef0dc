"""What typed lines mean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.terminal.verbs import (
    HELP,
    Bring,
    Create,
    GoTo,
    Help,
    LeaveRoom,
    ListRooms,
    Nothing,
    Quit,
    Say,
    ShowHistory,
    TalkTo,
    Verb,
    Who,
    Wrong,
    parse,
)


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        ("hello there", Say("hello there")),
        ("  indented ", Say("  indented ")),
        ("//join is a command", Say("/join is a command")),
        ("", Nothing()),
        ("   \t", Nothing()),
        ("/join tea", GoTo("tea")),
        ("/join #tea", GoTo("#tea")),
        ("/j tea", GoTo("tea")),
        ("/JOIN tea", GoTo("tea")),
        ("/create tea", Create("channel", "tea")),
        ("/create #tea", Create("channel", "tea")),
        ("/create group", Create("channel", "group")),
        ("/create group friends bob @cem", Create("group", "friends", ("bob", "cem"))),
        ("/dm bob", TalkTo("bob")),
        ("/dm @bob", TalkTo("bob")),
        ("/invite @bob", Bring("bob")),
        ("/leave", LeaveRoom()),
        ("/rooms", ListRooms()),
        ("/who", Who()),
        ("/history", ShowHistory()),
        ("/history 50", ShowHistory(50)),
        ("/quit", Quit()),
        ("/q", Quit()),
        ("/help", Help()),
    ],
)
def test_lines_that_mean_something(line: str, verb: Verb) -> None:
    assert parse(line) == verb


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/join", "usage: /join ROOM"),
        ("/join a b", "usage: /join ROOM"),
        ("/create", "usage: /create"),
        ("/dm", "usage: /dm USER"),
        ("/invite a b", "usage: /invite USER"),
        ("/history none", "a number from 1 to 200"),
        ("/history 0", "a number from 1 to 200"),
        ("/history 201", "a number from 1 to 200"),
        ("/history ²", "a number from 1 to 200"),
        (f"/history {'9' * 5000}", "a number from 1 to 200"),
        ("/quit now", "/quit stands alone"),
        ("/nick ann", "there is no /nick"),
    ],
)
def test_lines_that_do_not_say_why(line: str, why: str) -> None:
    verb = parse(line)
    assert isinstance(verb, Wrong)
    assert why in verb.why


@pytest.mark.parametrize("line", ["/", "/ ", "/ hello"])
def test_a_slash_alone_is_no_command(line: str) -> None:
    assert parse(line) == Say(line)


@pytest.mark.parametrize("command", ["join", "create", "dm", "invite", "leave", "rooms", "who", "history", "quit"])
def test_help_names_every_command(command: str) -> None:
    assert f"/{command}" in HELP


@settings(deadline=None)
@given(st.builds("".join, st.lists(st.sampled_from(["/", " ", "join", "history", "create", "group", "9", "\x85"]))))
def test_any_line_means_something(line: str) -> None:
    parse(line)
