"""The documents as they are served: to anybody, with a tag to ask again with, and of this very application."""

from __future__ import annotations

import pytest
from starlette.routing import Mount, Route

from server.http_api.app import make_routes
from tests.harness.documented import HTTP, WEBSOCKET
from tests.http_api.conftest import House

PATHS = {
    "/v1/openapi.json": ("application/json", HTTP),
    "/v1/asyncapi.json": ("application/vnd.aai.asyncapi+json;version=3.0.0", WEBSOCKET),
}
FOR_PEOPLE = {"/", "/static"}


async def test_the_document_has_every_route_and_no_other(house: House) -> None:
    routed = set()
    for route in make_routes(house.environment):
        assert isinstance(route, Route | Mount)
        if route.path not in FOR_PEOPLE:
            assert isinstance(route, Route)
            routed |= {(route.path, method.lower()) for method in route.methods or () if method != "HEAD"}
    documented = (await house.api.get("/v1/openapi.json")).json()["paths"]
    assert routed == {(path, method) for path, methods in documented.items() for method in methods}


@pytest.mark.parametrize("path", PATHS)
async def test_anybody_gets_them(house: House, path: str) -> None:
    media_type, document = PATHS[path]
    response = await house.api.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == media_type
    assert response.json() == document
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", PATHS)
async def test_who_has_it_gets_it_only_when_it_has_changed(house: House, path: str) -> None:
    tag = (await house.api.get(path)).headers["etag"]
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await house.api.get(path, headers={"If-None-Match": condition})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert (await house.api.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_the_two_are_told_apart_by_their_tags(house: House) -> None:
    tags = {(await house.api.get(path)).headers["etag"] for path in PATHS}
    assert len(tags) == 2
