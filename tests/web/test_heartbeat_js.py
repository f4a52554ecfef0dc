"""How a page follows the interval that it is told: with its own socket, clock and timers in place of the browser's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.web.bare_page import bare_page

pytestmark = pytest.mark.browser

SETTING = """
let now = 0;
const timers = new Map(), sockets = [];
let number = 0;
globalThis.setTimeout = (act, delay = 0) => { timers.set(++number, { act, at: now + delay }); return number; };
globalThis.clearTimeout = (timer) => timers.delete(timer);
globalThis.setInterval = () => 0;
Date.now = () => now;
globalThis.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  said = [];
  constructor() { sockets.push(this); }
  send(data) { this.said.push(JSON.parse(data).op); }
  close() {}
};
const pass = (ms) => {
  for (const end = now + ms; ; ) {
    const due = [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
    if (!due) { now = end; return; }
    timers.delete(due[0]);
    now = Math.max(now, due[1].at);
    due[1].act();
  }
};
const { Client } = await import("/static/client.js");
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with bare_page(browser) as page:
        yield page


def test_a_page_asks_after_as_long_a_silence_as_it_was_told_last(page: Page) -> None:
    """The server's pings are not shown to pages, so a page asks by itself."""
    asked = page.evaluate(
        "async () => {"
        + SETTING
        + """
        const client = new Client("ws://page.test/v1/ws", "t", { load: () => [], save() {} },
          { happened() {}, connection() {}, signedOut() {} });
        client.start();
        const [socket] = sockets;
        const hear = (frame) => socket.onmessage({ data: JSON.stringify(frame) });
        const asked = (ms) => { socket.said.length = 0; pass(ms); return socket.said.includes("ping"); };
        socket.onopen();
        hear({ op: "welcome", me: { user: "u_A", name: "ada" }, session: "s", heartbeat: 30000, rooms: [] });
        const seen = [asked(29_000), asked(2_000)];
        hear({ op: "pong" });
        hear({ op: "heartbeat", every: 900000 });
        seen.push(asked(899_000), asked(2_000));
        hear({ op: "pong" });
        hear({ op: "heartbeat", every: 45000 });
        return [...seen, asked(44_000), asked(2_000), sockets.length];
        """
        + "}"
    )
    assert asked == [False, True, False, True, False, True, 1]
