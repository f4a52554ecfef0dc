"""The page's modules under the TypeScript compiler, strictly: what JSDoc claims is what the code does."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.web.conftest import missing

pytestmark = pytest.mark.browser

WEB = Path(__file__).parents[2] / "server" / "web"


def test_the_types_hold() -> None:
    compiler = _compiler()
    if compiler is None:
        missing("tsc (npm install typescript)")
    checked = subprocess.run(
        [*compiler, "--project", str(WEB / "jsconfig.json")], capture_output=True, text=True, timeout=300
    )
    assert checked.returncode == 0, checked.stdout


def _compiler() -> list[str] | None:
    """On the PATH, or where npx finds one without fetching anything."""
    for command in (["tsc"], ["npx", "--no-install", "tsc"]):
        if shutil.which(command[0]) is None:
            continue
        if subprocess.run([*command, "--version"], capture_output=True, timeout=60).returncode == 0:
            return command
    return None
