"""`make conformance`: every case of the Autobahn suite, with compression on. Takes ten minutes or so.

What `make check` runs is in `test_autobahn.py`; here the families 12 and 13 are added, a thousand compressed messages
a case. Ends with 1 if a case fails.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Collection
from pathlib import Path

import trio

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.conformance.echo import open_echo
from tests.conformance.fuzzing import run_cases
from tests.conformance.verdicts import COMPRESSED_FAMILIES, FAMILIES

_SECONDS = 3_600


_ALL = FAMILIES | COMPRESSED_FAMILIES


async def run(families: Collection[str]) -> bool:
    """Whether every case of these families passed."""
    good = True
    for family in families:
        count = _ALL[family]
        started = time.monotonic()
        async with open_echo(compression=True) as door:
            verdicts = await run_cases(door.port, [f"{family}.*"], _SECONDS)
        failed = [verdict for verdict in verdicts if not verdict.passed]
        good = good and not failed and len(verdicts) == count
        passed = len(verdicts) - len(failed)
        print(f"family {family}: {passed} of {count} cases pass ({time.monotonic() - started:.0f} s)", flush=True)
        for verdict in failed:
            print(f"  {verdict}", flush=True)
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description="The cases of the Autobahn suite, with compression on.")
    parser.add_argument("--only", action="append", choices=_ALL, metavar="FAMILY", help="one of " + ", ".join(_ALL))
    families = parser.parse_args().only or _ALL
    return 0 if trio.run(run, families) else 1


if __name__ == "__main__":
    sys.exit(main())
