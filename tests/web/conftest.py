"""A browser, a server, and people in front of the page.

Everything here needs Chromium. Where it (or something else a test names) is missing, the test is skipped with one
line; with `HUBBUB_CI=1` a skip is a failure, so that CI cannot pass by not looking.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.harness.server import ServerProcess
from tests.web.visitors import Visitor

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
IN_CI = os.environ.get("HUBBUB_CI") == "1"

OpenPage = Callable[..., Page]
Visit = Callable[..., Visitor]


def missing(what: str) -> NoReturn:
    """Skips the test on a user's machine, fails it in CI."""
    if IN_CI:
        pytest.fail(f"{what} is missing, and HUBBUB_CI=1 wants it")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots go, for people to look at."""
    folder = Path(__file__).parents[2] / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of the test's own, which it may stop and start."""
    with ServerProcess(tmp_path / "data") as running:
        yield running


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens a window with storage of its own; what goes wrong in its scripts fails the test."""
    wrongs: list[str] = []
    with ExitStack() as windows:

        def open_one(**options: Any) -> Page:
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
            windows.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(15_000)
            page.on("pageerror", lambda error: wrongs.append(str(error)))
            page.on("console", lambda line: wrongs.append(line.text) if _is_violation(line.text) else None)
            return page

        yield open_one
    assert wrongs == []


def _is_violation(line: str) -> bool:
    return "Content Security Policy" in line


@pytest.fixture
def visit(server: ServerProcess, open_page: OpenPage) -> Visit:
    """Puts somebody in front of the page of the test's server."""

    def visitor(name: str, **options: Any) -> Visitor:
        return Visitor(open_page(**options), server.url, name)

    return visitor
