"""The web page: `/` and `/static/…`, from the files of `server/web/`.

Browsers ask again each time whether a file changed (304 if not): no build step, so no names that change with the
content, and a page whose modules are of two versions is worse than a round trip.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

WEB: Final = Path(__file__).parent.parent / "web"


class RevalidatedFiles(StaticFiles):
    """Static files that a browser may keep, but must ask about."""

    async def get_response(self, path: str, scope: MutableMapping[str, Any]) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


async def index(_request: Request) -> Response:
    return FileResponse(WEB / "index.html", media_type="text/html", headers={"Cache-Control": "no-cache"})


def page_routes() -> list[BaseRoute]:
    return [Route("/", index), Mount("/static", RevalidatedFiles(directory=WEB / "static", check_dir=False))]
