"""People talk through the page: signing up, rooms, messages, replies, history, who is there, who has read."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.harness.people import register, talk
from tests.harness.server import ServerProcess
from tests.web.conftest import Visit

pytestmark = pytest.mark.browser


def test_two_windows_chat(visit: Visit, pictures: Path) -> None:
    ada, ben = visit("ada").sign_up("Ada Lovelace"), visit("ben").sign_up("Ben")
    ada.create("New channel", name="general")
    ben.create("Join a channel", name="general")
    ada.say("Good morning!").sees_sent("Good morning!")
    ben.sees("Good morning!").say("Morning, Ada.\nDid you sleep well?")
    ada.sees("Morning, Ada. Did you sleep well?").say("Like a stone. The notes: https://example.org/notes")
    ben.sees("Like a stone. The notes: https://example.org/notes")
    expect(ben.page.get_by_role("link", name="https://example.org/notes")).to_have_attribute(
        "rel", "noopener noreferrer nofollow"
    )
    assert ada.lines() == ben.lines()
    ada.page.screenshot(path=pictures / "two-windows-ada.png")
    ben.page.screenshot(path=pictures / "two-windows-ben.png")


def test_a_wrong_password_is_said_in_words(visit: Visit) -> None:
    visit("ada").sign_up()
    stranger = visit("ada")
    stranger.page.goto(stranger.url)
    stranger.page.get_by_label("Name", exact=True).fill("ada")
    stranger.page.get_by_label("Password").fill("not her password")
    stranger.page.keyboard.press("Enter")
    expect(stranger.page.get_by_role("alert")).to_have_text("Name and password do not match.")


def test_a_taken_name_is_said_in_words(visit: Visit) -> None:
    visit("ada").sign_up()
    second = visit("ada")
    second.page.goto(second.url)
    second.page.get_by_role("button", name="Create an account").click()
    second.page.get_by_label("Name", exact=True).fill("ada")
    second.page.get_by_label("Password").fill("a good long password")
    second.page.keyboard.press("Enter")
    expect(second.page.get_by_role("alert")).to_contain_text("taken")


def test_a_reload_stays_signed_in_and_in_the_room(visit: Visit) -> None:
    ada = visit("ada").sign_up().create("New channel", name="general")
    ada.say("before").sees_sent("before")
    ada.page.reload()
    ada.sees("before")
    assert ada.lines() == ["before"]


def test_signing_out_leaves_nothing_behind_and_ends_the_token(visit: Visit) -> None:
    ada = visit("ada").sign_up().create("New channel", name="general")
    ada.composer.fill("a secret draft")
    other_tab = ada.page.context.new_page()
    other_tab.goto(ada.url)
    expect(other_tab.get_by_role("navigation", name="Rooms")).to_be_visible()
    ada.page.get_by_role("button", name="Sign out").click()
    ada.page.get_by_role("dialog").get_by_role("button", name="Sign out").click()
    expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(other_tab.get_by_role("heading", name="Sign in")).to_be_visible()
    assert ada.page.evaluate("Object.keys(localStorage)") == []


def test_a_revoked_token_signs_out_at_once(visit: Visit) -> None:
    ada = visit("ada").sign_up()
    ada.page.evaluate(
        """() => fetch("/v1/logout", { method: "POST",
             headers: { Authorization: `Bearer ${JSON.parse(localStorage["hubbub.account"]).token}` } })"""
    )
    expect(ada.page.get_by_role("status")).to_have_text("You have been signed out.")


def test_a_token_that_is_no_good_leads_to_the_front_door(visit: Visit) -> None:
    ada = visit("ada").sign_up()
    ada.page.evaluate(
        """() => { const account = JSON.parse(localStorage["hubbub.account"]);
             localStorage["hubbub.account"] = JSON.stringify({ ...account, token: "made-up" }); }"""
    )
    ada.page.reload()
    expect(ada.page.get_by_role("status")).to_have_text("You have been signed out.")


def test_direct_messages_and_groups_appear_by_themselves(visit: Visit) -> None:
    ada, ben = visit("ada").sign_up("Ada"), visit("ben").sign_up("Ben")
    ada.create("Direct message", people="ben").say("psst")
    ben.open("Ada").sees("psst")
    ada.create("Group", name="Sunday hike", people="ben").say("who comes?")
    ben.open("Sunday hike").sees("who comes?")


def test_somebody_invited_later_sees_what_was_said(visit: Visit) -> None:
    ada, ben = visit("ada").sign_up("Ada"), visit("ben").sign_up("Ben")
    ada.create("Group", name="Sunday hike").say("first words").sees_sent("first words")
    ada.page.get_by_role("main").get_by_role("button", name="Add people").click()
    dialog = ada.page.get_by_role("dialog")
    dialog.get_by_label("Who should join?").fill("ben, nobody-at-all")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("nobody-at-all")
    ada.page.keyboard.press("Escape")
    ben.open("Sunday hike").sees("first words")
    expect(ada.page.get_by_text("You added Ben")).to_be_visible()


def test_leaving_a_room(visit: Visit) -> None:
    ada, ben = visit("ada").sign_up("Ada"), visit("ben").sign_up("Ben")
    ada.create("New channel", name="general")
    ben.create("Join a channel", name="general")
    ben.page.get_by_role("button", name="Leave").click()
    ben.page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(ben.rooms.get_by_role("link", name="general")).to_have_count(0)
    expect(ada.page.get_by_text("Ben left")).to_be_visible()


def test_a_refused_room_name_is_explained_and_can_be_mended(visit: Visit) -> None:
    ada = visit("ada").sign_up().create("New channel", name="general")
    ada.page.get_by_role("button", name="New", exact=True).click()
    dialog = ada.page.get_by_role("dialog")
    dialog.get_by_label("New channel").check()
    dialog.get_by_label("Name of the channel").fill("general")
    dialog.get_by_role("button", name="Create channel").click()
    expect(dialog.get_by_role("alert")).not_to_be_empty()
    dialog.get_by_label("Name of the channel").fill("generals")
    dialog.get_by_role("button", name="Create channel").click()
    expect(ada.page.get_by_role("heading", level=1)).to_have_text("generals")


def test_a_reply_shows_what_it_answers(visit: Visit) -> None:
    ada, ben = visit("ada").sign_up("Ada"), visit("ben").sign_up("Ben")
    ada.create("Direct message", people="ben").say("tea or coffee?")
    ben.open("Ada").sees("tea or coffee?")
    ben.message("tea or coffee?").hover()
    ben.message("tea or coffee?").get_by_role("button", name="Reply").click()
    ben.say("tea, please")
    answer = ada.message("tea, please")
    expect(answer.get_by_role("button", name="In reply to")).to_contain_text("tea or coffee?")


def test_a_reply_to_something_long_ago_finds_it(visit: Visit, server: ServerProcess) -> None:
    ada = visit("ada").sign_up("Ada").create("New channel", name="general")
    _, token = register(server.url, "ben")
    with talk(server.websocket_url, token) as ben:
        room = ben.ask("join", name="general")["room"]
        first = ben.post(room, "the very first")["seq"]
        for n in range(120):
            ben.post(room, f"line {n}")
        ben.ask("post", room=room, nonce="a-reply-with-a-nonce", text="as I said", reply_to=first)
    ada.sees("as I said")
    ada.page.reload()
    ada.sees("as I said")
    quote = ada.message("as I said").get_by_role("button", name="In reply to")
    expect(quote).to_contain_text("the very first")
    quote.click()
    expect(ada.message("the very first")).to_be_in_viewport()


def test_scrolling_back_reaches_the_beginning(visit: Visit, server: ServerProcess) -> None:
    _, token = register(server.url, "ben")
    with talk(server.websocket_url, token) as ben:
        room = ben.ask("create_room", kind="channel", name="general", nonce="the-room-of-many-lines")["room"]
        for n in range(130):
            ben.post(room, f"line {n}")
    ada = visit("ada").sign_up().create("Join a channel", name="general")
    ada.sees("line 129")
    ada.scroller.hover()
    for _ in range(40):
        if "line 0" in ada.lines():
            break
        ada.page.mouse.wheel(0, -4000)
        ada.page.wait_for_timeout(50)
    expect(ada.page.get_by_text("This is where the conversation begins.")).to_be_attached()
    assert ada.lines() == [f"line {n}" for n in range(130)]


def test_who_is_there_and_who_is_not(visit: Visit, server: ServerProcess) -> None:
    ada = visit("ada").sign_up("Ada").create("New channel", name="general")
    _, token = register(server.url, "clara")
    with talk(server.websocket_url, token) as clara:
        clara.ask("join", name="general")
        ben = visit("ben").sign_up("Ben").create("Join a channel", name="general")
        shown = ada.page.get_by_role("complementary").get_by_role("listitem").filter(has_text="Ben")
        expect(shown).to_contain_text("online")
        # Comings and goings within a second are not told, so the coming has to be told first.
        ben_id = ben.page.evaluate("JSON.parse(localStorage['hubbub.account']).user.user")
        clara.wait(lambda frame: frame["op"] == "presence" and frame["user"] == ben_id)
        ben.page.context.close()
        expect(shown).to_contain_text("offline")
    ada.page.get_by_title("Write to Ben").click()
    expect(ada.page.get_by_role("heading", level=1)).to_have_text("Ben")


def test_what_is_pressed_while_something_arrives_is_clicked(visit: Visit) -> None:
    ada, ben = visit("ada").sign_up("Ada"), visit("ben").sign_up("Ben")
    ada.create("Direct message", people="ben")
    link = ben.rooms.get_by_role("link", name="Ada")
    expect(link).to_contain_text("online")
    link.hover()
    ben.page.mouse.down()
    ada.say("hello")
    ada.message("hello").locator(".received").wait_for()
    ben.page.mouse.up()
    expect(ben.page.get_by_role("heading", level=1, name="Ada", exact=True)).to_be_visible()
    ben.sees("hello")


def test_typing_is_seen_until_the_message_is_there(visit: Visit) -> None:
    ada, ben = visit("ada").sign_up("Ada"), visit("ben").sign_up("Ben")
    ada.create("Direct message", people="ben").say("hello")
    ben.open("Ada").sees("hello")
    ben.composer.press_sequentially("let me see")
    expect(ada.page.get_by_text("Ben is typing…")).to_be_visible()
    ben.composer.press("Enter")
    ada.sees("let me see")
    expect(ada.page.get_by_text("Ben is typing…")).to_have_count(0)


def test_an_author_learns_that_a_message_was_read(visit: Visit) -> None:
    ada, ben = visit("ada").sign_up("Ada"), visit("ben").sign_up("Ben")
    ada.create("Direct message", people="ben").say("read me").sees_sent("read me")
    ben.open("Ada").sees("read me")
    expect(ada.message("read me").get_by_text("Read by Ben")).to_be_attached()


def test_unread_counts_stand_in_the_list_and_in_the_title(visit: Visit) -> None:
    ada, ben = visit("ada").sign_up("Ada"), visit("ben").sign_up("Ben")
    ada.create("Direct message", people="ben").say("one").say("two").sees_sent("two")
    expect(ben.rooms.get_by_role("link", name="Ada")).to_contain_text("2 unread")
    expect(ben.page).to_have_title("(2) Hubbub")
    ben.open("Ada").sees("two")
    expect(ben.page).to_have_title("Ada · Hubbub")
    expect(ben.rooms.get_by_role("link", name="Ada")).not_to_contain_text("unread")
    ben.page.reload()
    ben.sees("two")
    expect(ben.page).to_have_title("Ada · Hubbub")


def test_a_draft_survives_a_reload_and_belongs_to_its_room(visit: Visit) -> None:
    ada = visit("ada").sign_up().create("New channel", name="one")
    ada.composer.fill("half a thou")
    ada.create("New channel", name="two")
    expect(ada.composer).to_have_value("")
    ada.page.reload()
    ada.open("one")
    expect(ada.composer).to_have_value("half a thou")
    ada.composer.press("Enter")
    ada.sees_sent("half a thou")
    ada.page.reload()
    ada.sees("half a thou")
    expect(ada.composer).to_have_value("")


def test_a_text_that_is_too_long_cannot_be_sent_and_says_by_how_much(visit: Visit) -> None:
    ada = visit("ada").sign_up().create("New channel", name="general")
    ada.composer.fill("é" * 3_999 + "🚀🚀")
    expect(ada.page.get_by_text("1 characters too many")).to_be_visible()
    ada.composer.press("Enter")
    assert ada.lines() == []
    ada.composer.fill("é" * 3_999 + "🚀")
    ada.composer.press("Enter")
    ada.sees_sent("é" * 3_999 + "🚀")
