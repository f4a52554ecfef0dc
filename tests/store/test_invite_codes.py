"""What a code is made of, and that nobody makes one."""

from __future__ import annotations

import pytest

from server.protocol.errors import ErrorCode, Refusal
from server.store.invite_codes import code_of, invite_id, invite_of, is_signed

KEY, OTHER = b"k" * 32, b"o" * 32
MADE = "r_1", "u_1", "n1", 5, 60


def test_a_code_leads_to_its_invite_and_is_signed_by_its_key_alone() -> None:
    invite = invite_id(*MADE)
    code = code_of(invite, KEY)
    assert invite_of(code) == invite
    assert is_signed(code, KEY)
    assert not is_signed(code, OTHER)


def test_who_asks_again_gets_the_same_one_and_who_asks_for_another_does_not() -> None:
    others = [("r_2", *MADE[1:]), ("r_1", "u_2", "n1", 5, 60), ("r_1", "u_1", "n2", 5, 60), (*MADE[:3], None, 60)]
    assert invite_id(*MADE) == invite_id(*MADE)
    assert invite_id(*MADE) not in {invite_id(*other) for other in others}


@pytest.mark.parametrize("place", range(32))
def test_no_character_of_a_code_can_be_another(place: int) -> None:
    code = code_of(invite_id(*MADE), KEY)
    forged = code[:place] + ("A" if code[place] != "A" else "B") + code[place + 1 :]
    assert not is_signed(forged, KEY)


@pytest.mark.parametrize("said", ["", "A" * 31, "A" * 33, "a" * 32, "A" * 31 + "\n", "A" * 31 + "\0", "é" * 32])
def test_what_is_no_code_is_refused_as_one_that_is_not_good(said: str) -> None:
    with pytest.raises(Refusal) as refused:
        invite_of(said)
    assert refused.value.code is ErrorCode.NO_SUCH_INVITE
