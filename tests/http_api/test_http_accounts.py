"""Signing up, in and out over HTTP, with what is wrong said by name."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.http_api.conftest import PASSWORD, House, bearer, call, problem_of


async def register(api: httpx.AsyncClient, name: str, **more: str) -> httpx.Response:
    return await api.post("/v1/register", json={"name": name, "password": PASSWORD, **more})


async def login(api: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    return await api.post("/v1/login", json={"name": name, "password": password})


async def test_whoever_registers_is_signed_in(house: House) -> None:
    response = await register(house.api, "ada", display_name="Ada L.")
    assert response.status_code == 201
    answer = response.json()
    assert answer["user"]["name"] == "ada"
    assert answer["user"]["display_name"] == "Ada L."
    assert answer["user"]["user"].startswith("u_")
    assert len(answer["token"]) == 43
    assert (await house.api.get("/v1/rooms", headers=bearer(answer["token"]))).json() == {"rooms": []}


async def test_each_device_has_its_own_token(house: House) -> None:
    first = (await register(house.api, "ada")).json()["token"]
    second = (await login(house.api, "ada")).json()["token"]
    assert first != second
    for token in (first, second):
        assert (await house.api.get("/v1/rooms", headers=bearer(token))).status_code == 200


async def test_a_name_is_taken_once(house: House) -> None:
    await register(house.api, "ada")
    assert problem_of(await register(house.api, "ada")) == (409, "name_taken")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"name": "Ada", "password": PASSWORD}, id="upper case"),
        pytest.param({"name": "", "password": PASSWORD}, id="no name"),
        pytest.param({"name": "a" * 33, "password": PASSWORD}, id="long name"),
        pytest.param({"name": "ada", "password": "short"}, id="short password"),
        pytest.param({"name": "ada", "password": "x" * 1_025}, id="long password"),
        pytest.param({"name": "ada"}, id="no password"),
        pytest.param({"name": "ada", "password": 12345678}, id="a number for a password"),
        pytest.param({"name": "ada", "password": PASSWORD, "display_name": "a\u202eb"}, id="override"),
        pytest.param({"name": "ada", "password": PASSWORD, "device": "a\nb"}, id="device with a line break"),
        pytest.param([], id="a list"),
        pytest.param("ada", id="a string"),
    ],
)
async def test_a_bad_registration_says_what_is_wrong(house: House, body: Any) -> None:
    response = await house.api.post("/v1/register", json=body)
    assert problem_of(response) == (400, "bad_request")
    assert response.json()["error"]["message"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"name":"ada","password":"\\ud800aaaaaaaa"}', b"\xff", b"[" * 5_000, b"\0"]
)
@pytest.mark.parametrize("path", ["/v1/register", "/v1/login"])
async def test_what_is_no_json_is_a_bad_request(house: House, path: str, content: bytes) -> None:
    assert problem_of(await house.api.post(path, content=content)) == (400, "bad_request")


async def test_a_body_over_the_limit_is_not_read_on(house: House) -> None:
    taken = 0

    async def endless() -> dict[str, object]:
        nonlocal taken
        taken += 16_384
        return {"type": "http.request", "body": b" " * 16_384, "more_body": True}

    answers = await call(house.app, "POST", "/v1/login", endless)
    assert answers[0]["status"] == 413
    assert taken <= house.environment.body_bytes + 16_384


async def test_a_wrong_name_and_a_wrong_password_are_one_answer(house: House) -> None:
    await register(house.api, "ada")
    answers = [
        await login(house.api, "ada", "another password"),
        await login(house.api, "nobody"),
        await login(house.api, "Not A Name"),
        await login(house.api, "ada", "short"),
    ]
    assert {problem_of(answer) for answer in answers} == {(401, "bad_credentials")}
    assert len({answer.content for answer in answers}) == 1


async def test_a_guesser_is_held_back_and_the_owner_elsewhere_is_not(house: House) -> None:
    await register(house.api, "ada")
    for _ in range(house.login_attempts):
        assert (await login(house.api, "ada", "wrong password")).status_code == 401
    response = await login(house.api, "ada")
    assert problem_of(response) == (429, "rate_limited")
    assert int(response.headers["retry-after"]) >= 1
    async with house.client_from("192.0.2.7") as elsewhere:
        assert (await login(elsewhere, "ada")).status_code == 200


async def test_who_knows_the_password_may_sign_in_as_often_as_they_like(house: House) -> None:
    await register(house.api, "ada")
    for _ in range(house.login_attempts + 2):
        assert (await login(house.api, "ada")).status_code == 200


async def test_closed_registration_is_forbidden(house: House) -> None:
    async with house.client_with(registration_open=False) as api:
        assert problem_of(await register(api, "ada")) == (403, "registration_closed")


async def test_a_full_hashing_queue_is_unavailable_and_says_when(house: House) -> None:
    async with house.client_with(hashing_queue_full=True) as api:
        response = await register(api, "ada")
        assert problem_of(response) == (503, "unavailable")
        assert int(response.headers["retry-after"]) >= 1
        for _ in range(house.login_attempts + 2):
            assert problem_of(await login(api, "ada")) == (503, "unavailable"), "no try is counted"


async def test_signing_out_ends_this_token_only(house: House) -> None:
    first = (await register(house.api, "ada")).json()["token"]
    second = (await login(house.api, "ada")).json()["token"]
    response = await house.api.post("/v1/logout", headers=bearer(first))
    assert (response.status_code, response.content) == (204, b"")
    assert problem_of(await house.api.get("/v1/rooms", headers=bearer(first))) == (401, "bad_token")
    assert problem_of(await house.api.post("/v1/logout", headers=bearer(first))) == (401, "bad_token")
    assert (await house.api.get("/v1/rooms", headers=bearer(second))).status_code == 200


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic YWRhOmFkYQ==", "Bearer wrong", "Bearer \xfc"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/rooms"), ("POST", "/v1/logout")])
async def test_without_a_good_token_there_is_nothing(house: House, method: str, path: str, value: str) -> None:
    response = await house.api.request(method, path, headers={"Authorization": value.encode("latin-1")})
    assert problem_of(response) == (401, "bad_token")
    assert response.headers["www-authenticate"] == "Bearer"
