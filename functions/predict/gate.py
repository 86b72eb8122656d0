"""What every request passes before a route sees it: key, body limit; and what every answer carries."""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.predict.problems import problem

MAX_BODY_BYTES = 4_500_000
OPEN_PATHS = frozenset({"/health", "/docs", "/openapi.json"})
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),
)
TOO_LARGE = (
    f"The body is larger than {MAX_BODY_BYTES} bytes. Put larger sets as a CSV into the raw bucket: "
    "they are predicted within minutes."
)


class Gate:
    """Refuse requests without the key or with too large a body, before parsing any of it.

    The scheduled function invokes this one without the gateway and needs no key.
    """

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._api_key = api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with_security_headers(send)
        headers = dict(scope["headers"])
        if not (invoked_by_scheduler(scope) or self._may_pass(scope["path"], headers.get(b"x-api-key", b""))):
            detail = "The header x-api-key is missing or wrong."
            await problem(403, "forbidden", detail)(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            await problem(413, "body-too-large", TOO_LARGE)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _may_pass(self, path: str, key: bytes) -> bool:
        return path in OPEN_PATHS or hmac.compare_digest(key, self._api_key)


def invoked_by_scheduler(scope: MutableMapping[str, Any]) -> bool:
    """Tell whether the scheduled function sent the request; whoever goes through the gateway cannot say so (ADR 14)."""
    return bool(scope.get("aws.event", {}).get("invoked_by") == "scheduler")


async def _body(receive: Receive) -> bytes | None:
    """Collect the body; return None as soon as it is known to be too large."""
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return None
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _with_security_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
        await send(message)

    return send_with_headers
