"""The prediction API over HTTP, as the scheduled function uses it."""

import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from tabserve.domain.prediction import Features, Source
from tabserve.errors import ChunkRefusedError, PredictionServiceError

TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 3.0
TRIES = 4
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
AWAY = {429, 503}
RETRIED = {500, 502, 504} | AWAY
SHOWN = 300


class PredictionApi:
    """Calls `POST /predict`; asking again for rows of a file is harmless, they are stored once."""

    def __init__(
        self,
        url: str,
        api_key: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url
        self._headers = {"content-type": "application/json", "x-api-key": api_key}
        self._sleep = sleep
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=TIMEOUT_S)
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False)

    def predict(
        self,
        use_case: str,
        source: Source,
        records: Sequence[Features],
        file_id: str,
        row_numbers: Sequence[int],
    ) -> int:
        """Have rows of a file predicted and stored; return how many were.

        Raises PredictionServiceError when the API is away, ChunkRefusedError when it cannot answer these rows.
        """
        origin = {"file_id": file_id, "row_numbers": list(row_numbers)}
        content = {"use_case": use_case, "source": source, "records": list(records), "origin": origin}
        status, body = self._post(json.dumps(content, allow_nan=False).encode())
        if status != 200:
            raise ChunkRefusedError(f"the prediction API answered {status}: {_problem(body)}")
        return _stored(body)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _post(self, body: bytes) -> tuple[int, bytes]:
        """Return the last answer; raise PredictionServiceError when there is none, or only that it is away."""
        started = time.monotonic()
        for last_try in (*[False] * (TRIES - 1), True):
            status, answer, wait = self._try(body)
            if status is not None and status not in RETRIED:
                return status, answer
            if last_try or time.monotonic() - started + wait > TIMEOUT_S:
                break
            self._sleep(random.uniform(0, wait))  # noqa: S311  spreads callers, guards no secret
        if status is None or status in AWAY:
            raise PredictionServiceError(f"the prediction API is away: {status or ''} {_problem(answer)}")
        return status, answer

    def _try(self, body: bytes) -> tuple[int | None, bytes, float]:
        try:
            answer = self._pool.request("POST", self._url, body=body, headers=self._headers)
        except HTTPError as error:
            return None, str(error).encode(), FIRST_PAUSE_S
        return answer.status, answer.data, _pause(answer.headers.get("retry-after"))


def _pause(retry_after: str | None) -> float:
    wanted = float(retry_after) if retry_after and retry_after.isdigit() else FIRST_PAUSE_S
    return min(wanted, LONGEST_PAUSE_S)


def _stored(body: bytes) -> int:
    """Count the predictions of an answer; raise ChunkRefusedError for the first record without one."""
    try:
        entries: list[dict[str, Any]] = json.loads(body)["predictions"]
        refused = next((entry for entry in entries if "error" in entry), None)
    except (ValueError, KeyError, TypeError) as error:
        raise ChunkRefusedError(f"the prediction API answered something else: {_problem(body)}") from error
    if refused is not None:
        raise ChunkRefusedError(f"the prediction API refused record {refused['index']}: {refused['error']}"[:SHOWN])
    return len(entries)


def _problem(body: bytes) -> str:
    return body[:SHOWN].decode("utf-8", "replace")
