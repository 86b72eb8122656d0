"""Where the gateway asks for a token, the page gets one by itself and the key stays on every call."""

import base64
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs

import httpx
import pytest

from ui.api import Api
from ui.errors import ApiAwayError, WrongKeyError
from ui.settings import Settings, read_settings
from ui.tokens import EARLY_S, AccessToken

TOKEN_URL = "https://pool.test/oauth2/token"
SETTINGS = Settings("http://api.test/v1", "the-key", "", "", TOKEN_URL, "page", "only-it-knows", "tabserve/api")


@dataclass
class Gateway:
    """A token endpoint, and an API that lets in the newest token."""

    status: int = 200  # of the token endpoint
    closed: bool = False
    asked: list[httpx.Request] = field(default_factory=list)
    calls: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if str(request.url) == TOKEN_URL:
            self.asked.append(request)
            return httpx.Response(self.status, json={"access_token": f"t{len(self.asked)}", "expires_in": 3600})
        self.calls.append(request)
        welcome = request.headers["authorization"] == f"Bearer t{len(self.asked)}" and not self.closed
        return httpx.Response(200 if welcome else 401, json={})


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def test_calls_carry_a_kept_token_beside_the_key(gateway: Gateway) -> None:
    api = Api(SETTINGS, httpx.MockTransport(gateway))
    api.health()
    api.use_cases()

    (asked,) = gateway.asked
    assert base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")) == b"page:only-it-knows"
    assert parse_qs(asked.content.decode()) == {"grant_type": ["client_credentials"], "scope": ["tabserve/api"]}
    assert "x-api-key" not in asked.headers
    for call in gateway.calls:
        assert (call.headers["authorization"], call.headers["x-api-key"]) == ("Bearer t1", "the-key")


def test_a_refused_token_is_replaced_once(gateway: Gateway) -> None:
    api = Api(SETTINGS, httpx.MockTransport(gateway))
    api.health()
    gateway.asked.append(gateway.asked[0])  # the first token was revoked
    assert api.health() == {}

    gateway.closed = True
    with pytest.raises(WrongKeyError, match="access token") as caught:
        api.health()
    assert "TOKEN_SCOPE" in caught.value.advice
    assert len(gateway.calls) == 5


def test_a_token_is_renewed_shortly_before_it_expires(gateway: Gateway) -> None:
    now = [0.0]
    auth = AccessToken(SETTINGS, lambda: now[0])
    with httpx.Client(auth=auth, transport=httpx.MockTransport(gateway)) as client:
        for now[0] in (0, 3600 - EARLY_S - 1, 3600 - EARLY_S):
            client.get("http://api.test/v1")
    assert [call.headers["authorization"] for call in gateway.calls] == ["Bearer t1", "Bearer t1", "Bearer t2"]


@pytest.mark.parametrize("status", [400, 401, 503])
def test_no_token_says_what_to_set_and_keeps_the_secret(gateway: Gateway, status: int) -> None:
    gateway.status = status
    with pytest.raises(WrongKeyError, match=str(status)) as caught:
        Api(SETTINGS, httpx.MockTransport(gateway)).health()
    assert "TOKEN_CLIENT_SECRET" in caught.value.advice
    assert "only-it-knows" not in f"{caught.value}{caught.value.advice}"


def test_nobody_at_the_token_endpoint_is_named() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(ApiAwayError, match=r"pool\.test"):
        Api(SETTINGS, httpx.MockTransport(refuse)).health()


def test_without_the_setting_no_token_is_asked_for(gateway: Gateway) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        gateway.calls.append(request)
        return httpx.Response(200, json={})

    Api(replace(SETTINGS, token_url=""), httpx.MockTransport(answer)).health()
    assert "authorization" not in gateway.calls[0].headers


def test_the_settings_come_from_the_environment() -> None:
    names = ("TOKEN_URL", "TOKEN_CLIENT_ID", "TOKEN_CLIENT_SECRET", "TOKEN_SCOPE")
    settings = read_settings({name: name.lower() for name in names})
    assert [getattr(settings, name.lower()) for name in names] == [name.lower() for name in names]
