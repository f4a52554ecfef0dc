"""The process that `fuzzing.py` starts: `kosoku_client.py URL AT_ONCE CASE...` prints one JSON list of verdicts."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from kosoku import FailureError, run_fuzzingclient


async def results(url: str, at_once: int, cases: list[str]) -> list[Any]:
    try:
        return list(await run_fuzzingclient(url, cases, concurrency=at_once))
    except FailureError as failure:
        return failure.results


def verdict(result: Any) -> dict[str, object]:
    return {
        "case": result.case_id,
        "passed": result.passed,
        "behavior": result.behavior.value,
        "behavior_close": result.behavior_close.value,
        "explanation": f"{result.result} {result.result_close} Close code: {result.remote_close_code}.",
        "milliseconds": result.duration,
    }


if __name__ == "__main__":
    verdicts = [verdict(result) for result in asyncio.run(results(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))]
    print(json.dumps(verdicts), flush=True)
    # kosoku's threads outlive the run, and one that touches an interpreter on its way down aborts the process.
    os._exit(0)
