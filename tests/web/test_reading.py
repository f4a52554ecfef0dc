"""The reader's place in the list: kept while messages arrive, marked where the new ones begin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.harness.people import Talker, register, talk
from tests.harness.server import ServerProcess
from tests.web.conftest import OpenPage, Visit
from tests.web.visitors import Visitor

pytestmark = pytest.mark.browser


@pytest.fixture
def ben(server: ServerProcess) -> Iterator[Talker]:
    """Somebody who writes without a page."""
    _, token = register(server.url, "ben")
    with talk(server.websocket_url, token) as talker:
        yield talker


@pytest.fixture
def room(ben: Talker) -> str:
    """A channel with three screens of lines."""
    created: str = ben.ask("create_room", kind="channel", name="general", nonce="a-room-with-many-lines")["room"]
    for n in range(60):
        ben.post(created, f"line {n}")
    return created


def go_to(visitor: Visitor, text: str) -> None:
    """Scrolls up to a line, and waits until the page has noticed."""
    visitor.message(text).scroll_into_view_if_needed()
    expect(visitor.page.get_by_role("button", name="Newest messages")).to_be_visible()


def top_of(visitor: Visitor, text: str) -> float:
    box = visitor.message(text).bounding_box()
    assert box is not None
    return box["y"]


def test_the_line_being_read_stays_where_it_is(visit: Visit, ben: Talker, room: str) -> None:
    ada = visit("ada").sign_up().create("Join a channel", name="general").sees("line 59")
    go_to(ada, "line 30")
    before = top_of(ada, "line 30")
    for n in range(5):
        ben.post(room, f"news {n}")
    expect(ada.page.get_by_role("button", name="5 new messages")).to_be_visible()
    expect(ada.page).to_have_title("(5) #general · Hubbub")
    assert top_of(ada, "line 30") == pytest.approx(before, abs=2)
    ada.page.get_by_role("button", name="5 new messages").click()
    expect(ada.message("news 4")).to_be_in_viewport()
    expect(ada.page.get_by_role("button", name="new messages")).to_have_count(0)
    expect(ada.page.get_by_text("New messages", exact=True)).to_have_count(1)
    expect(ada.page).to_have_title("#general · Hubbub")


def test_the_line_being_read_stays_when_older_ones_are_loaded(visit: Visit, ben: Talker, room: str) -> None:
    for n in range(60, 120):
        ben.post(room, f"line {n}")
    ada = visit("ada").sign_up().create("Join a channel", name="general").sees("line 119")
    read: dict[str, str | float] = ada.page.evaluate(
        """() => { const list = document.querySelector(".scroller"), top = list.getBoundingClientRect().top;
             list.scrollTop = 200;
             const texts = [...list.querySelectorAll(".message .text")];
             const read = texts.find((text) => text.getBoundingClientRect().top > top);
             return { oldest: texts[0].textContent, line: read.textContent,
               top: read.closest(".message").getBoundingClientRect().top }; }"""
    )
    expect(ada.page.locator(".message .text").first).not_to_have_text(str(read["oldest"]))
    assert top_of(ada, str(read["line"])) == pytest.approx(read["top"], abs=2)


def test_whoever_is_at_the_end_follows(visit: Visit, ben: Talker, room: str) -> None:
    ada = visit("ada").sign_up().create("Join a channel", name="general").sees("line 59")
    for n in range(30):
        ben.post(room, f"news {n}")
    expect(ada.message("news 29")).to_be_in_viewport()
    expect(ada.page.get_by_text("New messages", exact=True)).to_have_count(0)
    expect(ada.page).to_have_title("#general · Hubbub")


def test_what_was_missed_while_the_connection_was_lost_is_not_skipped(
    open_page: OpenPage, server: ServerProcess, ben: Talker, room: str
) -> None:
    blocked = False
    sockets: list[WebSocketRoute] = []

    def route(page_side: WebSocketRoute) -> None:
        if blocked:
            page_side.close(code=4001, reason="draining")
        else:
            page_side.connect_to_server()
            sockets.append(page_side)

    page = open_page()
    page.route_web_socket(re.compile("/v1/ws"), route)
    ada = Visitor(page, server.url, "ada").sign_up().create("Join a channel", name="general").sees("line 59")
    blocked = True
    sockets[-1].close(code=4001, reason="draining")
    expect(page.get_by_text("No connection to the server.")).to_be_visible()
    for n in range(40):
        ben.post(room, f"missed {n}")
    blocked = False
    ada.sees("missed 39")
    expect(page.get_by_text("New messages", exact=True)).to_be_in_viewport()
    expect(ada.message("missed 0")).to_be_in_viewport()
    expect(ada.message("missed 39")).not_to_be_in_viewport()
    page.get_by_role("button", name="new messages").click()
    expect(ada.message("missed 39")).to_be_in_viewport()
    expect(page).to_have_title("#general · Hubbub")
    lost = len(sockets)
    sockets[-1].close(code=4001, reason="draining")
    ben.post(room, "last")
    expect(ada.message("last")).to_be_in_viewport()
    assert len(sockets) == lost + 1


def test_a_room_opens_where_the_new_messages_begin(visit: Visit, ben: Talker, room: str) -> None:
    ada = visit("ada").sign_up().create("Join a channel", name="general").sees("line 59")
    ada.create("New channel", name="elsewhere")
    for n in range(40):
        ben.post(room, f"news {n}")
    expect(ada.page).to_have_title("(40) #elsewhere · Hubbub")
    ada.open("general")
    expect(ada.page.get_by_text("New messages", exact=True)).to_be_in_viewport()
    expect(ada.message("news 0")).to_be_in_viewport()
    expect(ada.message("news 39")).not_to_be_in_viewport()


def test_an_own_message_goes_to_the_end_and_clears_the_marker(visit: Visit, ben: Talker, room: str) -> None:
    ada = visit("ada").sign_up().create("Join a channel", name="general").sees("line 59")
    go_to(ada, "line 30")
    ben.post(room, "news")
    expect(ada.page.get_by_role("button", name="1 new message")).to_be_visible()
    ada.say("me too").sees_sent("me too")
    expect(ada.message("me too")).to_be_in_viewport()
    expect(ada.page.get_by_text("New messages", exact=True)).to_have_count(0)


def test_days_are_separated_and_times_are_local(visit: Visit, ben: Talker, room: str) -> None:
    ada = (
        visit("ada", timezone_id="Pacific/Kiritimati", locale="en-GB")
        .sign_up()
        .create("Join a channel", name="general")
    )
    ada.sees("line 59")
    expect(ada.page.locator(".day")).to_have_text(["Today"])
    shown = ada.message("line 59").locator("time")
    local = shown.evaluate(
        "(time) => new Date(time.dateTime).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })"
    )
    expect(shown).to_have_text(local)


def test_yesterday_has_a_day_of_its_own(visit: Visit, ben: Talker, room: str) -> None:
    ada = visit("ada").sign_up()
    ada.page.clock.set_system_time(datetime.now(UTC) + timedelta(days=1))
    ada.create("Join a channel", name="general").sees("line 59")
    expect(ada.page.locator(".day").first).to_have_text("Yesterday")
