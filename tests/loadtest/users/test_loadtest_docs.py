"""docs/loadtest.md: its commands are run, its locustfiles are played, its tables are what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest
from websockets.sync.server import ServerConnection, serve

from loadtest.scenarios.messages import Options
from loadtest.scenarios.table import SCENARIOS
from tests.harness.locusts import Locust
from tests.harness.server import ServerProcess

ROOT = Path(__file__).parents[3]
DOC = (ROOT / "docs/loadtest.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL)


def test_every_setting_and_every_scenario_is_in_its_table() -> None:
    kinds = get_type_hints(Options, include_extras=True)
    for field in msgspec.structs.fields(Options):
        meaning = get_args(kinds[field.name])[1].description
        default = msgspec.convert(field.default, kinds[field.name], strict=False)
        assert f"| `--{field.name.replace('_', '-')}` | {meaning} | `{default}` |" in DOC
    for scenario in SCENARIOS:
        assert f"| `{scenario}` |" in DOC


def test_the_quick_start_works(tmp_path: Path) -> None:
    seeding, serving, *tests, end = (_smaller(line, tmp_path) for line in blocks("sh")[0].splitlines())
    assert (serving[:2], end) == ([".venv/bin/hubbub", "serve"], ["kill", "%1"])
    (tmp_path / "load").mkdir()
    subprocess.run([sys.executable, "-m", "server", *seeding[1:]], cwd=ROOT, check=True, timeout=60)
    with ServerProcess(tmp_path / "load/data") as server:
        for _, _, file, *options in tests:
            here = [server.url if option == "http://127.0.0.1:8100" else option for option in options]
            with Locust(ROOT / file, *here, headless=False) as locust:
                code, output = locust.ended()
            assert code == 0, output


def _smaller(command: str, folder: Path) -> list[str]:
    """The words of a command for another place, fewer people and a shorter time."""
    changes = (("1000", "60"), ("-t 30s", "-t 1s"), ("--seconds 30", "--seconds 1"), ("-u 100", "-u 10"))
    for words, others in (("build/load", str(folder / "load")), *changes):
        command = command.replace(words, others)
    return command.split()


@pytest.fixture
def shop() -> Iterator[str]:
    def sell(websocket: ServerConnection) -> None:
        assert websocket.request is not None
        assert websocket.request.headers["X-Shop"] == "north"
        for _ in websocket:
            websocket.send('{"coffee": 3}')
            websocket.send('{"tea": 2}')

    with serve(sell, "127.0.0.1", 0, subprotocols=["prices.v2"]) as server:  # type: ignore[list-item]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def test_the_locustfiles_for_ones_own_server_work(shop: str, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text("\n".join(blocks("python")))
    with Locust(file, "--host", shop, "-u", "3", "-r", "3", "-t", "2s") as locust:
        code, output = locust.ended()
    assert code == 0, output
    assert re.search(r"^WS +ask for a price ", output, re.MULTILINE), output
    assert re.search(r"WS ask for a price +\d+ +\d+\.\d{3} ", output), "with three digits"
