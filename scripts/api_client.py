"""The running stack's API as other commands call it."""

from collections.abc import Mapping

import httpx

TIMEOUT = 30


def api_client(known: Mapping[str, str]) -> httpx.Client:
    """Return a client that gets in with the key."""
    return httpx.Client(base_url=known["API_URL"], headers={"x-api-key": known["API_KEY"]}, timeout=TIMEOUT)
