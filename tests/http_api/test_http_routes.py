"""What every route has in common: errors of one shape, headers a browser heeds, health, the page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.http_api.conftest import House, call, client, problem_of


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nowhere", 404, "not_found"),
        ("GET", "/v1/rooms/", 404, "not_found"),
        ("GET", "/v1/register", 405, "method_not_allowed"),
        ("DELETE", "/v1/rooms/r_1/messages", 405, "method_not_allowed"),
        ("GET", "/static/nothing.js", 404, "not_found"),
        ("GET", "/static/../index.html", 404, "not_found"),
        ("GET", "/static/%2e%2e/%2e%2e/settings.py", 404, "not_found"),
    ],
)
async def test_what_is_not_there_is_said_in_the_same_shape(
    house: House, method: str, path: str, status: int, code: str
) -> None:
    assert problem_of(await house.api.request(method, path)) == (status, code)


async def test_the_methods_of_a_path_are_named(house: House) -> None:
    response = await house.api.delete("/v1/rooms/r_1/messages")
    assert {method.strip() for method in response.headers["allow"].split(",")} == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("path", ["/", "/v1/nowhere", "/healthz", "/v1/rooms"])
async def test_every_response_forbids_what_the_page_does_not_need(house: House, path: str) -> None:
    headers = (await house.api.get(path)).headers
    policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert policy.pop("img-src") == "'self' data:"
    assert {name for name, allowed in policy.items() if allowed == "'self'"} == {
        "script-src", "style-src", "connect-src"
    }  # fmt: skip
    assert {name for name, allowed in policy.items() if allowed == "'none'"} == {
        "default-src", "base-uri", "form-action", "frame-ancestors", "trusted-types"
    }  # fmt: skip
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["permissions-policy"].startswith("accelerometer=()")
    for name in ("cross-origin-embedder-policy", "cross-origin-opener-policy", "cross-origin-resource-policy"):
        assert name in headers
    for name in ("server", "x-powered-by", "set-cookie", "access-control-allow-origin"):
        assert name not in headers


async def test_only_who_comes_by_https_is_told_to_keep_to_it(house: House) -> None:
    environment = replace(house.environment, hsts_days=2)
    for days, scheme, told in ((2, "https", "max-age=172800"), (2, "http", None), (0, "https", None)):
        async with client(replace(environment, hsts_days=days), scheme=scheme) as api:
            for path in ("/", "/v1/nowhere"):
                assert (await api.get(path)).headers.get("strict-transport-security") == told


async def test_answers_of_the_api_are_not_stored(house: House) -> None:
    assert (await house.api.get("/v1/rooms")).headers["cache-control"] == "no-store"


async def test_the_page_is_served_and_asked_about_again(house: House) -> None:
    page = await house.api.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    script = await house.api.get("/static/protocol.js")
    assert script.headers["content-type"].startswith("text/javascript")
    again = await house.api.get("/static/protocol.js", headers={"If-None-Match": script.headers["etag"]})
    assert again.status_code == 304


async def test_health_and_readiness(house: House) -> None:
    assert (await house.api.get("/healthz")).json() == {"status": "alive"}
    assert (await house.api.get("/readyz")).json() == {"status": "ready"}
    house.readiness.ready = False
    assert (await house.api.get("/healthz")).status_code == 200
    assert problem_of(await house.api.get("/readyz")) == (503, "unavailable")


async def test_a_database_that_does_not_answer_is_not_ready(house: House) -> None:
    async with house.client_with(reader_full=True) as api:
        assert problem_of(await api.get("/readyz")) == (503, "unavailable")


async def test_a_crash_of_ours_says_nothing_about_its_cause(house: House) -> None:
    async with house.client_with(reader_broken=True) as api:
        with pytest.raises(ZeroDivisionError):
            await api.get("/readyz")
    async with house.client_with(reader_broken=True, raise_app_exceptions=False) as api:
        response = await api.get("/readyz")
        assert problem_of(response) == (500, "internal_error")
        assert "ZeroDivision" not in response.text
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_client_that_leaves_in_the_middle_is_no_crash(house: House) -> None:
    async def leave() -> dict[str, object]:
        return {"type": "http.disconnect"}

    answers = await call(house.app, "POST", "/v1/login", leave)
    assert answers[0]["status"] == 400
