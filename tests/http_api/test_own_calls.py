"""One's own account over HTTP: devices, the password, the display name."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio

from tests.http_api.conftest import PASSWORD, House, bearer, problem_of

ANOTHER = "staple battery horse"


async def sign_up(house: House, name: str, device: str | None = None) -> dict[str, str]:
    answer = await house.api.post("/v1/register", json={"name": name, "password": PASSWORD, "device": device})
    return bearer(answer.json()["token"])


async def sign_in(house: House, name: str, device: str | None = None, password: str = PASSWORD) -> dict[str, str]:
    answer = await house.api.post("/v1/login", json={"name": name, "password": password, "device": device})
    assert answer.status_code == 200, answer.text
    return bearer(answer.json()["token"])


async def is_in(house: House, device: dict[str, str]) -> bool:
    return (await house.api.get("/v1/me", headers=device)).status_code == 200


async def devices(house: House, device: dict[str, str]) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await house.api.get("/v1/devices", headers=device)).json()["devices"]
    return listed


async def test_devices_are_listed_with_the_one_that_asks(house: House) -> None:
    laptop = await sign_up(house, "ada", "laptop")
    await sign_in(house, "ada", "phone")
    await sign_up(house, "bob", "bob's")
    listed = await devices(house, laptop)
    assert {(one["name"], one["current"]) for one in listed} == {("laptop", True), ("phone", False)}
    assert all(one["device"].startswith("s_") and one["created_at"] <= one["last_used"] for one in listed)


async def test_a_device_without_a_name_has_none(house: House) -> None:
    ada = await sign_up(house, "ada")
    assert "name" not in (await devices(house, ada))[0]


async def test_one_device_is_signed_out_once_and_for_all(house: House) -> None:
    laptop, phone = await sign_up(house, "ada", "laptop"), await sign_in(house, "ada", "phone")
    lost = next(one["device"] for one in await devices(house, laptop) if not one["current"])
    for _ in range(2):
        answer = await house.api.delete(f"/v1/devices/{lost}", headers=laptop)
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await is_in(house, laptop), await is_in(house, phone)) == (True, False)
    assert [one["name"] for one in await devices(house, laptop)] == ["laptop"]


async def test_what_is_no_device_of_mine_is_not_found_and_goes_on(house: House) -> None:
    ada, bob = await sign_up(house, "ada"), await sign_up(house, "bob")
    of_bob = (await devices(house, bob))[0]["device"]
    answers = [await house.api.delete(f"/v1/devices/{one}", headers=ada) for one in (of_bob, "s_nothing", "%00")]
    assert [problem_of(answer)[0] for answer in answers[:2]] == [404, 404]
    assert answers[0].content == answers[1].content
    assert answers[2].status_code in {400, 404}
    assert await is_in(house, bob)


@pytest.mark.parametrize(("query", "stays"), [("", False), ("?keep_this=true", True)])
async def test_signing_out_everywhere(house: House, query: str, stays: bool) -> None:
    laptop, phone, bob = await sign_up(house, "ada"), await sign_in(house, "ada"), await sign_up(house, "bob")
    assert (await house.api.delete(f"/v1/devices{query}", headers=laptop)).status_code == 204
    assert [await is_in(house, one) for one in (laptop, phone, bob)] == [stays, False, True]


async def change(house: House, device: dict[str, str], present: str, new: str, **more: bool) -> httpx.Response:
    body = {"password": present, "new_password": new, **more}
    return await house.api.post("/v1/password", json=body, headers=device)


@pytest.mark.parametrize("keep", [False, True])
async def test_a_new_password_signs_the_others_out_unless_they_are_kept(house: House, keep: bool) -> None:
    laptop, phone = await sign_up(house, "ada"), await sign_in(house, "ada")
    assert (await change(house, laptop, PASSWORD, ANOTHER, keep_devices=keep)).status_code == 204
    assert (await is_in(house, laptop), await is_in(house, phone)) == (True, keep)
    old = await house.api.post("/v1/login", json={"name": "ada", "password": PASSWORD})
    assert problem_of(old) == (401, "bad_credentials")
    await sign_in(house, "ada", password=ANOTHER)


async def test_a_wrong_present_password_changes_nothing_and_counts_as_a_try(house: House) -> None:
    ada = await sign_up(house, "ada")
    for _ in range(house.login_attempts):
        assert problem_of(await change(house, ada, "wrong password", ANOTHER)) == (401, "bad_credentials")
    answer = await change(house, ada, PASSWORD, ANOTHER)
    assert problem_of(answer) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) >= 1
    assert await is_in(house, ada)
    async with house.client_from("192.0.2.7") as elsewhere:
        assert (await elsewhere.post("/v1/login", json={"name": "ada", "password": PASSWORD})).status_code == 200


async def test_a_bad_new_password_is_said_so_and_no_try(house: House) -> None:
    ada = await sign_up(house, "ada")
    for new in ("short", "x" * 1_025) * house.login_attempts:
        assert problem_of(await change(house, ada, PASSWORD, new)) == (400, "bad_request")
    assert (await change(house, ada, PASSWORD, ANOTHER)).status_code == 204


async def test_of_two_changes_with_the_same_present_password_one_is_done(house: House) -> None:
    ada, answers = await sign_up(house, "ada"), []

    async def one(new: str) -> None:
        answers.append((await change(house, ada, PASSWORD, new)).status_code)

    async with trio.open_nursery() as nursery:
        for number in range(2):
            nursery.start_soon(one, f"{ANOTHER} {number}")
    assert sorted(answers) == [204, 401]


async def test_a_display_name_is_seen_by_everybody_who_looks(house: House) -> None:
    ada = await sign_up(house, "ada")
    answer = await house.api.patch("/v1/me", json={"display_name": "Ada L."}, headers=ada)
    assert answer.status_code == 200
    assert answer.json() == (await house.api.get("/v1/me", headers=ada)).json()
    assert answer.json()["display_name"] == "Ada L."
    answer = await house.api.patch("/v1/me", json={"display_name": None}, headers=ada)
    assert "display_name" not in answer.json()


async def test_a_bad_display_name_changes_nothing(house: House) -> None:
    ada = await sign_up(house, "ada")
    for body in (*({"display_name": name} for name in ("", " ", "a\u202eb", "a\nb", "x" * 65, 7)), {}):
        answer = await house.api.patch("/v1/me", json=body, headers=ada)
        assert problem_of(answer) == (400, "bad_request"), body
    assert "display_name" not in (await house.api.get("/v1/me", headers=ada)).json()


async def test_without_a_good_token_there_is_no_account(house: House) -> None:
    for method, path in (
        ("GET", "/v1/me"),
        ("PATCH", "/v1/me"),
        ("POST", "/v1/me/delete"),
        ("POST", "/v1/password"),
        ("GET", "/v1/devices"),
        ("DELETE", "/v1/devices"),
        ("DELETE", "/v1/devices/s_1"),
    ):
        answer = await house.api.request(method, path, headers=bearer("nobody's"))
        assert problem_of(answer) == (401, "bad_token"), path
