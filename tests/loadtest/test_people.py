"""People as they follow from a manifest."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import msgspec
import pytest

from loadtest.people import BadPeople, Manifest, People
from loadtest.plans import PEOPLE_AT_MOST, BadPlan
from server.protocol.rules import check_channel_name, check_user_name, looks_like_room


@pytest.fixture
def people() -> People:
    return People.made(200, "all,each:10")


def test_what_a_manifest_says_comes_back_from_its_file(tmp_path: Path, people: People) -> None:
    people.write(tmp_path / "people.json")
    again = People.read(tmp_path / "people.json")
    assert (again.count, again.room_count, again.plan, again.made_at) == (200, 21, "all,each:10", people.made_at)
    for number in (0, 7, 199):
        assert again.user(number) == people.user(number)
        assert again.token(number) == people.token(number)
        assert again.name(number) == people.name(number)
        assert again.rooms_of(number) == people.rooms_of(number)
    assert again.room(20) == people.room(20)
    assert again.room_name(20) == people.room_name(20)


def test_a_manifest_is_small_for_its_owner_alone_and_never_overwritten(tmp_path: Path, people: People) -> None:
    path = tmp_path / "people.json"
    before = os.umask(0)
    try:
        people.write(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_size < 400
    written = path.read_bytes()
    with pytest.raises(FileExistsError):
        People.made(1, "all").write(path)
    assert path.read_bytes() == written


def test_the_rules_of_the_wire_hold_for_everybody(people: People) -> None:
    for number in (0, 199, PEOPLE_AT_MOST - 1):
        assert check_user_name(people.name(number))
        assert len(people.user(number)) == len("u_") + 26
        assert len(people.token(number)) == 43
        assert looks_like_room(people.room(number))
        assert check_channel_name(people.room_name(number))


def test_nobody_shares_an_id_a_name_or_a_token(people: People) -> None:
    others = People.made(200, "all")
    for of in (People.user, People.name, People.token):
        assert len({of(some, number) for some in (people, others) for number in range(200)}) == 400
    assert len({some.room(room) for some in (people, others) for room in range(200)}) == 400


def test_ids_and_names_ascend_with_the_number(people: People) -> None:
    numbers = [0, 1, 31, 32, 1_000, 1_023, 1_024, 99_999, 2_300_000, PEOPLE_AT_MOST - 1]
    for of in (people.user, people.name, people.room, people.room_name):
        assert [of(number) for number in numbers] == sorted(map(of, numbers))


def test_rooms_of_all_and_large_ones_are_channels() -> None:
    people = People.made(300, "all,rooms:1x257,rooms:1x256")
    assert [people.kind_of(room) for room in range(3)] == ["channel", "channel", "group"]
    assert People.made(5, "all").kind_of(0) == "channel"


def test_people_are_no_larger_for_being_many() -> None:
    crowd = People.made(2_300_000, "all,each:10")
    held = [getattr(crowd._plan, name) for name in crowd._plan.__slots__]
    assert sum(map(sys.getsizeof, held)) < 1_000


GOOD = msgspec.to_builtins(Manifest(secret="0f" * 32, users=3, rooms="all", made_at=1_790_000_000_000))


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"secret": "0f"}, "secret"),
        ({"secret": "0F" * 32}, "secret"),
        ({"version": 2}, "version"),
        ({"users": "3"}, "users"),
        ({"made_at": -1}, "made_at"),
        ({"made_at": 2**48}, "made_at"),
        ({"tokens": []}, "tokens"),
    ],
)
def test_what_is_no_manifest_is_said_in_one_line(tmp_path: Path, changed: dict[str, object], complaint: str) -> None:
    path = tmp_path / "people.json"
    path.write_bytes(msgspec.json.encode(GOOD | changed))
    with pytest.raises(BadPeople) as refused:
        People.read(path)
    assert complaint in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("written", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_another_file_is_no_manifest(tmp_path: Path, written: bytes) -> None:
    path = tmp_path / "people.json"
    path.write_bytes(written)
    with pytest.raises(BadPeople, match="no manifest of people"):
        People.read(path)


def test_a_manifest_with_a_plan_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    path.write_bytes(msgspec.json.encode(GOOD | {"rooms": "rooms:1x4"}))
    with pytest.raises(BadPlan, match="1 to 3 of so many people"):
        People.read(path)
