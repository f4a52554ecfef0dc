"""An empty page that the page's modules can be imported into, without a server."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, Route

_STATIC = Path(__file__).parents[2] / "server" / "web" / "static"
_ORIGIN = "http://page.test/"


@contextmanager
def bare_page(browser: Browser) -> Iterator[Page]:
    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(_ORIGIN).removeprefix("static/")
        if not path:
            route.fulfill(body="<!doctype html><title>a page</title>", content_type="text/html")
        else:
            route.fulfill(body=(_STATIC / path).read_text(), content_type=mimetypes.guess_type(path)[0])

    page = browser.new_page()
    page.route(f"{_ORIGIN}**", serve)
    page.goto(_ORIGIN)
    yield page
    page.close()
