"""The prediction API as the page uses it; every failure is a UiError that says what to do."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from ui.errors import ADVICE, MovedError, RefusedError, TooLargeError, UiError
from ui.settings import PageSettings

TIMEOUT = httpx.Timeout(35.0, connect=5.0)
SOON = 3.0  # seconds; whoever asks whether it answers does not wait for a slow answer
Json = dict[str, Any]
NOT_SET_UP = "The page does not know where the API is."
NO_FILE_STORE = "The file store does not answer."
TRY_AGAIN = "Try again in a moment; `make status` tells more."
SET_UP = "Start the system with `make up`, or set API_URL and API_KEY, then reload this page."


class ApiClient:
    """One client for all visitors; it holds the key so that the browser never does."""

    def __init__(self, settings: PageSettings, transport: httpx.BaseTransport | None = None) -> None:
        self.url = settings.api_url
        self._client = httpx.Client(
            base_url=settings.api_url,
            headers={"x-api-key": settings.api_key},
            timeout=TIMEOUT,
            transport=transport,
        )
        self._plain = httpx.Client(timeout=TIMEOUT, transport=transport)  # for signed links, which carry no key

    def health(self) -> Json:
        """Return what the API can reach."""
        return self._call("GET", "/health", timeout=SOON)

    def use_cases(self) -> Json:
        """List name, title, description and task of every use case, and which one is the default."""
        return self._call("GET", "/use-cases")

    def use_case(self, name: str) -> Json:
        """Return the definition a form is drawn from."""
        return self._call("GET", f"/use-cases/{quote(name)}")

    def model(self, use_case: str) -> Json:
        """Return the model versions of a use case and which one answers."""
        return self._call("GET", "/model", params={"use_case": use_case})

    def reload_model(self, use_case: str) -> Json:
        """Make the API read the model registry now."""
        return self._call("POST", "/reload-model", params={"use_case": use_case})

    def release(self, use_case: str) -> Json:
        """Return which version is champion, which one is on trial, and the last moves."""
        return self._call("GET", f"/use-cases/{quote(use_case)}/release")

    def move(self, use_case: str, body: Mapping[str, Any]) -> Json:
        """Promote, roll back, retire, start or stop a trial; raise MovedError when somebody else was first."""
        return self._call("POST", f"/use-cases/{quote(use_case)}/release", json=dict(body))

    def card(self, use_case: str, version: str) -> str:
        """Return a version's model card, an HTML document."""
        return self._answer("GET", f"/models/{quote(version)}/card", params={"use_case": use_case}).text

    def predict(self, use_case: str, records: Sequence[Mapping[str, Any]], key: str = "") -> Json:
        """Predict records, the same ones once a key; raise RefusedError when none of them is valid."""
        body = {"use_case": use_case, "source": "webapp", "records": [*records]}
        return self._call("POST", "/predict", json=body, headers={"idempotency-key": key} if key else {})

    def explain(self, use_case: str, record: Mapping[str, Any]) -> Json:
        """Return what each value of a record adds to its prediction."""
        return self._call("POST", "/explain", json={"use_case": use_case, "record": dict(record)})

    def past_predictions(self, filters: Mapping[str, Any], limit: int, cursor: object = None) -> Json:
        """Read one page of stored predictions; filters that are None are left out."""
        asked = {**filters, "limit": limit, "cursor": cursor}
        return self._call(
            "GET", "/past-predictions", params={name: value for name, value in asked.items() if value is not None}
        )

    def save_outcomes(self, use_case: str, records: Sequence[Mapping[str, Any]]) -> int:
        """Store what really happened, each by `prediction_id` or `entity_id`; return how many were stored."""
        body = {"use_case": use_case, "records": [*records]}
        return int(self._call("POST", "/ground-truth", json=body)["stored"])

    def acknowledge(self, rule: str, subjects: Sequence[str], until: str) -> int:
        """Note that somebody has seen alerts that were there at a time, ISO 8601; return how many were open."""
        asked = {"rule": rule, "subjects": [*subjects], "until": until}
        return int(self._call("POST", "/alerts/acknowledge", json=asked)["acknowledged"])

    def submit_raw_file(self, use_case: str, name: str, body: bytes) -> str:
        """Put a CSV where new files arrive; return its key."""
        answer = self._call("POST", "/raw-files", json={"use_case": use_case, "name": name, "size": len(body)})
        self._follow("PUT", answer["upload_url"], body, {"content-type": "text/csv"})
        return str(answer["key"])

    def report(self, file_id: str) -> tuple[str, str]:
        """Return the HTML report on a file and a link to it that works for some minutes."""
        link = str(self._call("GET", f"/reports/{quote(file_id)}")["url"])
        return self._follow("GET", link).text, link

    def raw_file_start(self, file_id: str) -> bytes:
        """Return the first bytes of a raw file, its header among them."""
        link = str(self._call("GET", f"/raw-files/{quote(file_id)}")["url"])
        return self._follow("GET", link, headers={"range": "bytes=0-65535"}).content

    def bad_rows_link(self, file_id: str) -> str:
        """Return a link to all bad rows of a file that works for some minutes."""
        return str(self._call("GET", f"/bad-rows/{quote(file_id)}")["url"])

    def bad_rows(self, file_id: str) -> Iterator[bytes]:
        """Yield the bad object of a file piece by piece."""
        try:
            with self._plain.stream("GET", self.bad_rows_link(file_id)) as answer:
                answer.raise_for_status()
                yield from answer.iter_bytes()
        except httpx.HTTPError as error:
            raise UiError(NO_FILE_STORE, TRY_AGAIN) from error

    def _call(self, method: str, path: str, **options: Any) -> Json:  # noqa: ANN401
        return dict(self._answer(method, path, **options).json())

    def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
        if not self.url:
            raise UiError(NOT_SET_UP, SET_UP, "api")
        try:
            answer = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            asked = str(error.request.url)
            raise _unavailable(self.url if asked.startswith(self.url) else asked, error) from error
        if answer.is_success:
            return answer
        raise _problem(answer)

    def _follow(
        self, method: str, link: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        try:
            answer = self._plain.request(method, link, content=body, headers=headers)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise UiError(NO_FILE_STORE, TRY_AGAIN) from error
        return answer


def _unavailable(url: str, error: httpx.HTTPError) -> UiError:
    if isinstance(error, httpx.TimeoutException):
        advice = "It may be starting; this page comes back by itself with it."
        return UiError("The API did not answer in time.", advice, "api")
    return UiError(f"Nothing answers at {url}.", ADVICE, "api")


def _problem(answer: httpx.Response) -> UiError:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    detail = str(body.get("detail") or body.get("message") or answer.reason_phrase)
    if answer.status_code == 403:
        return UiError(
            "The API refuses this page's key.",
            "Set API_KEY to the key that `make up` printed (it is in .local/stack.env) and restart the page.",
            "api",
        )
    if answer.status_code == 404:
        return UiError(detail, "It may have been removed; reload the page.")
    if answer.status_code == 409:
        return MovedError(detail)
    if answer.status_code == 429:
        return UiError("Too many requests at once.", "Wait some seconds, then try again.")
    if answer.status_code >= 500:
        return UiError(f"The API answers with an error: {detail}", "Try again shortly; `make status` tells more.")
    refused = TooLargeError if answer.status_code == 413 else RefusedError
    return refused(detail, body.get("errors", ()))
