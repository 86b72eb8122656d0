"""OAuth 2 access tokens by client credentials, for an API whose gateway asks for one beside the key."""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from urllib.parse import quote_plus, urlencode

from tabserve.errors import AccessTokenError

TIMEOUT_S = 10.0
EARLY_S = 60.0  # a token this close to its end might end on its way


class AccessTokens:
    """Asks the token endpoint for one token and hands it out until shortly before it expires."""

    def __init__(
        self, url: str, client_id: str, client_secret: str, scope: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._client_id = client_id
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()
        self._headers = {
            "Authorization": f"Basic {base64.b64encode(pair).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._form = urlencode({"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})).encode()
        self._clock = clock
        self._opener = _opener()
        self._token = ""
        self._until = 0.0  # of the clock

    def authorization(self) -> str:
        """Return the value of the header `Authorization`; raise AccessTokenError."""
        if not self._token or self._clock() >= self._until:
            asked = self._clock()
            self._token, lifetime = self._ask()
            self._until = asked + max(lifetime - EARLY_S, lifetime / 2)
        return f"Bearer {self._token}"

    def forget(self) -> None:
        """Ask for another token the next time: somebody refused this one."""
        self._token = ""

    def _ask(self) -> tuple[str, float]:
        """Return a token and its lifetime in seconds; raise AccessTokenError, which never quotes either secret."""
        request = urllib.request.Request(self._url, data=self._form, headers=self._headers, method="POST")  # noqa: S310
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                content = json.load(answer)
            return str(content["access_token"]), float(content.get("expires_in", 0))
        except urllib.error.HTTPError as error:
            raise AccessTokenError(self._refusal(error)) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise AccessTokenError(f"The token endpoint {self._url} does not answer: {reason}.") from error
        except (ValueError, KeyError, TypeError, AttributeError):
            raise AccessTokenError(f"The token endpoint {self._url} answered without an access_token.") from None

    def _refusal(self, error: urllib.error.HTTPError) -> str:
        with error:
            try:
                reason = f" {json.load(error)['error']}"
            except (OSError, HTTPException, ValueError, KeyError, TypeError):
                reason = ""
        settings = "check TOKEN_CLIENT_ID, TOKEN_CLIENT_SECRET and TOKEN_SCOPE"
        advice = settings if 400 <= error.code < 500 else "try again later"
        return f"The token endpoint {self._url} refused client {self._client_id!r} ({error.code}{reason}): {advice}."


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener that follows no redirect: it would carry the secret to whatever address one names."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.HTTPDefaultErrorHandler,
    ):
        opener.add_handler(handler())
    return opener
