"""How somebody looks, by their devices and what they have chosen."""

from __future__ import annotations

import pytest

from server.protocol.objects import User
from server.protocol.showing import HIDDEN, PLAIN, Chosen, Shown, merged, of_devices, presence_of, with_shown


@pytest.mark.parametrize(
    ("devices", "idle", "chosen", "looks"),
    [
        (1, 0, None, "online"),
        (1, 1, None, "away"),
        (2, 1, None, "online"),
        (2, 2, None, "away"),
        (2, 2, "busy", "busy"),
        (1, 0, "invisible", "offline"),
    ],
)
def test_one_device_in_use_makes_its_owner_online(devices: int, idle: int, chosen: Chosen | None, looks: str) -> None:
    assert of_devices(devices, idle, chosen, None, None).status == looks


def test_who_is_invisible_says_nothing_of_themselves() -> None:
    assert of_devices(1, 0, "invisible", "at home", None) == HIDDEN


def test_over_nodes_one_that_is_in_use_makes_its_owner_online_and_privacy_wins() -> None:
    away, busy = Shown("away"), Shown("busy", "in a meeting")
    assert merged([away, PLAIN]) == PLAIN
    assert merged([away, away]) == away
    assert merged([PLAIN, busy, away]) == busy
    assert merged([PLAIN, busy, HIDDEN]) == HIDDEN


def test_how_it_is_told() -> None:
    busy = Shown("busy", "in a meeting", "\N{CALENDAR}")
    assert (presence_of("u", None).status, presence_of("u", PLAIN).status) == ("offline", "online")
    told, user = presence_of("u", busy), with_shown(User(user="u", name="ann"), busy)
    assert (told.status, told.text, told.emoji) == (user.status, user.status_text, user.status_emoji)
    assert with_shown(User(user="u", name="ann"), None).status == "offline"
