"""Who is listening: the same, whether few or a crowd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import Address
from server.protocol.events import Presence
from server.protocol.showing import HIDDEN, PLAIN, Shown
from server.rooms import audience as audiences
from server.rooms import elsewhere
from server.rooms.appearances import HERE
from server.rooms.audience import Audience
from tests.rooms.scene import key

FEW = 8
PEOPLE = [f"u_{n}" for n in range(FEW)]
SESSIONS = {key(f"{user} {device}"): user for user in PEOPLE for device in ("phone", "desk")}


@pytest.fixture(scope="module", autouse=True)
def _few() -> Iterator[None]:
    """Fewer than there are, so that a few steps lead across."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(audiences, "FEW", FEW)
        yield


steps = st.lists(st.tuples(st.sampled_from(list(SESSIONS)), st.booleans()), max_size=60)


@given(steps)
def test_who_is_there_is_known_by_session_and_by_user(steps: list[tuple[Address, bool]]) -> None:
    audience, model = Audience(), dict[Address, str]()
    for session, comes in steps:
        if comes:
            audience.attach(session, SESSIONS[session])
            model[session] = SESSIONS[session]
        else:
            assert audience.detach(session) is (model.pop(session, None) is not None)
        assert len(audience) == len(model)
        assert set(audience.everyone) == set(model)
        assert {session: audience.user_of(session) for session in SESSIONS} == {
            session: model.get(session) for session in SESSIONS
        }
        for user in PEOPLE:
            own = {session for session in model if SESSIONS[session] == user}
            assert set(audience.sessions_of([user])) == own
            assert set(audience.without(user)) == set(model) - own
            assert audience.is_here(user) is bool(own)
        assert set(audience.users()) == {SESSIONS[session] for session in model}


@given(steps)
def test_a_coming_is_told_once_and_a_going_too(steps: list[tuple[Address, bool]]) -> None:
    audience = Audience()
    for session, comes in steps:
        here = {user for user in PEOPLE if audience.is_here(user)}
        if comes:
            audience.attach(session, SESSIONS[session])
        else:
            audience.detach(session)
        now = {user for user in PEOPLE if audience.is_here(user)}
        assert audience.news(0.0, grace=0.0) == [
            *(Presence(user=user, status="online") for user in now - here),
            *(Presence(user=user, status="offline") for user in here - now),
        ]
        assert not audience.has_news


def test_everyone_in_a_crowd_is_one_tuple_for_all_deliveries() -> None:
    audience = Audience()
    for session in list(SESSIONS)[: FEW + 1]:
        audience.attach(session, SESSIONS[session])
    assert len(audience.everyone) == FEW + 1
    assert audience.everyone is audience.everyone


RELAYS = [key(f"relay {number}") for number in range(elsewhere.FEW + 2)]
LOOKS = [Shown("away"), HIDDEN, PLAIN]

moves = st.lists(
    st.one_of(
        st.tuples(st.just("here"), st.sampled_from(list(SESSIONS)), st.booleans()),
        st.tuples(st.just("elsewhere"), st.integers(0, len(RELAYS) - 1), st.sampled_from(PEOPLE)),
        st.tuples(st.just("gone"), st.integers(0, len(RELAYS) - 1), st.none()),
        st.tuples(st.just("looks"), st.sampled_from(PEOPLE), st.sampled_from(LOOKS)),
    ),
    max_size=60,
)


@given(many=st.booleans(), moves=moves)
def test_who_is_online_is_counted_as_they_are_listed(*, many: bool, moves: list[tuple[str, Any, Any]]) -> None:
    """Here, by few relays or by many, at several places at once, and without those who hide."""
    audience = Audience()
    for number, relay in enumerate(RELAYS if many else []):
        audience.subscribe(relay, 1, 1, number)
    for kind, which, what in moves:
        match kind:
            case "here" if what:
                audience.attach(which, SESSIONS[which])
            case "here":
                audience.detach(which)
            case "elsewhere":
                audience.came_elsewhere(audience.subscribe(RELAYS[which], 1, 1, which), [what])
            case "gone":
                audience.ended_elsewhere(RELAYS[which])
            case _ if which in audience.all_users():
                audience.shows(HERE, which, what)
            case _:
                pass
        shown = [user for user in audience.all_users() if audience.appears(user) is not None]
        assert audience.count_shown() == len(shown)
