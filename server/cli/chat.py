"""`hubbub chat`: talk, in this terminal, line by line.

What it needs is imported when it runs, so that `hubbub --help` stays quick and no part of the server is loaded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from server.cli.exits import Ended, Exit

if TYPE_CHECKING:
    from clients.terminal.chat import Wish
    from clients.terminal.talk import Outcome


@click.command("chat")
@click.argument("url")
@click.option("--name", required=True, metavar="NAME", help="Who you are: your user name.")
@click.option("--room", metavar="ROOM", help="Go to this room, or join the channel of that name.")
@click.option("--register", is_flag=True, help="Make the account if there is none.")
@click.option(
    "--ca",
    envvar="HUBBUB_CA",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Trust the certificates in this PEM file, and no others.",
)
def chat_command(url: str, name: str, room: str | None, register: bool, ca: Path | None) -> None:
    """Talk, in this terminal: URL is where the server is, such as http://127.0.0.1:8000.

    A server with a certificate that nobody else vouches for is trusted by --ca FILE, or HUBBUB_CA.

    The password is asked for, or taken from HUBBUB_PASSWORD; after that a token is kept in
    $XDG_STATE_HOME/hubbub (~/.local/state/hubbub). Lines from a pipe are said as well; the command ends when they
    do, and fails if one was not sent. Inside, /help lists what can be done.
    """
    from clients.terminal.chat import Wish
    from server.protocol.errors import Refusal
    from server.protocol.rules import check_user_name

    try:
        check_user_name(name)
    except Refusal as wrong:
        raise Ended(Exit.WRONG_SETTING, wrong.message) from None
    password = os.environ.get("HUBBUB_PASSWORD") or None
    outcome = _talk(Wish(url, name, room, password, register), ca)
    lost = outcome.refused + outcome.unanswered
    if lost:
        raise Ended(Exit.FAILED, f"{lost} message{'s were' if lost > 1 else ' was'} not sent")


def _talk(wish: Wish, ca: Path | None) -> Outcome:
    import trio

    from clients.answers import ConversationOver, NotConnected
    from clients.dialling import BadAuthority, trusting
    from clients.endpoint import BadUrl
    from clients.http_call import CallFailed
    from clients.terminal.chat import chat
    from clients.terminal.harmless import on_one_line
    from clients.terminal.screen import StandardScreen
    from clients.terminal.signing_in import CannotSignIn
    from clients.terminal.talk import Outcome
    from clients.terminal.tokens import TokenFile, state_folder

    try:
        tls = None if ca is None else trusting(ca)
        return trio.run(chat, wish, StandardScreen(), TokenFile(state_folder(os.environ)), tls)
    except (BadUrl, BadAuthority) as error:
        raise Ended(Exit.WRONG_SETTING, str(error)) from None
    except (CannotSignIn, CallFailed) as error:
        raise Ended(Exit.FAILED, _with_advice(str(error))) from None
    except NotConnected as error:
        raise Ended(Exit.FAILED, _with_advice(f"no connection to {wish.url}: {on_one_line(str(error))}")) from None
    except ConversationOver as over:
        raise Ended(Exit.FAILED, f"the server ended the conversation: {on_one_line(over.reason)}") from None
    except (KeyboardInterrupt, BaseExceptionGroup) as interrupted:
        if not _is_interrupt(interrupted):
            raise
        return Outcome(0, 0)


def _with_advice(complaint: str) -> str:
    return complaint + " (trust it by --ca FILE)" if "certificate verify failed" in complaint else complaint


def _is_interrupt(error: BaseException) -> bool:
    """Whether it is Ctrl-C, which trio may raise inside a group of one."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(KeyboardInterrupt)[1] is None
    return isinstance(error, KeyboardInterrupt)
