"""Every case of the Autobahn suite that needs no compression, against the echo mode of this gateway.

Of those that do a sample; `make conformance` runs them all.
"""

from __future__ import annotations

import pytest

from tests.conformance.echo import open_echo
from tests.conformance.fuzzing import run_cases
from tests.conformance.verdicts import COMPRESSED_SAMPLE, FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
async def test_every_case_passes(family: str) -> None:
    async with open_echo() as door:
        verdicts = await run_cases(door.port, [f"{family}.*"], seconds=120)
    assert [str(verdict) for verdict in verdicts if not verdict.passed] == []
    assert len(verdicts) == FAMILIES[family]


async def test_compressed_messages_of_every_agreement() -> None:
    async with open_echo(compression=True) as door:
        verdicts = await run_cases(door.port, list(COMPRESSED_SAMPLE), seconds=120)
    assert [str(verdict) for verdict in verdicts if not verdict.passed] == []
    assert [verdict.case for verdict in verdicts] == list(COMPRESSED_SAMPLE)
