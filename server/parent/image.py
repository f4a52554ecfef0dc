"""What all workers share: modules that are loaded before the first fork, and objects the collector leaves alone.

The rules: what is loaded here starts no thread, leaves nothing open and runs no event loop. And nothing that a worker
needs for sure is loaded after the fork, because then each has a copy of its own: a page is shared until somebody writes
to it, and a collection writes to every object it sees, so that what is here is frozen out of its sight. For the same
reason the interpreter forgets which attributes it has looked up: what a worker looks up takes the place of another one
in that table, and both names lie somewhere among all objects, and have their references counted.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module


def load(modules: Sequence[str], make: Callable[[], None]) -> None:
    """Load `modules`, `make` what else is shared, and share all that there is now."""
    for name in modules:
        import_module(name)
    make()
    assert threading.active_count() == 1, "who has threads cannot fork"
    sys._clear_type_cache()
    gc.collect()
    gc.freeze()
