"""The running stack's API as other commands call it."""

from collections.abc import Mapping

import httpx

from tabserve.adapters.access_tokens import AccessTokens
from tabserve.bootstrap.common import access_tokens
from tabserve.settings import read_settings

TIMEOUT = 30


def api_client(known: Mapping[str, str]) -> httpx.Client:
    """Return a client that gets in with the key, and with an access token where the gateway asks for one."""
    tokens = access_tokens(read_settings())
    auth = None if tokens is None else _Token(tokens)
    return httpx.Client(base_url=known["API_URL"], headers={"x-api-key": known["API_KEY"]}, auth=auth, timeout=TIMEOUT)


class _Token:
    def __init__(self, tokens: AccessTokens) -> None:
        self._tokens = tokens

    def __call__(self, request: httpx.Request) -> httpx.Request:
        """Put the token on a request; raise AccessTokenError."""
        request.headers["authorization"] = self._tokens.authorization()
        return request
