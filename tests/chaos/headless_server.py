"""As `forgetful_server.py`, and no heads are told: then nothing tells of a last message that was lost.

`make chaos OPTIONS='--bug heads'` finds it.
"""

from __future__ import annotations

from server.cli.main import main
from server.relays.actor import RelayActor
from server.relays.heads import HeadsActor
from tests.chaos.forgetful_server import forget

if __name__ == "__main__":
    RelayActor.receive = forget  # type: ignore[method-assign]
    HeadsActor._tell = lambda self: None  # type: ignore[method-assign]
    main()
