"""People in front of the page: what they do and what they see, in their words.

They find things as people do, by label and by role, so that a page they can use here can be used.
"""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.harness.people import PASSWORD

expect.set_options(timeout=15_000)


class Visitor:
    """One person with one window."""

    def __init__(self, page: Page, url: str, name: str) -> None:
        self.page = page
        self.url = url
        self.name = name

    # --- coming and going ------------------------------------------------------------------------------------

    def sign_up(self, shown_as: str | None = None) -> Visitor:
        self.page.goto(self.url)
        self.page.get_by_role("button", name="Create an account").click()
        self._fill_in()
        if shown_as is not None:
            self.page.get_by_label("Shown as").fill(shown_as)
        self.page.get_by_role("button", name="Sign up").click()
        self.rooms.wait_for()
        return self

    def sign_in(self) -> Visitor:
        self.page.goto(self.url)
        self._fill_in()
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.rooms.wait_for()
        return self

    def _fill_in(self) -> None:
        self.page.get_by_label("Name", exact=True).fill(self.name)
        self.page.get_by_label("Password").fill(PASSWORD)

    # --- rooms -----------------------------------------------------------------------------------------------

    @property
    def rooms(self) -> Locator:
        return self.page.get_by_role("navigation", name="Rooms")

    def create(self, kind: str, *, name: str = "", people: str = "") -> Visitor:
        """`kind` is the label of the choice."""
        dialog = self.fill_in_new(kind, name=name, people=people)
        dialog.wait_for(state="detached")
        self.composer.wait_for()
        return self

    def fill_in_new(self, kind: str, *, name: str = "", people: str = "") -> Locator:
        """The dialog, which has been sent."""
        self.page.get_by_role("button", name="New", exact=True).click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label(kind).check()
        if name:
            dialog.get_by_label("Name of the").fill(name)
        if people:
            dialog.get_by_label("Name of the person" if kind == "Direct message" else "People to add").fill(people)
        dialog.locator("button[type=submit]").click()
        return dialog

    def open(self, room: str) -> Visitor:
        self.rooms.get_by_role("link", name=room).click()
        self.page.get_by_role("heading", level=1, name=room, exact=True).wait_for()
        self.composer.wait_for()
        return self

    # --- talking ---------------------------------------------------------------------------------------------

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message")

    @property
    def scroller(self) -> Locator:
        return self.page.locator(".scroller")

    def say(self, text: str) -> Visitor:
        self.composer.fill(text)
        self.composer.press("Enter")
        return self

    def lines(self) -> list[str]:
        """The texts of all messages in the list, from top to bottom."""
        return self.page.locator(".message .text").all_inner_texts()

    def message(self, text: str) -> Locator:
        whole = re.compile("^" + r"\s+".join(re.escape(word) for word in text.split()) + "$")
        return self.page.locator(".message").filter(has=self.page.locator(".text").filter(has_text=whole))

    def sees(self, text: str) -> Visitor:
        """Waits for the message; seeing it twice is an error (the locator is strict)."""
        self.message(text).wait_for(state="attached")
        return self

    def sees_sent(self, text: str) -> Visitor:
        """One's own message, on the server's disk."""
        self.message(text).locator(".sent, .received, .read").wait_for(state="attached")
        return self
