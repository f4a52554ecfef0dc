"""The real server with a link that loses things without noticing: one delivery to a relay in ten does not come.

What tells a relay that it lacks something is then the next delivery, and where there is none, the heads that owners
tell every second. `make chaos` finds nothing with it.
"""

from __future__ import annotations

import random

from server.cli.main import main
from server.relays.actor import RelayActor
from server.relays.messages import Delivered

LOST = 0.1

receive = RelayActor.receive


def forget(self: RelayActor, message: object) -> None:
    if not (isinstance(message, Delivered) and random.random() < LOST):
        receive(self, message)


if __name__ == "__main__":
    RelayActor.receive = forget  # type: ignore[method-assign]
    main()
