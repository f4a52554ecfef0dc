"""The docs say what the code does: names that stand in both are compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from server.cli.exits import MEANING
from server.http_api.app import CALLS
from server.protocol.closing import CloseCode
from server.protocol.commands import LEGAL
from server.protocol.errors import ErrorCode
from server.protocol.objects import RoomKind
from server.rooms.rights import RIGHTS, ROLES, Right
from server.rooms.room_rights import USUAL, Act
from server.settings import described, shown

ROOT = Path(__file__).parents[1]
OPERATIONS = (ROOT / "docs/operations.md").read_text()
PROTOCOL = (ROOT / "docs/protocol.md").read_text()


def test_every_setting_is_documented_with_its_meaning_and_default() -> None:
    for setting in described():
        assert f"| `{setting.name}` | {setting.meaning} | `{shown(setting.default)}` |" in OPERATIONS


def test_no_setting_is_documented_that_is_none() -> None:
    table = OPERATIONS.split("## Settings")[1].split("## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {setting.name for setting in described()}


def test_every_exit_code_is_documented() -> None:
    for code, meaning in MEANING.items():
        assert f"| {code.value} | {meaning} |" in OPERATIONS


def test_every_op_error_and_close_code_is_in_the_protocol() -> None:
    for op in LEGAL:
        assert f"`{op}`" in PROTOCOL or f'"op":"{op}"' in PROTOCOL
    for code in ErrorCode:
        assert f"`{code.value}`" in PROTOCOL
    for close in CloseCode:
        assert str(close.value) in PROTOCOL


def test_who_may_do_what_is_in_the_protocol_as_the_rooms_read_it() -> None:
    table = PROTOCOL.split("## Who may do what")[1].split("## ")[0]
    rows = [
        f"| `{command.__struct_config__.tag}` | {right.owner} | {right.moderator} | {right.member} | {right.guest} "
        f"| {'yes' if right.in_dm else 'no'} |"
        for command, right in RIGHTS.items()
    ]
    assert [line for line in table.splitlines() if line.startswith("| `")] == rows
    assert f"| | {' | '.join(ROLES)} |" in table
    assert Right._fields[: len(ROLES)] == ROLES


def test_what_each_room_says_itself_is_in_the_protocol_as_it_is_where_it_says_nothing() -> None:
    for act in get_args(Act):
        (row,) = re.findall(rf"^\| may [a-z ]+: `{act}` \|.*$", PROTOCOL, re.MULTILINE)
        assert re.findall(r"`(\w+)`", row)[1:] == [USUAL[kind][act] for kind in get_args(RoomKind)]


def test_every_http_call_is_in_the_protocol() -> None:
    for call in CALLS:
        assert f"{call.method} {call.path}" in PROTOCOL


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("http") or (page.parent / target).exists(), target


def test_files_that_the_house_names_exist() -> None:
    house = (ROOT / "docs/architecture.md").read_text()
    for named in re.findall(r"`((?:actors|server|clients|migrations)/[\w/.]*)`", house):
        assert (ROOT / named).exists(), named
