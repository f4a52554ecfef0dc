"""The kernel's epoll, also where gevent has hidden it.

`import locust` takes `select.epoll` away, because a call of it stops all greenlets. A crowd is asked to `step` when its
descriptor has something, and does not wait there; and by itself it is the only one in its process.
"""

from __future__ import annotations

import select
from typing import Any, Final


def _epoll_class() -> Any:  # noqa: ANN401 - what gevent kept has no type
    if hasattr(select, "epoll"):
        return select.epoll
    from gevent.monkey import get_original

    return get_original("select", "epoll")


Epoll: Final = _epoll_class()

IN: Final = 0x001  # sys/epoll.h, which gevent hides with it
OUT: Final = 0x004
ERR: Final = 0x008
HUP: Final = 0x010
