"""The page's frame: what the content security policy will hold it to, and what it loads. Needs no browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

WEB = Path(__file__).parents[2] / "server" / "web"
IMPORT = re.compile(r'^import .* from "(.+)";$|^\} from "(.+)";$', re.MULTILINE)


class Tags(HTMLParser):
    """All start tags with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed((WEB / "index.html").read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def addresses(self) -> list[str]:
        return [address for _, attrs in self.found for key in ("href", "src") if (address := attrs.get(key))]


def modules_reached() -> set[str]:
    """Every module that main.js imports, directly or not."""
    reached: set[str] = set()
    waiting = [WEB / "static" / "main.js"]
    while waiting:
        module = waiting.pop()
        reached.add("/" + module.relative_to(WEB).as_posix())
        for match in IMPORT.finditer(module.read_text()):
            imported = (module.parent / (match[1] or match[2])).resolve()
            if "/" + imported.relative_to(WEB).as_posix() not in reached:
                waiting.append(imported)
    return reached


def test_nothing_is_inline_and_nothing_is_from_elsewhere() -> None:
    tags = Tags()
    assert all(address.startswith("/static/") for address in tags.addresses())
    assert all(attrs.get("src") for tag, attrs in tags.found if tag == "script")
    assert not [tag for tag, attrs in tags.found if tag == "style" or any(name.startswith("on") for name in attrs)]
    assert not [tag for tag, attrs in tags.found if "style" in attrs]


def test_everything_it_names_exists() -> None:
    assert [address for address in Tags().addresses() if not (WEB / address.lstrip("/")).is_file()] == []


def test_all_modules_that_are_needed_are_preloaded_and_no_others() -> None:
    preloaded = {str(attrs["href"]) for _, attrs in Tags().found if attrs.get("rel") == "modulepreload"}
    assert preloaded == modules_reached() - {"/static/main.js"}


def test_no_module_makes_markup_out_of_text() -> None:
    dangerous = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function")
    assert [path.name for path in (WEB / "static").rglob("*.js") if dangerous.search(path.read_text())] == []
