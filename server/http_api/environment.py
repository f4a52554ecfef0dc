"""What the HTTP API needs from the rest of the server: one frozen value, made where the tree is wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from actors import Tell
from server.accounts.export import Exports
from server.accounts.own import OwnAccounts
from server.accounts.service import Accounts
from server.pacing import Pace, without_limit
from server.rooms.finding import Rooms


class Readiness:
    """Whether this process wants traffic: set when the tree is up, taken back when it starts to stop.

    Attributes
    ----------
    trouble
        Says in a few words what else keeps it from being of use at the moment; empty: nothing.
    """

    __slots__ = ("ready", "trouble")

    def __init__(self) -> None:
        self.ready = False
        self.trouble: Callable[[], str] = str


@dataclass(frozen=True, slots=True)
class HttpEnvironment:
    """See the top of this file.

    Parameters
    ----------
    body_bytes
        The largest body of a request.
    seconds
        How long any one question may take.
    hsts_days
        For how long browsers that came by https are told to come by nothing else; 0: they are not told.
    pace
        How fast the commands of a user may follow; calls count as those of the websocket do.
    """

    accounts: Accounts
    own_accounts: OwnAccounts
    exports: Exports
    reader: Tell
    rooms: Rooms
    readiness: Readiness
    body_bytes: int
    seconds: float
    hsts_days: int = 0
    pace: Pace[str] = field(default_factory=without_limit)
