"""The page, loaded by https: it talks over wss, and is told nothing that its own policy forbids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.authority import Authority
from tests.harness.server import ServerProcess
from tests.web.conftest import Visit

pytestmark = pytest.mark.browser


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    files = Authority(tmp_path).issue()
    options = ["--tls-cert", str(files.certificate), "--tls-key", str(files.key)]
    with ServerProcess(tmp_path / "data", options=options) as running:
        yield running


def test_a_page_that_came_by_https_talks_over_wss(visit: Visit) -> None:
    ada = visit("ada", ignore_https_errors=True)
    websockets: list[str] = []
    ada.page.on("websocket", lambda websocket: websockets.append(websocket.url))
    ada.sign_up().create("New channel", name="general")
    ada.say("in private").sees_sent("in private")
    assert websockets
    assert all(url.startswith("wss://127.0.0.1:") for url in websockets)


def test_markup_made_of_text_is_refused_by_the_browser(visit: Visit) -> None:
    ada = visit("ada", ignore_https_errors=True)
    ada.page.goto(ada.url)
    refused = ada.page.evaluate(
        """() => { try { document.body.innerHTML = "<img src=x onerror=alert(1)>"; return ""; }
                   catch (error) { return error.name; } }"""
    )
    assert refused == "TypeError"
