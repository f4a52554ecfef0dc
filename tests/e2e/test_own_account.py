"""One's own account while one is connected: devices that are signed out, and a new display name."""

from __future__ import annotations

import json
import secrets
import urllib.request
from io import BytesIO
from zipfile import ZipFile

from tests.harness.people import PASSWORD, call, close_code, register, talk
from tests.harness.server import ServerProcess


def login(server: ServerProcess, name: str) -> str:
    status, answer = call(server.url, "/v1/login", {"name": name, "password": PASSWORD})
    assert status == 200, answer
    token: str = answer["token"]
    return token


def test_a_device_that_is_signed_out_is_closed_and_the_others_are_not(server: ServerProcess) -> None:
    name = f"ada{secrets.token_hex(4)}"
    _, laptop = register(server.url, name)
    phone = login(server, name)
    with talk(server.websocket_url, laptop) as here, talk(server.websocket_url, phone) as there:
        device = there.welcome["session"]
        assert call(server.url, f"/v1/devices/{device}", token=laptop, method="DELETE")[0] == 204
        assert close_code(there.websocket) == 4500
        assert here.ask("rooms")["op"] == "ok"
        assert call(server.url, "/v1/devices", token=laptop, method="DELETE")[0] == 204
        assert close_code(here.websocket) == 4500


def test_what_is_said_after_a_rename_carries_the_new_name_and_so_does_what_was_said(server: ServerProcess) -> None:
    name = f"ada{secrets.token_hex(4)}"
    _, token = register(server.url, name)
    _, other = register(server.url, f"bob{secrets.token_hex(4)}")
    with talk(server.websocket_url, token) as ada, talk(server.websocket_url, other) as bob:
        made = bob.ask("create_room", kind="group", name="Tea", members=[name], nonce=secrets.token_hex(4))
        ada.expect("joined")
        ada.post(made["room"], "before")
        assert "display_name" not in bob.expect("message")["from"]
        assert call(server.url, "/v1/me", {"display_name": "Ada L."}, token=token, method="PATCH")[0] == 200
        ada.post(made["room"], "after")
        assert bob.expect("message")["from"]["display_name"] == "Ada L."
        history = bob.ask("history", room=made["room"], limit=10)["messages"]
        assert [message["from"]["display_name"] for message in history] == ["Ada L.", "Ada L."]
    with talk(server.websocket_url, token) as again:
        assert again.welcome["me"]["display_name"] == "Ada L."


def test_an_export_comes_in_parts_over_the_wire_and_is_whole(server: ServerProcess) -> None:
    name = f"ada{secrets.token_hex(4)}"
    _, token = register(server.url, name)
    texts = [secrets.token_hex(1_900) for _ in range(120)]  # half a megabyte that compresses little
    with talk(server.websocket_url, token) as ada:
        made = ada.ask("create_room", kind="group", name="Notes", nonce=secrets.token_hex(8))
        for text in texts:
            ada.post(made["room"], text)
    headers = {"Authorization": f"Bearer {token}"}
    asked = urllib.request.Request(f"{server.url}/v1/export", method="POST", headers=headers)
    with urllib.request.urlopen(asked, timeout=30) as response:
        assert response.headers["transfer-encoding"] == "chunked"
        assert response.headers["content-type"] == "application/zip"
        archive = ZipFile(BytesIO(response.read()))
    assert archive.testzip() is None
    said = json.loads(archive.read(f"messages/{made['room']}.json"))
    assert sorted(message["text"] for message in said) == sorted(texts)
