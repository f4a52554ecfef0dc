"""What `loadtest/` depends on. It belongs to gevent's world, in which no `trio.run` works any more."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "loadtest"
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = [
    f"{path.relative_to(PACKAGE.parent).with_suffix('').as_posix().replace('/', '.')}"
    for path in FILES
    if path.stem != "__init__"
]


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
    assert {"crowd.py", "ledger.py", "people.py"} <= {source.name for source in FILES}


def test_of_this_project_it_imports_the_clients_and_the_wire_only() -> None:
    for source in FILES:
        inside = {module for module in imported(source) if module.split(".")[0] in {"actors", "server", "tests"}}
        assert all(module.startswith("server.protocol.") for module in inside), f"{source.name} imports {inside}"


def test_what_it_imports_brings_in_neither_trio_nor_the_rest_of_the_server() -> None:
    program = (
        f"import sys, {', '.join(MODULES)}; "
        "print([m for m in sys.modules if m in ('trio', 'actors') or m.startswith('server.') and 'protocol' not in m])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "[]\n"


def test_only_users_and_locustfiles_patch_whoever_imports_them() -> None:
    plain = [module for module in MODULES if ".users." not in module and not module.endswith("locustfile")]
    program = f"import sys, select, {', '.join(plain)}; print('locust' in sys.modules, hasattr(select, 'epoll'))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "False True\n"
