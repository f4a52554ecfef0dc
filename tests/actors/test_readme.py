"""What the README of `actors/` says is so: its programs print what it shows, and its table has every file."""

from __future__ import annotations

import logging
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

PACKAGE = Path(__file__).parents[2] / "actors"
README = (PACKAGE / "README.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", README, re.DOTALL)
EXAMPLES = re.findall(r"\]\(examples/(\w+)\.py\)(?:(?!```|\]\(examples/).)*```text\n(.*?)```", README, re.DOTALL)


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Crashes are what the examples are about; what they log is not."""
    logger = logging.getLogger("actors")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


def test_every_program_is_shown_with_what_it_prints() -> None:
    assert len(PROGRAMS) == README.count("```python") > 0


@pytest.mark.parametrize(("program", "output"), PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_prints_what_the_readme_says(
    program: str, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "example", module := ModuleType("example"))
    exec(compile(program, "README.md", "exec"), module.__dict__)
    assert capsys.readouterr().out == output


def test_the_first_actor_takes_twenty_lines() -> None:
    lines = [line for line in PROGRAMS[0][0].splitlines() if line.strip()]
    assert len(lines) <= 22


def test_every_example_is_in_the_readme() -> None:
    files = {path.stem for path in (PACKAGE / "examples").glob("*.py")} - {"__init__"}
    assert {name for name, _ in EXAMPLES} == files


@pytest.mark.parametrize(("name", "output"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_prints_what_the_readme_says(name: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module(f"actors.examples.{name}", run_name="__main__")
    assert capsys.readouterr().out == output


def test_every_file_of_the_library_is_named_in_the_readme_and_no_other() -> None:
    linked = set(re.findall(r"\]\(((?:distribution/)?\w+\.py)\)", README))
    files = [*PACKAGE.glob("*.py"), *PACKAGE.glob("distribution/*.py")]
    assert linked == {str(path.relative_to(PACKAGE)) for path in files if path.name != "__init__.py"}


def test_every_heading_that_is_linked_is_there() -> None:
    headings = re.findall(r"^## (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", README)) <= anchors
