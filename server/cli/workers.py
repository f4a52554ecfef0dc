"""`hubbub serve` with several workers: what their parent is given."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Final

import structlog

from server.cli.announcing import announce
from server.cli.exits import Ended, Exit, one_line_errors
from server.cli.troubles import serving_errors
from server.listening import url_of
from server.logs import speak_as
from server.parent.application import Application
from server.parent.handing_over import CannotTakeOver, HandedOver, taken_out_of
from server.parent.place import WorkerPlace
from server.parent.processes import cores
from server.serving import longest_stop, open_admin_listener, prepare, serve_worker
from server.settings import Settings
from server.store.compiling import compile_ahead

log: Final = structlog.get_logger(__name__)

MODULES: Final = (
    "server.serving",
    "server.cluster.joining",
    "coredis.connection",
    "anyio._backends._trio",
    "encodings.idna",
    "sqlalchemy.dialects.sqlite",
)
"""What a worker loads: nearly all of it by the first two, the others when they are used."""

_MODULES_OF_POSTGRESQL: Final = ("server.store.postgres", "psycopg", "sqlalchemy.dialects.postgresql.psycopg")

_MISTAKES: Final = frozenset(Exit) - {Exit.DONE, Exit.FAILED}


def handed_over() -> HandedOver | None:
    """From the program whose place this one takes. Raises `Ended`."""
    try:
        return taken_out_of(os.environ)
    except CannotTakeOver as trouble:
        raise Ended(Exit.FAILED, str(trouble)) from None


def application(settings: Settings, reread: Callable[[], Settings]) -> Application:
    """The chat, as a parent starts it.

    Parameters
    ----------
    reread
        The settings as they are now. Raises `WrongSetting`.
    """

    def serving(listener: socket.socket, admin: socket.socket | None) -> None:
        url = url_of(listener, tls=bool(settings.tls_cert))
        log.info(
            "serving", url=url, admin=None if admin is None else url_of(admin), data=str(settings.data), pid=os.getpid()
        )
        announce(url)

    return Application(
        modules=MODULES + (_MODULES_OF_POSTGRESQL if settings.database else ()),
        make=_nothing if settings.database else compile_ahead,
        prepare=_prepare,
        work=_work,
        reread=reread,
        open_admin=open_admin_listener,
        announce=serving,
        owners=cores() if settings.database else 1,
        leave_seconds=longest_stop(settings),
        mistakes=_MISTAKES,
    )


def _nothing() -> None:
    """Their connections have to be there before they compile."""


def _prepare(settings: Settings) -> int:
    with one_line_errors(), serving_errors():
        prepare(settings)
    return Exit.DONE


def _work(place: WorkerPlace) -> int:
    speak_as(place.index)
    with one_line_errors(), serving_errors():
        serve_worker(place)
    return Exit.DONE
