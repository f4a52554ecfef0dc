"""The headers every response carries: what a browser may do with it.

The page needs no inline script or style, no foreign host and no frame, and makes no markup out of text, so the policy
forbids them all: a text that slips through as markup still runs nothing. Answers of the API are never stored by a cache
on the way. The list is that of the OWASP Secure Headers Project, without what only old browsers or plug-ins heed, but
for `X-Frame-Options`, which scanners ask for.
Left out: `Set-Cookie` and all that belongs to it (there are no cookies), and reporting of violations, which would be a
place where anybody can write.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",  # the websocket too: 'self' stands for ws and wss of the same host (CSP 3, 6.7.2.8)
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_UNUSED: Final = (
    "accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
    "microphone", "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "serial", "usb",
    "xr-spatial-tracking",
)  # fmt: skip
_ALWAYS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _UNUSED),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_SECONDS_OF_A_DAY: Final = 86_400


class SecurityHeaders:
    """ASGI middleware that adds them where a response starts.

    Parameters
    ----------
    hsts_days
        How long a browser is told to come by https only, where it came by https; 0: it is not told. Subdomains may be
        anybody's, so they are not meant.
    """

    def __init__(self, app: ASGIApp, hsts_days: int = 0) -> None:
        self._app = app
        self._secure = dict(_ALWAYS)
        if hsts_days:
            self._secure["Strict-Transport-Security"] = f"max-age={hsts_days * _SECONDS_OF_A_DAY}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        always = self._secure if scope.get("scheme") == "https" else _ALWAYS

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(always)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)
