"""The access token for an API whose gateway asks for one beside the key."""

import time
from collections.abc import Callable, Generator
from urllib.parse import quote_plus

import httpx

from ui.errors import WrongKeyError
from ui.settings import Settings

EARLY_S = 60.0  # a token this close to its end might end on its way
ADVICE = "Set TOKEN_CLIENT_ID, TOKEN_CLIENT_SECRET and TOKEN_SCOPE to what its owner gave you and restart the page."


class AccessToken(httpx.Auth):
    """Puts an OAuth 2 token (client credentials) on every request, renewed before it expires or when refused."""

    requires_response_body = True

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = settings.token_url
        self._pair = httpx.BasicAuth(quote_plus(settings.token_client_id), quote_plus(settings.token_client_secret))
        self._form = {"grant_type": "client_credentials"}
        if settings.token_scope:
            self._form["scope"] = settings.token_scope
        self._clock = clock
        self._token = ""
        self._until = 0.0  # of the clock

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request with a token, and once more with a new one when the first is refused; raise WrongKeyError."""
        if not self._token or self._clock() >= self._until:
            yield from self._renew()
        request.headers["authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            yield from self._renew()
            request.headers["authorization"] = f"Bearer {self._token}"
            yield request

    def _renew(self) -> Generator[httpx.Request, httpx.Response, None]:
        asked = self._clock()
        answer = yield next(self._pair.auth_flow(httpx.Request("POST", self._url, data=self._form)))
        try:
            content = answer.raise_for_status().json()
            self._token, lifetime = str(content["access_token"]), float(content.get("expires_in", 0))
        except (httpx.HTTPStatusError, ValueError, KeyError, TypeError, AttributeError):
            raise WrongKeyError(
                f"{self._url} gives this page no access token ({answer.status_code}).", ADVICE
            ) from None
        self._until = asked + max(lifetime - EARLY_S, lifetime / 2)
