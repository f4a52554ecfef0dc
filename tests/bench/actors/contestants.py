"""How each contestant is started: a fresh process for each figure, which prints one JSON object and ends.

Who is not installed, or does not run here, is left out after the first try, and the reason stands in its place.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.actors.figures import ERLANG, OURS, Run

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PEERS = ROOT / "build" / "python-peers"
"""Where `make` installs what peers need: apart, because triotp asks for a trio that is too old for us."""
LIMIT = 300
"""Seconds after which a process is given up."""
MODULES = {
    OURS: "ours",
    "ours, no garbage policy": "ours",
    "trio task": "peer_trio",
    "triotp": "peer_triotp",
    "pykka": "peer_pykka",
}
SCHEDULERS = {ERLANG[0]: "1:1", ERLANG[1]: "2:2"}


class Absent(Exception):
    """This contestant cannot take part; the text says why."""


def compile_twin(folder: Path) -> str:
    """Compile the Erlang twin into a folder; why not, or an empty text."""
    compiler = shutil.which("erlc")
    if compiler is None or shutil.which("erl") is None:
        return "not installed"
    command = [compiler, "-o", str(folder), *map(str, sorted(HERE.glob("*.erl")))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"does not compile: {done.stdout.strip()}"


def measured(run: Run, twin: Path | None) -> dict[str, float]:
    """One process from begin to end, and what it has printed. Raises `Absent`.

    Args:
        run: which.
        twin: where the compiled Erlang twin is; None: nowhere.
    """
    module = MODULES.get(run.contestant)
    if module is not None:
        command = [sys.executable, "-m", f"tests.bench.actors.{module}", run.figure, str(run.size)]
    elif twin is not None:
        command = _erl(run, twin)
    else:
        raise Absent("not installed")
    paths = os.pathsep.join((str(ROOT), str(PEERS)))
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=LIMIT, env={**os.environ, "PYTHONPATH": paths}
        )
    except subprocess.TimeoutExpired:
        raise Absent(f"not done after {LIMIT} s") from None
    if done.returncode:
        raise Absent(_why(done.stderr))
    values: dict[str, float] = json.loads(done.stdout)
    stalls = [value for name, value in values.items() if name.endswith("stall_ms")]
    return {**values, "stall_ms": max(stalls)} if stalls else values


def versions() -> dict[str, str]:
    """What is installed of what takes part."""
    found = {
        distribution.metadata["Name"].lower(): distribution.version
        for distribution in importlib.metadata.distributions(path=[str(PEERS)])
    }
    peers = {name: found.get(name, "not installed") for name in ("triotp", "pykka")}
    return {"trio": importlib.metadata.version("trio"), **peers, "Erlang/OTP": _otp_release()}


def _erl(run: Run, twin: Path) -> list[str]:
    """More processes and names than it allows by default; everything else is as it comes."""
    schedulers = SCHEDULERS.get(run.contestant, SCHEDULERS[ERLANG[0]])
    limits = ["+P", str(max(262_144, 2 * run.size)), "+t", str(max(1_048_576, 2 * run.size))]
    silent = ["-noshell", "-kernel", "logger_level", "none"]
    return [
        "erl",
        "+S",
        schedulers,
        *limits,
        *silent,
        "-pa",
        str(twin),
        "-run",
        "twin",
        "main",
        run.figure,
        str(run.size),
    ]


def _otp_release() -> str:
    if shutil.which("erl") is None:
        return "not installed"
    ask = 'io:format("~s, ERTS ~s", [erlang:system_info(otp_release), erlang:system_info(version)]), halt().'
    return subprocess.run(["erl", "-noshell", "-eval", ask], capture_output=True, text=True, check=False).stdout


def _why(stderr: str) -> str:
    last = stderr.strip().rpartition("\n")[2]
    return "not installed" if "No module named" in last else f"does not run here: {last}"
