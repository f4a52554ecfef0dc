"""The cutter as a process of its own, from the side of whoever cuts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


class Cables:
    """Cables to these addresses. `ports`: where each begins, on 127.0.0.1."""

    def __init__(self, targets: list[tuple[str, int]]) -> None:
        program = str(Path(__file__).with_name("cutter.py"))
        self._process = subprocess.Popen(
            [sys.executable, program, *(f"{host}:{port}" for host, port in targets)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.ports = [int(port) for port in self._process.stdout.readline().split()]
        assert len(self.ports) == len(targets), "the cutter did not start"

    def cut(self, number: int) -> None:
        """Done when it returns."""
        self._order(f"cut {number}")

    def heal(self, number: int) -> None:
        """Done when it returns."""
        self._order(f"heal {number}")

    def _order(self, order: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n", "the cutter is gone"

    def close(self) -> None:
        """Ends both sides of every cable."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(5)
        self._process.stdout.close()

    def __enter__(self) -> Cables:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
