"""`hubbub chat`, without its command line: sign in, connect, talk."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import partial
from socket import gethostname

from clients import accounts
from clients.answers import ConversationOver
from clients.client import open_client
from clients.endpoint import endpoint_of
from clients.terminal.screen import Screen
from clients.terminal.signing_in import Door, sign_in
from clients.terminal.talk import Outcome, Talk
from clients.terminal.tokens import TokenFile
from server.protocol.closing import CloseCode
from server.protocol.limits import DISPLAY_NAME_CHARACTERS

_TOKEN_ENDED = frozenset({CloseCode.TOKEN_REVOKED, CloseCode.BAD_TOKEN})


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line said."""

    url: str
    name: str
    room: str | None = None
    password: str | None = field(default=None, repr=False)
    may_register: bool = False


async def chat(wish: Wish, screen: Screen, tokens: TokenFile, tls: ssl.SSLContext | None = None) -> Outcome:
    """Talk until the end of the input.

    A token that has ended is forgotten; if it was the one kept from last time, a new one is asked for.

    Parameters
    ----------
    tls
        Whom to trust; by default whom the machine trusts.

    Raises
    ------
    BadUrl, CannotSignIn, CallFailed, NotConnected, ConversationOver
    """
    url = endpoint_of(wish.url).url
    kept = tokens.find(url, wish.name)
    if kept is not None:
        try:
            return await _talk(url, kept, wish, screen, tokens, tls)
        except ConversationOver as over:
            if over.code != CloseCode.BAD_TOKEN:
                raise
    device = f"terminal on {gethostname()}"[:DISPLAY_NAME_CHARACTERS]
    login = partial(accounts.login, url, device=device, tls=tls)
    register = partial(accounts.register, url, device=device, tls=tls)
    token = await sign_in(Door(login, register, wish.name, wish.password, wish.may_register), screen)
    tokens.keep(url, wish.name, token)
    return await _talk(url, token, wish, screen, tokens, tls)


async def _talk(
    url: str, token: str, wish: Wish, screen: Screen, tokens: TokenFile, tls: ssl.SSLContext | None
) -> Outcome:
    try:
        async with open_client(url, token, tls=tls) as client:
            return await Talk(client, screen).run(wish.room)
    except ConversationOver as over:
        if over.code in _TOKEN_ENDED:
            tokens.forget(url, wish.name)
        raise
