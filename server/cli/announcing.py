"""What `hubbub serve` prints when it serves.

stdout gets exactly one line, for programs that wait for it; what people want to know, and the logs, go to stderr.
"""

from __future__ import annotations

import sys


def announce(url: str) -> None:
    print(f"Open {url} in a browser, or: hubbub chat {url} --name YOU", file=sys.stderr, flush=True)
    print(f"hubbub is serving on {url}", flush=True)
