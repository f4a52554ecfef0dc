"""Random commands of five people against the model: every answer, and everything anybody hears.

Rooms, sessions and store are the real ones. On the way people go and come back, rooms and sessions crash, and time
passes; at the end everybody looks at everything. `HUBBUB_HISTORIES` says how many histories are tried: `make fuzz`
tries many. Slow mode and messages that disappear have tests of their own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio.testing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from server.protocol import commands as c
from server.store.opening import open_store
from tests.harness.fresh import make_fresh
from tests.model.trial import Trial
from tests.model.wishes import CHANGES, WISHES, Wish

HISTORIES = int(os.environ.get("HUBBUB_HISTORIES", "5"))
tried = settings(
    max_examples=HISTORIES, deadline=None, phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@contextmanager
def trial(clock: trio.testing.MockClock) -> Iterator[Trial]:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        make_fresh(data)
        with open_store(data) as store:
            begun = Trial(store, clock)
            begun.begins()
            yield begun


async def test_what_is_said_one_after_the_other_is_as_the_model_says(mock_clock: trio.testing.MockClock) -> None:
    @tried
    @given(wishes=st.lists(WISHES, min_size=50, max_size=80))
    def histories(wishes: list[Wish]) -> None:
        with trial(mock_clock) as tried:
            for wish in wishes:
                tried.happens(wish)
            tried.all_look_at_everything()

    histories()


_OF_BOB, _OF_CYD = 6, 7
"""Their messages: behind who came, the role, the right, and with no entry for the invite."""
TAKEN: dict[str, Callable[[str, str], Any]] = {
    "rights": lambda room, bob: c.SetRights(room=room, post="owner", invite="owner", mention_all="owner", pin="owner"),
    "role": lambda room, bob: c.SetRole(room=room, user=bob, role="guest"),
    "membership": lambda room, bob: c.Ban(room=room, user=bob),
    "voice": lambda room, bob: c.Mute(room=room, user=bob),
    "room": lambda room, bob: c.DeleteRoom(room=room),
}
USED: tuple[Callable[[str, str, str, str], Any], ...] = (
    lambda room, cyd, eve, code: c.Post(room=room, nonce="n", text="@all @dan"),
    lambda room, cyd, eve, code: c.Edit(room=room, target=_OF_BOB, text="hello"),
    lambda room, cyd, eve, code: c.Delete(room=room, target=_OF_CYD),
    lambda room, cyd, eve, code: c.React(room=room, target=_OF_CYD, emoji="👍", on=True),
    lambda room, cyd, eve, code: c.Pin(room=room, target=_OF_CYD, on=True),
    lambda room, cyd, eve, code: c.Leave(room=room),
    lambda room, cyd, eve, code: c.Invite(room=room, user=eve),
    lambda room, cyd, eve, code: c.CreateInvite(room=room, nonce="n"),
    lambda room, cyd, eve, code: c.RevokeInvite(room=room, invite=code),
    lambda room, cyd, eve, code: c.Approve(room=room, user=eve),
    lambda room, cyd, eve, code: c.Kick(room=room, user=cyd),
    lambda room, cyd, eve, code: c.Mute(room=room),
    lambda room, cyd, eve, code: c.Rename(room=room, name="beta"),
    lambda room, cyd, eve, code: c.Join(invite=code),
)


@pytest.mark.parametrize("taken", TAKEN)
async def test_who_loses_a_right_while_they_use_it_has_it_or_has_it_not(
    mock_clock: trio.testing.MockClock, taken: str
) -> None:
    """The owner takes it from a moderator, whose command arrives when that is on its way to the disk."""
    with trial(mock_clock) as tried:
        ann, bob, cyd, eve = (tried.clients[who] for who in (0, 1, 2, 4))
        for used in USED:
            people = [bob.user.user, cyd.user.user]
            tried.asks(ann, c.CreateRoom(kind="group", members=people, nonce=f"{len(tried.speech.rooms)}"))
            room = tried.speech.rooms[-1]
            tried.asks(ann, c.SetRole(room=room, user=bob.user.user, role="moderator"))
            tried.asks(ann, c.SetRights(room=room, approval=True))
            tried.asks(ann, c.CreateInvite(room=room, nonce="code"))
            code = tried.speech.codes[-1]
            tried.asks(bob, c.Post(room=room, nonce="first", text="@here"))
            tried.asks(cyd, c.Post(room=room, nonce="first", text="hello"))
            tried.asks(eve, c.Join(invite=code))
            tried.ask_at_once(
                (ann, TAKEN[taken](room, bob.user.user)), (bob, used(room, cyd.user.user, eve.user.user, code))
            )
            if room in tried.chat.rooms:
                tried.asks(ann, c.Log(room=room, after=0))
                tried.asks(ann, c.DeleteRoom(room=room))


async def test_what_is_said_at_once_is_as_if_it_had_been_said_in_some_order(mock_clock: trio.testing.MockClock) -> None:
    at_once = st.builds(
        lambda room, wishes: [wish._replace(room=room) for wish in wishes],
        st.integers(0, 3),
        st.lists(CHANGES, min_size=2, max_size=3, unique_by=lambda wish: wish.who),
    )

    @tried
    @given(groups=st.lists(st.tuples(WISHES, at_once, st.booleans()), min_size=15, max_size=25))
    def histories(groups: list[tuple[Wish, list[Wish], bool]]) -> None:
        with trial(mock_clock) as tried:
            for wish, wishes, crashes in groups:
                tried.happens(wish)
                tried.happen_at_once(wishes, crashes=crashes)
            tried.all_look_at_everything()

    histories()
