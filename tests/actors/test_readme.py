"""The examples in the README of `actors/` are complete programs that print what it says they print."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

PACKAGE = Path(__file__).parents[2] / "actors"
README = (PACKAGE / "README.md").read_text()
EXAMPLES = re.findall(
    r"^## ([^\n]+)\n(?:(?!^## ).)*?```python\n(.*?)```\n```text\n(.*?)```", README, re.DOTALL | re.MULTILINE
)


def test_there_are_examples() -> None:
    assert [title for title, _, _ in EXAMPLES] == [
        "A first actor",
        "A supervised counter",
        "A pool of workers",
        "Ping-pong",
    ]


@pytest.mark.parametrize(("program", "output"), [pytest.param(*example[1:], id=example[0]) for example in EXAMPLES])
def test_an_example_prints_what_the_readme_says(
    program: str, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logging.getLogger("actors").setLevel(logging.CRITICAL)
    monkeypatch.setitem(sys.modules, "example", module := ModuleType("example"))
    try:
        exec(compile(program, "README.md", "exec"), module.__dict__)
    finally:
        logging.getLogger("actors").setLevel(logging.NOTSET)
    assert capsys.readouterr().out == output


def test_files_that_the_readme_names_exist() -> None:
    linked = set(re.findall(r"\]\((\w+\.py)\)", README))
    assert {name for name in linked if not (PACKAGE / name).exists()} == set()


def test_the_library_imports_trio_and_the_standard_library_only() -> None:
    allowed = {"trio", "actors", *sys.stdlib_module_names}
    for source in PACKAGE.glob("*.py"):
        for module in re.findall(r"^\s*(?:from|import) (\w+)", source.read_text(), re.MULTILINE):
            assert module in allowed, f"{source.name} imports {module}"


def test_the_library_knows_nothing_of_its_application() -> None:
    for source in PACKAGE.glob("*.py"):
        assert not re.findall(r"\b(?:chat|room|user)s?\b", source.read_text(), re.IGNORECASE), source.name
