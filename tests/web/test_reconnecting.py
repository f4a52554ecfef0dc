"""The server goes away and comes back, or says no: nothing is lost, nothing is doubled, and people can see it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.harness.people import call
from tests.harness.server import ServerProcess
from tests.web.conftest import OpenPage, Visit
from tests.web.visitors import Visitor

pytestmark = pytest.mark.browser


def stored_lines(server: ServerProcess, visitor: Visitor) -> list[str]:
    """What the server holds of the room the visitor is in."""
    account = visitor.page.evaluate("JSON.parse(localStorage['hubbub.account'])")
    room = visitor.page.url.partition("#")[2]
    status, answer = call(server.url, f"/v1/rooms/{room}/messages?limit=200", token=account["token"])
    assert status == 200, answer
    return [message["text"] for message in answer["messages"]]


def test_a_restart_while_people_write_loses_and_doubles_nothing(visit: Visit, server: ServerProcess) -> None:
    ada, ben = visit("ada").sign_up("Ada"), visit("ben").sign_up("Ben")
    ada.create("New channel", name="general")
    ben.create("Join a channel", name="general")
    written = []
    go_away: list[Callable[[], object]] = [server.kill, server.stop]
    for round_ in range(len(go_away)):
        for n in range(5):
            for visitor in (ada, ben):
                visitor.say(f"{visitor.name} {round_}.{n}")
                written.append(f"{visitor.name} {round_}.{n}")
            if n == 2:
                go_away[round_]()
        expect(ada.page.get_by_text("No connection to the server.")).to_be_visible()
        ada.composer.fill(f"draft {round_}")
        server.start()
        for visitor in (ada, ben):
            expect(visitor.page.get_by_text("No connection to the server.")).to_have_count(0)
        expect(ada.composer).to_have_value(f"draft {round_}")
        expect(ada.composer).to_be_focused()
    for visitor in (ada, ben):
        expect(visitor.page.locator(".message")).to_have_count(len(written))
        expect(visitor.page.locator(".waiting, .sending")).to_have_count(0)
    assert sorted(ada.lines()) == sorted(written)
    assert ada.lines() == ben.lines() == stored_lines(server, ada)
    for name in ("ada", "ben"):
        assert [line for line in ada.lines() if line.startswith(name)] == [w for w in written if w.startswith(name)]


def test_what_was_written_offline_survives_even_a_reload(open_page: OpenPage, server: ServerProcess) -> None:
    blocked = False

    def route(page_side: WebSocketRoute) -> None:
        if blocked:
            page_side.close(code=4001, reason="draining")
        else:
            page_side.connect_to_server()

    page = open_page()
    page.route_web_socket(re.compile("/v1/ws"), route)
    ada = Visitor(page, server.url, "ada").sign_up().create("New channel", name="general")
    ada.say("before").sees_sent("before")
    blocked = True
    server.kill()
    ada.say("in the dark").say("and on")
    expect(ada.message("in the dark").locator(".waiting")).to_be_visible()
    server.start()
    page.reload()
    expect(page.get_by_text("Connecting…")).to_be_visible()
    blocked = False
    ada.sees_sent("and on")
    assert ada.lines() == stored_lines(server, ada) == ["before", "in the dark", "and on"]
    assert page.evaluate("Object.keys(sessionStorage)") == []


def test_an_answer_that_is_lost_doubles_nothing(open_page: OpenPage, server: ServerProcess) -> None:
    """The post reaches the disk, the connection ends before anything of it comes back."""
    losing = False
    lost: list[str] = []

    def route(page_side: WebSocketRoute) -> None:
        server_side = page_side.connect_to_server()

        def from_server(data: str | bytes) -> None:
            nonlocal losing
            if losing and '"seq"' in str(data):
                losing = False
                lost.append(str(data))
                page_side.close(code=4002, reason="slow consumer")
            else:
                page_side.send(data)

        page_side.on_message(server_side.send)
        server_side.on_message(from_server)

    page = open_page()
    page.route_web_socket(re.compile("/v1/ws"), route)
    ada = Visitor(page, server.url, "ada").sign_up().create("New channel", name="general")
    ada.say("heard").sees_sent("heard")
    losing = True
    ada.say("only once").say("and then this").sees_sent("and then this")
    assert lost
    assert ada.lines() == stored_lines(server, ada) == ["heard", "only once", "and then this"]


@pytest.mark.parametrize(
    ("hint", "seconds"),
    [("undefined", 20), ("dispatchEvent(new Event('offline'))", 6)],
    ids=["by-the-answer-that-is-overdue", "by-a-probe"],
)
def test_a_connection_that_dies_silently_is_noticed(
    open_page: OpenPage, server: ServerProcess, hint: str, seconds: int
) -> None:
    """The first socket swallows everything from a moment on, as a lost radio link does."""
    dead: list[bool] = []
    sockets: list[WebSocketRoute] = []

    def route(page_side: WebSocketRoute) -> None:
        number = len(sockets)
        sockets.append(page_side)
        server_side = page_side.connect_to_server()
        page_side.on_message(lambda data: None if number == 0 and dead else server_side.send(data))
        server_side.on_message(lambda data: None if number == 0 and dead else page_side.send(data))

    page = open_page()
    page.clock.install()
    page.route_web_socket(re.compile("/v1/ws"), route)
    ada = Visitor(page, server.url, "ada").sign_up().create("New channel", name="general")
    ada.say("heard").sees_sent("heard")
    dead.append(True)
    ada.say("into the void")
    expect(ada.message("into the void").locator(".sending")).to_have_count(1)
    page.evaluate(hint)
    page.clock.fast_forward(seconds * 1_000)
    ada.sees_sent("into the void")
    assert ada.lines() == stored_lines(server, ada) == ["heard", "into the void"]


def test_being_offline_is_visible_and_trying_again_is_a_button(visit: Visit, server: ServerProcess) -> None:
    ada = visit("ada")
    ada.page.add_init_script("Math.random = () => 1e6")  # by itself, it will wait for days
    ada.sign_up().create("New channel", name="general")
    server.kill()
    banner = ada.page.get_by_role("status").filter(has_text="No connection to the server.")
    expect(banner).to_be_visible()
    server.start()
    banner.get_by_role("button", name="Try now").click()
    expect(banner).to_have_count(0)


def test_who_is_quicker_than_the_welcome_is_not_told_that_there_is_no_connection(
    open_page: OpenPage, server: ServerProcess
) -> None:
    """A busy server takes its time to welcome whoever has just signed up."""
    held: list[tuple[WebSocketRoute, str | bytes]] = []

    def route(page_side: WebSocketRoute) -> None:
        server_side = page_side.connect_to_server()
        page_side.on_message(server_side.send)
        server_side.on_message(lambda data: held.append((page_side, data)) if is_held else page_side.send(data))

    is_held = True
    page = open_page()
    page.route_web_socket(re.compile("/v1/ws"), route)
    ada = Visitor(page, server.url, "ada").sign_up()
    ada.fill_in_new("New channel", name="general")
    expect(page.get_by_role("button", name="Create channel")).to_be_disabled()
    is_held = False
    for page_side, data in held:
        page_side.send(data)
    ada.composer.wait_for()
    expect(page.get_by_role("dialog")).to_have_count(0)


WATCHED = """
window.sockets = [];
window.WebSocket = class extends WebSocket { constructor(...how) { super(...how); sockets.push(this); } };
window.bannerSeen = false;
new MutationObserver(() => { bannerSeen ||= document.querySelector(".banner:not([hidden])") !== null; })
  .observe(document, { subtree: true, childList: true, attributes: true });
window.asksToReconnect = () => sockets.at(-1).onmessage({ data: '{"op":"reconnect","after":0,"window":50}' });
window.hasMoved = async () => {
  for (let looks = 0; sockets.length < 2; looks += 1) {
    if (looks === 1_000) throw new Error("it stays");
    await new Promise((done) => setTimeout(done, 10));
  }
};
"""


def test_who_is_asked_to_reconnect_does_so_and_nobody_sees_it(visit: Visit) -> None:
    ada = visit("ada")
    ada.page.add_init_script(WATCHED)
    ada.sign_up().create("New channel", name="general")
    ada.say("before").sees_sent("before")
    ada.page.evaluate("asksToReconnect()")
    ada.page.evaluate("hasMoved()")
    ada.say("after").sees_sent("after")
    assert ada.lines() == ["before", "after"]
    assert ada.page.evaluate("sockets.map((socket) => socket.readyState >= WebSocket.CLOSING)") == [True, False]
    assert ada.page.evaluate("bannerSeen") is False


def test_who_asks_something_gets_the_answer_before_the_page_reconnects(visit: Visit) -> None:
    ada = visit("ada")
    ada.page.add_init_script(WATCHED)
    ada.sign_up().create("New channel", name="general")
    ada.say("before").sees_sent("before")
    # The last word of the server is kept back until the page was to leave, and some time longer.
    ada.page.evaluate(
        """() => {
          const socket = sockets.at(-1), hear = socket.onmessage, kept = [];
          socket.onmessage = (event) => kept.push(event);
          window.letThrough = () => { socket.onmessage = hear; kept.forEach(hear); };
          window.asksToReconnect = () => hear({ data: '{"op":"reconnect","after":0,"window":0}' });
        }"""
    )
    ada.say("in between")
    ada.page.evaluate("asksToReconnect()")
    ada.page.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert ada.page.evaluate("sockets.length") == 1
    ada.page.evaluate("letThrough()")
    ada.page.evaluate("hasMoved()")
    assert ada.sees_sent("in between").lines() == ["before", "in between"]


def test_a_refused_message_says_why_and_can_be_sent_again_or_deleted(
    open_page: OpenPage, server: ServerProcess
) -> None:
    refusing = True

    def route(page_side: WebSocketRoute) -> None:
        server_side = page_side.connect_to_server()

        def from_page(data: str | bytes) -> None:
            number = re.search(r'"op":"post","id":(\d+)', str(data))
            if refusing and number:
                refusal = f'{{"op":"error","id":{number[1]},"code":"forbidden","message":"not today"}}'
                page_side.send(refusal)
            else:
                server_side.send(data)

        page_side.on_message(from_page)
        server_side.on_message(page_side.send)

    page = open_page()
    page.route_web_socket(re.compile("/v1/ws"), route)
    ada = Visitor(page, server.url, "ada").sign_up().create("New channel", name="general")
    ada.say("please").say("pretty please")
    for text in ("please", "pretty please"):
        expect(ada.message(text)).to_contain_text("Not sent: not today")
    refusing = False
    ada.message("please").get_by_role("button", name="Delete").click()
    ada.message("pretty please").get_by_role("button", name="Try again").click()
    ada.sees_sent("pretty please")
    assert ada.lines() == stored_lines(server, ada) == ["pretty please"]
