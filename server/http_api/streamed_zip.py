"""The response of an export: sent while it is made, at the pace of whoever reads it.

Nothing is sent before the first part is there, so a refusal until then has a status; after it, all that is left is to
break off, which the missing end of the archive shows.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.accounts.export import Exports
from server.store.account_messages import OwnAccount

ZIP: Final = "application/zip"


class StreamedZip(Response):
    """Everything of the owner of `account`."""

    media_type = ZIP

    def __init__(self, exports: Exports, account: OwnAccount) -> None:
        super().__init__(headers={"Content-Disposition": f'attachment; filename="hubbub-{account.name}.zip"'})
        del self.headers["content-length"]  # nobody knows
        self._exports = exports
        self._account = account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def write(part: bytes) -> None:
            await send({"type": "http.response.body", "body": part, "more_body": True})

        with self._exports.place(self._account.user):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._exports.make(self._account, write)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
