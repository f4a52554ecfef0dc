"""How long locust waits for its own processes: as long as it takes where a hundred of them share two processors.

Locust takes a worker for missing after three seconds without a heartbeat, gives its users to others and takes them back
when it is heard again; a crowd would be torn down for it, and with it what its people saw. Whether a process is gone is
for the director to say (`director.py`), who fails the run by its number.
"""

from __future__ import annotations

from typing import Final

from locust import runners

_HEARTBEAT_SECONDS: Final = 2  # of each worker, and of the master to it
_NEVER: Final = 3_600  # seconds


def be_patient() -> None:
    """To be called when a locustfile is imported: a runner reads these when it begins, and each time it waits."""
    runners.HEARTBEAT_INTERVAL = _HEARTBEAT_SECONDS
    runners.HEARTBEAT_LIVENESS = _NEVER // _HEARTBEAT_SECONDS
    runners.MASTER_HEARTBEAT_TIMEOUT = _NEVER
