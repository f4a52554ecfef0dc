"""An application that is made with its first request."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.http_api.late import LateApplication


async def test_it_is_made_once_and_anew_when_it_is_opened_again() -> None:
    made, asked = list[str](), list[str]()

    def making(name: str) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            asked.append(name)

        made.append(name)
        return app

    late = LateApplication()
    late.open(lambda: making("first"))
    assert made == [], "nobody has asked"
    await late({"type": "http"}, _receive, _send)
    await late({"type": "http"}, _receive, _send)
    late.open(lambda: making("second"))
    await late({"type": "http"}, _receive, _send)
    assert made == ["first", "second"]
    assert asked == ["first", "first", "second"]


async def _receive() -> Message:
    return {"type": "http.disconnect"}


async def _send(message: Message) -> None:
    pass
