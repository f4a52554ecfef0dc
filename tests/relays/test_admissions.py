"""Who waits to be admitted: nobody is lost, nobody is asked for twice at a time, and the first come first."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from actors import Address
from server.relays.admissions import ATTACH_SECONDS, Admissions
from server.rooms.messages import Attach
from tests.rooms.scene import key

SESSIONS = [key(f"session {n}") for n in range(6)]
MOST = 3

steps = st.lists(st.sampled_from([*SESSIONS, "ask", "answer", "ask again", "link full", "beat"]), max_size=60)


def attach(ref: int, session: Address) -> Attach:
    return Attach(ref, session, f"u_{session}")


@given(steps)
def test_everybody_is_answered_for_what_they_asked_last(steps: list[Address | str]) -> None:
    admissions, refs = Admissions(), count(1)
    last: dict[Address, int] = {}

    def answered(attaches: list[Attach]) -> None:
        for one in attaches:
            if last.get(one.session) == one.ref:
                del last[one.session]

    for step in steps:
        match step:
            case "ask":
                if admissions.may_be_asked:
                    assert 0 < len(admissions.ask(next(refs), 0.0, MOST)) <= MOST
            case "answer":
                answered(admissions.answered())
            case "ask again":
                admissions.ask_again()
            case "link full":
                admissions.hold()
                assert not admissions.may_be_asked
            case "beat":
                admissions.release()
            case _:
                assert not isinstance(step, str)
                last[step] = next(refs)
                admissions.wait(attach(last[step], step), 0.0)
    assert bool(admissions) or not last
    admissions.release()
    answered(admissions.answered())
    while admissions.may_be_asked:
        admissions.ask(next(refs), 0.0, MOST)
        answered(admissions.answered())
    assert (last, bool(admissions)) == ({}, False)


def test_those_who_were_asked_for_in_vain_come_before_those_who_came_later() -> None:
    admissions = Admissions()
    for number, session in enumerate(SESSIONS[:4]):
        admissions.wait(attach(number, session), 0.0)
    first = admissions.ask(7, 0.0, 2)
    admissions.wait(attach(9, SESSIONS[5]), 1.0)
    admissions.ask_again()
    assert admissions.ask(8, 1.0, 2) == first


def test_whom_the_owner_was_asked_for_nobody_gives_up() -> None:
    admissions = Admissions()
    admissions.wait(attach(1, SESSIONS[0]), 0.0)
    admissions.ask(7, 1.0)
    admissions.wait(attach(2, SESSIONS[1]), 1.0)
    assert [one.ref for one in admissions.expire(1.0 + ATTACH_SECONDS)] == [2]
    assert admissions.asked == (f"u_{SESSIONS[0]}",)
