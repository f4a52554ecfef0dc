"""The judge: `wstest`, the reference suite itself, against the echo mode with compression on (ten minutes).

    python -m tests.conformance.strict [--cases 6.*,7.*] [wstest …]

What stands behind the options is the command that runs it; `wstest` where there is none. It is the console script of
the distribution autobahntestsuite (25.10.1), which wants Python 2.7. Hardly any machine still has that, so `make check`
and `make conformance` have kosoku run the same cases. Where Python 2.7 is, a virtual environment with that one
distribution in it is all that is needed.

Strict means: a case that the suite calls non-strict has failed. Ends with 1 if one has, or was not run.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import trio

from tests.conformance.echo import open_echo
from tests.conformance.verdicts import COMPRESSED_FAMILIES, FAMILIES

_GOOD: Final = {"OK", "INFORMATIONAL"}
_AGENT: Final = "echo"


async def verdicts(command: list[str], cases: list[str]) -> dict[str, Any]:
    """What `wstest` says of each case, by its number."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        async with open_echo(compression=True) as door:
            server = {"agent": _AGENT, "url": f"ws://127.0.0.1:{door.port}/v1/ws"}
            wanted = {"outdir": str(folder / "reports"), "servers": [server], "cases": cases, "exclude-cases": []}
            (folder / "cases.json").write_text(json.dumps(wanted | {"exclude-agent-cases": {}}))
            await trio.run_process([*command, "-m", "fuzzingclient", "-s", str(folder / "cases.json")], cwd=folder)
        return dict(json.loads((folder / "reports" / "index.json").read_text())[_AGENT])


def is_good(verdict: dict[str, Any]) -> bool:
    return verdict["behavior"] in _GOOD and verdict["behaviorClose"] in _GOOD


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--cases", help="which, with commas between; all of them if not given")
    arguments.add_argument("command", nargs="*", default=["wstest"], help="how wstest is run")
    given = arguments.parse_args()
    found = trio.run(verdicts, given.command, given.cases.split(",") if given.cases else ["*"])
    bad = {case: verdict for case, verdict in found.items() if not is_good(verdict)}
    for case, verdict in bad.items():
        print(f"{case}: {verdict['behavior']}, at its end {verdict['behaviorClose']}")
    expected = sum((FAMILIES | COMPRESSED_FAMILIES).values())
    print(f"{len(found) - len(bad)} of {len(found)} cases pass, of {expected} that there are")
    return 1 if bad or (not given.cases and len(found) != expected) else 0


if __name__ == "__main__":
    sys.exit(main())
