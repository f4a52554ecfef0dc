"""Anybody can use it: by keyboard, with a screen reader, on a small screen, zoomed in, in the dark, in any script."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.harness.people import PASSWORD, call, register, talk
from tests.harness.server import ServerProcess
from tests.web.conftest import Visit, missing
from tests.web.visitors import Visitor

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 360, "height": 740}}
ZOOMED = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}  # 1280 x 800 at 200 %


def has_visible_focus(page: Page) -> bool:
    """Whether what has the focus shows it, by itself or by what stands around it."""
    shown: bool = page.evaluate(
        """() => { const rings = (e) => { const s = getComputedStyle(e);
               return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none"; };
             const e = document.activeElement;
             return e !== document.body && (rings(e) || rings(e.parentElement) || rings(e.closest("label") ?? e)); }"""
    )
    return shown


def tab_to(page: Page, role: str, name: str) -> None:
    """Presses Tab until the control has the focus, and looks at the focus on the way."""
    wanted = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            continue
        assert has_visible_focus(page), page.evaluate("document.activeElement.outerHTML")
        if wanted.evaluate_all("(found) => found.includes(document.activeElement)"):
            return
    raise AssertionError(f"Tab does not reach the {role} {name!r}")


# --- the keyboard --------------------------------------------------------------------------------------------


def test_everything_by_keyboard(visit: Visit, server: ServerProcess) -> None:
    ada = visit("ada")
    page, keys = ada.page, ada.page.keyboard
    page.goto(ada.url)
    tab_to(page, "button", "Create an account")
    keys.press("Enter")
    tab_to(page, "textbox", "Name")
    keys.type("ada")
    tab_to(page, "textbox", "Password")
    keys.type(PASSWORD)
    keys.press("Enter")
    expect(ada.rooms).to_be_visible()

    tab_to(page, "button", "New")
    keys.press("Enter")
    tab_to(page, "radio", "Direct message with one person")
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    tab_to(page, "textbox", "Name of the channel")
    keys.type("general")
    keys.press("Enter")

    expect(ada.composer).to_be_focused()
    keys.type("one line")
    keys.press("Shift+Enter")
    keys.type("and another")
    keys.press("Enter")
    ada.sees_sent("one line and another")
    keys.type("and more")
    keys.press("Enter")
    ada.sees_sent("and more")

    keys.press("ArrowUp")
    keys.press("ArrowUp")
    expect(ada.message("one line and another")).to_be_focused()
    assert has_visible_focus(page)
    keys.press("r")
    expect(page.get_by_text("Replying to")).to_be_visible()
    keys.type("a reply")
    keys.press("Enter")
    expect(ada.message("a reply").get_by_role("button", name="In reply to")).to_be_visible()

    ada.create("New channel", name="zebra")
    keys.press("Alt+ArrowUp")
    expect(page.get_by_role("heading", level=1)).to_have_text("general")
    tab_to(page, "link", "zebra")
    keys.press("ArrowUp")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("general")

    tab_to(page, "button", "Leave")
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("button", name="Leave")).to_be_focused()
    tab_to(page, "button", "Sign out")
    keys.press("Enter")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_enter_that_ends_a_composition_sends_nothing(visit: Visit) -> None:
    ada = visit("ada").sign_up().create("New channel", name="general")
    ada.composer.focus()
    protocol = ada.page.context.new_cdp_session(ada.page)
    protocol.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    expect(ada.composer).to_have_value("にほん")
    protocol.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Enter", "windowsVirtualKeyCode": 13})
    protocol.send("Input.insertText", {"text": "日本"})
    expect(ada.composer).to_have_value("日本")
    assert ada.lines() == []
    ada.composer.press("Enter")
    ada.sees_sent("日本")


# --- screen readers ------------------------------------------------------------------------------------------


def test_what_arrives_is_announced_and_history_is_not(visit: Visit, server: ServerProcess) -> None:
    _, token = register(server.url, "ben")
    with talk(server.websocket_url, token) as ben:
        room = ben.ask("create_room", kind="channel", name="general", nonce="somewhere-to-be-heard")["room"]
        ben.post(room, "long ago")
        ada = visit("ada").sign_up().create("Join a channel", name="general").sees("long ago")
        ben.post(room, "just now")
        announced = ada.page.get_by_role("log", name="New messages")
        expect(announced).to_have_attribute("aria-live", "polite")
        expect(announced).to_have_text("ben: just now")


AXE_STATES = ["entry", "empty", "room", "dialog", "drawer", "offline"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_serious(
    visit: Visit, server: ServerProcess, scheme: str, options: dict[str, object]
) -> None:
    source = Path(os.environ.get("HUBBUB_AXE", ""))
    if not source.is_file():
        missing("axe-core (HUBBUB_AXE names its axe.min.js)")
    axe = source.read_text()
    ada = visit("ada", color_scheme=scheme, **options)
    found: dict[str, list[str]] = {}

    def look(state: str) -> None:
        found[state] = _serious(ada.page, axe)

    ada.page.goto(ada.url)
    look("entry")
    ada.sign_up("Ada")
    look("empty")
    ada.create("New channel", name="general")
    _, token = register(server.url, "ben")
    with talk(server.websocket_url, token) as ben:
        room = ben.ask("join", name="general")["room"]
        seq = ben.post(room, "look at https://example.org/")["seq"]
        ben.ask("post", room=room, nonce="an-answer-to-it", text="an answer", reply_to=seq)
        ada.sees("an answer").say("mine").sees_sent("mine")
    look("room")
    if options:
        ada.page.get_by_role("button", name=re.compile("^[0-9]+ (person|people)$")).click()
        look("drawer")
        ada.page.keyboard.press("Escape")
        ada.page.get_by_role("link", name="Back to the rooms").click()
        look("list")
    ada.page.get_by_role("button", name="New", exact=True).click()
    look("dialog")
    ada.page.keyboard.press("Escape")
    server.kill()
    expect(ada.page.get_by_text("No connection to the server.")).to_be_visible()
    look("offline")
    assert {state: wrongs for state, wrongs in found.items() if wrongs} == {}


def _serious(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    result = page.evaluate("async () => (await axe.run({ resultTypes: ['violations'] })).violations")
    return [
        f"{wrong['id']}: {json.dumps([node['html'] for node in wrong['nodes']][:3])}"
        for wrong in result
        if wrong["impact"] in ("serious", "critical")
    ]


# --- small screens, zoom, darkness ---------------------------------------------------------------------------


@pytest.mark.parametrize("options", [PHONE, ZOOMED], ids=["360px", "200%"])
def test_a_small_screen_shows_one_thing_at_a_time_and_all_of_it(
    visit: Visit, pictures: Path, options: dict[str, object], request: pytest.FixtureRequest
) -> None:
    ada = (
        visit("ada", **options)
        .sign_up("Ada")
        .create("New channel", name="a-channel-with-a-rather-long-name-" + "x" * 30)
    )
    ada.say("word " * 80).say("https://example.org/" + "a" * 200).sees_sent("https://example.org/" + "a" * 200)
    assert fits(ada)
    expect(ada.rooms).to_be_hidden()
    for control in (
        ada.composer,
        ada.page.get_by_role("button", name="Send"),
        ada.page.get_by_role("heading", level=1),
    ):
        expect(control).to_be_in_viewport(ratio=0.9)
    ada.page.screenshot(path=pictures / f"small-{request.node.callspec.id}.png")
    ada.page.get_by_role("button", name=re.compile("^[0-9]+ (person|people)$")).click()
    expect(ada.page.get_by_role("complementary")).to_be_in_viewport(ratio=1)
    assert fits(ada)
    ada.page.get_by_role("button", name="Close the list of people").click()
    ada.page.get_by_role("link", name="Back to the rooms").click()
    expect(ada.rooms).to_be_visible()
    expect(ada.composer).to_have_count(0)
    assert fits(ada)
    ada.page.get_by_role("button", name="New", exact=True).click()
    expect(ada.page.get_by_role("dialog")).to_be_in_viewport(ratio=1)
    assert fits(ada)


def fits(visitor: Visitor) -> bool:
    """Nothing sticks out sideways."""
    return bool(
        visitor.page.evaluate(
            """() => [document.documentElement, ...document.querySelectorAll("main, nav, aside, .scroller, dialog")]
                 .every((e) => e.scrollWidth <= e.clientWidth)"""
        )
    )


def test_light_and_dark_follow_the_system(visit: Visit, pictures: Path) -> None:
    ada = visit("ada", color_scheme="light").sign_up("Ada").create("New channel", name="general")
    ada.say("hello").sees_sent("hello")

    def brightness(selector: str, colour: str) -> int:
        shades = ada.page.locator(selector).evaluate(f"(e) => getComputedStyle(e).{colour}.match(/\\d+/g).map(Number)")
        return sum(shades[:3])

    assert brightness("main", "backgroundColor") > 600 > brightness(".own .text", "color")
    ada.page.emulate_media(color_scheme="dark")
    assert brightness("main", "backgroundColor") < 200 < brightness(".own .text", "color")
    ada.page.screenshot(path=pictures / "dark.png")


# --- what others may have written ----------------------------------------------------------------------------

MISCHIEF = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>&lt;b&gt;'


def test_script_in_texts_and_names_is_only_text(visit: Visit, server: ServerProcess) -> None:
    status, ben_account = call(
        server.url, "/v1/register", {"name": "ben", "password": PASSWORD, "display_name": MISCHIEF[:60]}
    )
    assert status == 201
    ada = visit("ada").sign_up("Ada").create("New channel", name="general")
    with talk(server.websocket_url, ben_account["token"]) as ben:
        room = ben.ask("join", name="general")["room"]
        seq = ben.post(room, MISCHIEF)["seq"]
        ben.ask("post", room=room, nonce="a-mischievous-reply", text="javascript:window.hit=1", reply_to=seq)
        ben.say("typing", room=room)
        ben.ask("create_room", kind="group", name=MISCHIEF[:60], members=["ada"], nonce="a-mischievous-room")
        ada.sees(MISCHIEF).sees("javascript:window.hit=1")
        ada.rooms.get_by_role("link", name=MISCHIEF[:60]).click()
        expect(ada.page.get_by_role("heading", level=1)).to_have_text(MISCHIEF[:60])
        ada.open("general").sees(MISCHIEF)
    assert ada.page.evaluate("window.hit") is None
    assert ada.page.locator("img[src=x], .message script, .message b").count() == 0
    expect(ada.message("javascript:window.hit=1").get_by_role("link")).to_have_count(0)
