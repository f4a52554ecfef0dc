"""A scenario from locust's web page: its settings, its progress, its verdict in the log."""

from __future__ import annotations

import contextlib
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, TimeoutError, expect

from tests.harness.locusts import PLAY, Locust, free_port, populate
from tests.harness.server import ServerProcess


@pytest.fixture
def locust_page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """Locust's page, with two processes that play 100 people."""
    people, port = populate(tmp_path / "data", 100, "all,each:10"), free_port()
    with ServerProcess(tmp_path / "data") as server:
        options = ("--host", server.url, "--people", str(people), "--connections", "100", "--processes", "2")
        web = ("--web-host", "127.0.0.1", "--web-port", str(port))
        with Locust(PLAY, *options, *web, headless=False) as locust:
            _wait_for(f"http://127.0.0.1:{port}/", locust)
            context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
            page = context.new_page()
            page.set_default_timeout(15_000)
            page.goto(f"http://127.0.0.1:{port}/")
            yield page
            context.close()


def _wait_for(url: str, locust: Locust) -> None:
    for _ in range(300):
        assert locust.process.poll() is None, locust.ended()
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("locust's page never came")


def _wait_for_the_end(page: Page) -> None:
    """Locust's page asks no more once it has seen a run `stopping`: it has to be loaded again, as has its log."""
    over = page.get_by_role("button", name="New", exact=True)
    for _ in range(30):
        page.reload()
        with contextlib.suppress(TimeoutError):
            over.wait_for(timeout=2_000)
            return
    raise AssertionError("the run never ended")


def _wait_for_the_verdict(page: Page) -> None:
    """It is found after the end, and the page does not ask for the log again by then."""
    verdict = page.get_by_text(re.compile("100 people in 2 processes, .*: good"))
    for _ in range(30):
        page.get_by_role("tab", name="Logs").click()
        with contextlib.suppress(TimeoutError):
            verdict.wait_for(timeout=2_000)
            return
        page.reload()
    raise AssertionError("there was no verdict")


@pytest.mark.browser
def test_a_scenario_is_chosen_played_and_judged_in_the_page(locust_page: Page, pictures: Path) -> None:
    page = locust_page
    page.get_by_text("Custom parameters").click()
    page.get_by_label(re.compile("^Rate ")).fill("60")
    page.get_by_label(re.compile("^Seconds ")).fill("6")
    page.get_by_role("button", name=re.compile("start", re.IGNORECASE)).click()
    expect(page.get_by_role("cell", name="post to seen", exact=True)).to_be_visible(timeout=30_000)
    page.screenshot(path=pictures / "locust.png")
    _wait_for_the_end(page)
    _wait_for_the_verdict(page)
