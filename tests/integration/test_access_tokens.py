import base64
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from tabserve.adapters.access_tokens import EARLY_S, AccessTokens
from tabserve.adapters.prediction_api import PredictionApi
from tabserve.bootstrap.common import access_tokens
from tabserve.errors import AccessTokenError, PredictionServiceError, SettingsError, UnavailableError
from tabserve.settings import Settings

CLIENT, SECRET, SCOPE = "the client", "s3cr3t:/+", "tabserve/api"
HOUR = 3600
PREDICTED = json.dumps({"predictions": [{"index": 0}]}).encode()


@dataclass
class Gateway:
    """A token endpoint at /oauth2/token and behind /predict an API that lets in the newest token only."""

    lifetime: object = HOUR
    answer: tuple[int, bytes, dict[str, str]] | None = None  # of the token endpoint instead of a token
    closed: bool = False  # the API refuses every token
    url: str = ""
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)
    calls: list[str | None] = field(default_factory=list)

    @property
    def newest(self) -> str:
        return f"token-{len(self.asked)}"

    def reply(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, dict[str, str]]:
        if path == "/oauth2/token":
            self.asked.append((headers["authorization"], parse_qs(body.decode())))
            token = {"access_token": self.newest, "token_type": "Bearer", "expires_in": self.lifetime}
            return self.answer or (200, json.dumps(token).encode(), {})
        self.calls.append(headers.get("authorization"))
        if self.closed or self.calls[-1] != f"Bearer {self.newest}":
            return 401, b'{"message": "Unauthorized"}', {}
        return 200, PREDICTED, {}


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    state = Gateway()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, content, extra = state.reply(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(gateway: Gateway, clock: Clock) -> AccessTokens:
    return AccessTokens(f"{gateway.url}/oauth2/token", CLIENT, SECRET, SCOPE, clock)


@pytest.fixture
def api(gateway: Gateway, tokens: AccessTokens) -> Iterator[PredictionApi]:
    api = PredictionApi(f"{gateway.url}/predict", "key", tokens, sleep=lambda _: None)
    yield api
    api.close()


def ask(api: PredictionApi) -> int:
    return api.predict("any", "scheduled", [{}], "f1", [1])


def test_asks_by_client_credentials_for_the_scope(gateway: Gateway, tokens: AccessTokens) -> None:
    assert tokens.authorization() == "Bearer token-1"

    ((credentials, form),) = gateway.asked
    kind, _, pair = credentials.partition(" ")
    assert (kind, base64.b64decode(pair).decode()) == ("Basic", "the+client:s3cr3t%3A%2F%2B")
    assert form == {"grant_type": ["client_credentials"], "scope": [SCOPE]}


def test_a_token_is_kept_until_shortly_before_it_expires(gateway: Gateway, tokens: AccessTokens, clock: Clock) -> None:
    tokens.authorization()
    clock.now += HOUR - EARLY_S - 1
    assert tokens.authorization() == "Bearer token-1"
    clock.now += 1
    assert tokens.authorization() == "Bearer token-2"
    assert len(gateway.asked) == 2


@pytest.mark.parametrize(("lifetime", "kept"), [(40, 20), ("40", 20), (0, 0)])
def test_a_short_token_is_kept_for_half_its_life(
    gateway: Gateway, tokens: AccessTokens, clock: Clock, lifetime: object, kept: float
) -> None:
    gateway.lifetime = lifetime
    tokens.authorization()
    if kept:
        clock.now += kept - 0.1
        assert tokens.authorization() == "Bearer token-1"
    clock.now += 0.1
    assert tokens.authorization() == "Bearer token-2"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, b'{"error": "invalid_client"}', {}), r"'the client' \(401 invalid_client\): check TOKEN_CLIENT_ID"),
        ((400, b'{"error": "invalid_scope"}', {}), r"\(400 invalid_scope\): check .* TOKEN_SCOPE"),
        ((403, b"<html>", {}), r"\(403\): check"),
        ((503, b"", {}), r"\(503\): try again later"),
        ((302, b"", {"location": "/predict"}), r"\(302\)"),
        ((200, b"<html>", {}), "without an access_token"),
        ((200, b"[]", {}), "without an access_token"),
        ((200, b'{"token_type": "Bearer"}', {}), "without an access_token"),
        ((200, b'{"access_token": "t", "expires_in": "soon"}', {}), "without an access_token"),
    ],
)
def test_no_token_is_one_sentence_without_a_secret(
    gateway: Gateway,
    tokens: AccessTokens,
    caplog: pytest.LogCaptureFixture,
    answer: tuple[int, bytes, dict[str, str]],
    said: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway.answer = answer
    with pytest.raises(AccessTokenError, match=said) as caught:
        tokens.authorization()
    assert f"{gateway.url}/oauth2/token" in str(caught.value)
    told = f"{caught.getrepr()}{caplog.text}{tokens!r}"
    for secret in ("s3cr3t", gateway.asked[0][0]):
        assert secret not in told
    assert gateway.calls == []  # a redirect is not followed


def test_nobody_at_the_token_endpoint_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:9/ does not answer"):
        AccessTokens("http://127.0.0.1:9/", CLIENT, SECRET, SCOPE).authorization()


def test_calls_of_the_api_carry_the_token_beside_the_key(gateway: Gateway, api: PredictionApi) -> None:
    assert [ask(api), ask(api)] == [1, 1]
    assert gateway.calls == ["Bearer token-1"] * 2


def test_a_token_that_was_revoked_is_replaced_at_once(
    gateway: Gateway, api: PredictionApi, tokens: AccessTokens
) -> None:
    ask(api)
    gateway.asked.append(gateway.asked[0])  # somebody else got a newer one
    assert ask(api) == 1
    assert gateway.calls == ["Bearer token-1", "Bearer token-1", "Bearer token-3"]


def test_a_gateway_that_refuses_every_token_is_no_fault_of_the_rows(gateway: Gateway, api: PredictionApi) -> None:
    gateway.closed = True
    with pytest.raises(PredictionServiceError, match="TOKEN_SCOPE"):
        ask(api)
    assert len(gateway.calls) == 2


def test_an_unexpected_wish_for_a_token_names_the_setting(gateway: Gateway) -> None:
    api = PredictionApi(f"{gateway.url}/predict", "key", sleep=lambda _: None)
    with pytest.raises(PredictionServiceError, match="TOKEN_URL"):
        ask(api)
    assert gateway.calls == [None]
    api.close()


def test_settings_make_a_client_only_when_they_are_complete(gateway: Gateway) -> None:
    assert access_tokens(Settings()) is None
    url = f"{gateway.url}/oauth2/token"
    given = {"token_url": url, "token_client_id": CLIENT, "token_client_secret": SECRET}
    found = access_tokens(Settings.model_validate(given))
    assert found is not None
    assert found.authorization() == "Bearer token-1"
    with pytest.raises(SettingsError, match="TOKEN_CLIENT_SECRET"):
        access_tokens(Settings.model_validate(given | {"token_client_secret": ""}))
