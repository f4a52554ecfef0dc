"""What one program hands to the next: what is written is read, once, and nothing else is believed."""

from __future__ import annotations

import pytest

from server.parent.handing_over import (
    FORM,
    VARIABLE,
    CannotTakeOver,
    HandedOver,
    HandedWorker,
    Purpose,
    taken_out_of,
    written,
)

HANDED = HandedOver(
    purpose=Purpose.TAKE_OVER,
    lock=3,
    listeners=(4, 5),
    admin=None,
    workers=(HandedWorker(0, 17),),
    engine=99,
    terminal=False,
)


def test_what_is_written_is_read_and_then_gone() -> None:
    environment = written(HANDED)
    assert taken_out_of(environment) == HANDED
    assert VARIABLE not in environment
    assert taken_out_of(environment) is None


def test_the_descriptors_are_all_there_are() -> None:
    assert HANDED.descriptors == (3, 4, 5)


@pytest.mark.parametrize(
    "text", ["", "no JSON", "{}", '{"form":1}', f'{{"form":{FORM},"purpose":"prepare"}}', '{"purpose":"rule"}']
)
def test_what_nobody_understands_is_one_line(text: str) -> None:
    with pytest.raises(CannotTakeOver, match="stop this server and start the new one"):
        taken_out_of({VARIABLE: text})


def test_a_later_form_is_not_guessed_at() -> None:
    later = written(HANDED)[VARIABLE].replace(f'"form":{FORM}', f'"form":{FORM + 1}')
    with pytest.raises(CannotTakeOver, match=f"form {FORM + 1}"):
        taken_out_of({VARIABLE: later})
