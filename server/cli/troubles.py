"""What keeps a server from serving, as exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from actors import RootGaveUp
from server.cli.exits import Ended, Exit
from server.cli.stores import store_errors
from server.cluster.trouble import EngineTrouble
from server.gateway.certificates import CertificateTrouble
from server.listening import PortTrouble
from server.parent.application import GaveUp


@contextmanager
def serving_errors() -> Iterator[None]:
    """Turn what an operator can do something about into the end of the command."""
    try:
        with store_errors():
            yield
    except CertificateTrouble as trouble:
        raise Ended(Exit.WRONG_SETTING, str(trouble)) from None
    except PortTrouble as trouble:
        raise Ended(Exit.PORT, str(trouble)) from None
    except EngineTrouble as trouble:
        raise Ended(Exit.ENGINE, str(trouble)) from None
    except RootGaveUp as failure:
        raise Ended(Exit.FAILED, f"gave up: {failure}") from None
    except GaveUp as failure:
        raise Ended(Exit(failure.code), failure.line) from None
