"""What `actors/` depends on: trio and the standard library. It could be published alone tomorrow."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "actors"
DISTRIBUTION = sorted((PACKAGE / "distribution").glob("*.py"))
LIBRARY = [*sorted(PACKAGE.glob("*.py")), *DISTRIBUTION]
EXAMPLES = sorted((PACKAGE / "examples").glob("*.py"))


def imported(source: Path) -> Iterator[str]:
    """The modules a file imports, wherever it does."""
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, level=level):
                assert level == 0, f"{source.name} imports relatively"
                yield module or ""


def test_there_is_something_to_look_at() -> None:
    assert len(LIBRARY) > 20
    assert "trio" in {module for source in LIBRARY for module in imported(source)}


def test_it_imports_trio_and_the_standard_library_only() -> None:
    allowed = {"trio", "actors", *sys.stdlib_module_names}
    for source in [*LIBRARY, *EXAMPLES]:
        others = {module for module in imported(source) if module.split(".")[0] not in allowed}
        assert not others, f"{source.name} imports {others}"


def test_inner_files_import_their_siblings_and_never_the_list_of_public_names() -> None:
    for source in LIBRARY:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "actors":
                siblings = {path.stem for path in LIBRARY}
                assert {alias.name for alias in node.names} <= siblings, source.name


def test_who_has_no_other_nodes_pays_nothing_for_them() -> None:
    """The runtime knows of far addresses and asks nothing else; only the list of public names has the rest."""
    for source in set(LIBRARY) - set(DISTRIBUTION) - {PACKAGE / "__init__.py"}:
        found = {module for module in imported(source) if module.startswith("actors.distribution")}
        assert found <= ({"actors.distribution.distribution"} if source.name == "system.py" else set()), source.name


def test_the_library_does_not_import_its_examples() -> None:
    for source in LIBRARY:
        assert not [module for module in imported(source) if module.startswith("actors.examples")], source.name


def test_the_examples_use_public_names_only() -> None:
    for source in EXAMPLES:
        assert {module for module in imported(source) if module.startswith("actors")} <= {"actors"}, source.name
        assert not re.findall(r"\b(?!self)\w+\._(?!_)\w+", source.read_text()), f"{source.name} looks inside"


def test_the_library_knows_nothing_of_its_application() -> None:
    for source in [*LIBRARY, *EXAMPLES]:
        assert not re.findall(r"\b(?:chat|room|user)s?\b", source.read_text(), re.IGNORECASE), source.name
