"""From the table of calls to Starlette's routes: one route a path, whichever methods it has.

With a route for each method, Starlette would answer another method with 405 and name only those of the first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.contracts.call import Call, Owner

Endpoint = Callable[[Request], Awaitable[Response]]


def routes_of(calls: Iterable[Call[Owner]], owner: Owner) -> list[Route]:
    """The routes to `calls`, answered by `owner`."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for call in calls:
        by_path.setdefault(call.path, {})[call.method] = partial(call.handler, owner)
    return [Route(path, _by_method(endpoints), methods=list(endpoints)) for path, endpoints in by_path.items()]


def _by_method(endpoints: dict[str, Endpoint]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return endpoint
