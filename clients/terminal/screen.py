"""The real stdin and stdout, or whatever stands in their place: a terminal, pipes, files.

Lines are read in a thread, straight from the descriptor: switching a terminal to non-blocking mode would switch it
for the shell as well, and a thread inside Python's own stdin would hold its lock at exit. Writing blocks, on
purpose: a terminal that is stopped (Ctrl-S) stops the client, which comes back and resumes when it goes on.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from getpass import getpass
from typing import Final, Protocol

import trio

_READ: Final = 64 * 1024  # bytes
_LONGEST_LINE: Final = 64 * 1024  # bytes; what is longer is cut, so that a file without line ends cannot fill memory


class Lines:
    """Bytes in, lines out, without their ends. A last line needs no end. Pure."""

    def __init__(self) -> None:
        self._partial = b""
        self._whole: deque[str] = deque()
        self.ended = False

    def feed(self, data: bytes) -> None:
        """More bytes; b"" is the end."""
        *whole, self._partial = (self._partial + data).split(b"\n")
        if not data:
            self.ended = True
            whole += [self._partial] if self._partial else []
        elif len(self._partial) > _LONGEST_LINE:
            whole.append(self._partial)
            self._partial = b""
        self._whole.extend(line.decode(errors="replace").removesuffix("\r") for line in whole)

    def next(self) -> str | None:
        return self._whole.popleft() if self._whole else None


class Screen(Protocol):
    """What the talk needs of the place where a person reads and types."""

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked something."""
        ...

    async def read_line(self) -> str | None:
        """The next line, None at the end."""
        ...

    async def ask_secret(self, question: str) -> str:
        """A line that is not shown while it is typed."""
        ...

    def show(self, *lines: str) -> None: ...

    def unecho(self, line: str) -> None:
        """Take the line that was just typed off the screen: it will come back as a message."""
        ...


class StandardScreen:
    """stdin and stdout of this process."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._both_terminals = sys.stdin.isatty() and sys.stdout.isatty()
        self._nobody_reads = False
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")

    @property
    def interactive(self) -> bool:
        return self._both_terminals

    async def read_line(self) -> str | None:
        while not self._nobody_reads:
            line = self._lines.next()
            if line is not None or self._lines.ended:
                await trio.lowlevel.checkpoint()
                return line
            self._lines.feed(await trio.to_thread.run_sync(os.read, 0, _READ, abandon_on_cancel=True))
        return None

    async def ask_secret(self, question: str) -> str:
        """Blocks: nothing else goes on before the sign-in, and Ctrl-C ends `getpass` itself, which then switches
        the terminal's echo on again. In a thread that is left behind it would stay off."""
        await trio.lowlevel.checkpoint()
        return getpass(question)

    def show(self, *lines: str) -> None:
        """Print; once nobody reads any more (`| head`), that is the end of the input, too."""
        try:
            for line in lines:
                print(line)
            sys.stdout.flush()
        except BrokenPipeError:
            self._nobody_reads = True
            # What is still in the buffer has to go somewhere when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def unecho(self, line: str) -> None:
        """One row up and clear it (ECMA-48, CUU and EL); a line that was wrapped stays."""
        if self._both_terminals and len(line) < os.get_terminal_size().columns:
            sys.stdout.write("\x1b[1A\x1b[2K\r")
