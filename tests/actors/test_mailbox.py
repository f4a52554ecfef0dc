"""A mailbox that is full: each overflow choice, and who is not held to the bound."""

from __future__ import annotations

import pytest

from actors import Address, Gapped, Mailbox, Overflow, System, open_system
from tests.actors.small_actors import Recorder, Script, quiet, recorder, tell_script, tree


async def fill(overflow: Overflow, messages: int, limit: int = 3) -> tuple[list[object], list[bool], Address]:
    """What a recorder gets of so many messages told while it cannot run, what `tell` said, and the recorder."""
    log: list[object] = []
    async with open_system(tree(recorder(log, mailbox=Mailbox(limit, overflow)))) as system:
        address = one(system)
        said = [address.tell(number) for number in range(messages)]
        await quiet()
    return log, said, address


def one(system: System) -> Address:
    address = system.whereis("recorder")
    assert address is not None
    return address


async def test_refuse_tells_the_sender() -> None:
    log, said, address = await fill(Overflow.REFUSE, 5)
    assert log == [0, 1, 2]
    assert said == [True, True, True, False, False]
    assert address.statistics().dropped == 2


async def test_drop_newest_keeps_what_waits() -> None:
    log, said, address = await fill(Overflow.DROP_NEWEST, 5)
    assert log == [0, 1, 2]
    assert all(said)
    assert address.statistics().dropped == 2


async def test_drop_oldest_keeps_the_latest() -> None:
    log, said, address = await fill(Overflow.DROP_OLDEST, 5)
    assert log == [2, 3, 4]
    assert all(said)
    assert address.statistics().dropped == 2


async def test_gap_puts_one_mark_in_place_of_all_that_was_dropped() -> None:
    log, said, address = await fill(Overflow.GAP, 6)
    assert log == [0, 1, 2, Gapped()]
    assert all(said)
    assert address.statistics().dropped == 3


async def test_a_gap_stands_where_the_messages_are_missing_and_the_stream_goes_on_behind_it() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log, mailbox=Mailbox(2, Overflow.GAP)))) as system:
        for burst in range(2):
            for number in range(4):
                one(system).tell((burst, number))
            await quiet()
    assert log == [(0, 0), (0, 1), Gapped(), (1, 0), (1, 1), Gapped()]


async def test_an_answer_is_taken_by_a_full_mailbox() -> None:
    log: list[object] = []
    async with open_system(tree(recorder(log, mailbox=Mailbox(1)))) as system:
        address = one(system)
        assert address.tell("question of another")
        assert not address.tell("one too many")
        assert address.answer("answer")
        await quiet()
    assert log == ["question of another", "answer"]


async def test_the_mailbox_of_an_actor_that_runs_is_not_held_against_what_it_has_received() -> None:
    """An actor that handles the last waiting message has an empty mailbox, and may tell itself as much as it holds."""
    said: list[bool] = []
    async with open_system(tree()) as system:
        spec = recorder([], mailbox=Mailbox(2))
        script = system.spawn(type(spec)("script", Script, mailbox=Mailbox(2)))
        for _ in range(2):
            tell_script(script, lambda _: None)
        await quiet()

        def fill_itself(actor: Script) -> None:
            said.extend(actor.address.tell(lambda _: None) for _ in range(3))

        tell_script(script, fill_itself)
        await quiet()
    assert said == [True, True, False]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_mailbox_holds_at_least_one_message(limit: int) -> None:
    with pytest.raises(ValueError, match="at least one message"):
        Mailbox(limit)


async def test_messages_to_a_stopped_actor_are_dead_letters_and_counted() -> None:
    async with open_system(tree()) as system:
        spec = recorder([])
        address = system.spawn(type(spec)("short", Recorder, ([],)))
        system.dynamic("short").stop("short")
        await quiet()
        assert not address.alive
        before = system.dead_letters.count
        assert [address.tell(1), address.answer(2), address.urgent(3)] == [False, False, False]
        assert system.dead_letters.count == before + 3
