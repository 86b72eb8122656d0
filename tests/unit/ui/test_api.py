"""The page's client: what fails says what to do, and the key goes to the API only."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ui.api import ApiClient
from ui.database import ReaderDatabase
from ui.errors import MovedError, RefusedError, UiError
from ui.settings import PageSettings, read_settings

SETTINGS = PageSettings("http://api.test/v1", "the-key", "", "")


def api(answer: Callable[[httpx.Request], httpx.Response]) -> ApiClient:
    return ApiClient(SETTINGS, httpx.MockTransport(answer))


def answering(status: int, body: Any) -> ApiClient:
    return api(lambda request: httpx.Response(status, json=body))


@pytest.mark.parametrize(
    ("status", "advice"), [(403, "API_KEY"), (404, "reload"), (429, "Wait"), (503, "shortly"), (422, "Correct")]
)
def test_every_failure_says_what_to_do(status: int, advice: str) -> None:
    with pytest.raises(UiError) as caught:
        answering(status, {"detail": "no", "errors": [{"column": "Age"}]}).health()
    assert advice in caught.value.advice


def test_refusals_name_their_columns() -> None:
    with pytest.raises(RefusedError) as caught:
        answering(422, {"detail": "no", "errors": [{"column": "Age", "rule": "r", "message": "m"}]}).use_cases()
    assert caught.value.failures == [{"column": "Age", "rule": "r", "message": "m"}]


def test_nobody_answers() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(UiError, match=r"api\.test") as caught:
        api(refuse).health()
    assert "make up" in caught.value.advice


def test_without_settings_the_way_out_is_named() -> None:
    with pytest.raises(UiError) as caught:
        ApiClient(PageSettings("", "", "", "")).health()
    assert "make up" in caught.value.advice


@pytest.mark.parametrize(("url", "advice"), [("", "READER_DATABASE_URL"), ("postgresql://r@127.0.0.1:9/db", "make up")])
def test_without_the_database_the_way_out_is_named(url: str, advice: str) -> None:
    with pytest.raises(UiError) as caught:
        ReaderDatabase(url).frame("SELECT 1")
    assert advice in caught.value.advice


def test_key_goes_to_the_api_but_not_along_signed_links() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        body = {"key": "u/a.csv", "upload_url": "http://store.test/u/a.csv?signature=s"}
        return httpx.Response(201, json=body) if request.method == "POST" else httpx.Response(200)

    assert api(answer).submit_raw_file("u", "a.csv", b"x\n") == "u/a.csv"
    asked, put = seen
    assert asked.headers["x-api-key"] == "the-key"
    assert "x-api-key" not in put.headers
    assert (put.method, put.content, put.headers["content-type"]) == ("PUT", b"x\n", "text/csv")
    assert not any("the-key" in str(request.url) for request in seen)


def test_filters_without_a_value_are_left_out() -> None:
    seen: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(200, json={"predictions": [], "next_cursor": None})

    api(answer).past_predictions({"use_case": "u", "source": None, "from": "t"}, 50)
    assert dict(seen[0].params) == {"use_case": "u", "from": "t", "limit": "50"}


def test_environment_comes_before_the_stack_file(tmp_path: Any) -> None:
    stack = tmp_path / "stack.env"
    stack.write_text("# written by make up\nAPI_URL=http://file/v1/\nAPI_KEY='from the file'\n")
    settings = read_settings({"API_KEY": "from the environment"}, stack)
    assert settings == PageSettings("http://file/v1", "from the environment", "", "")


def test_who_comes_second_is_told_apart_from_who_is_refused() -> None:
    with pytest.raises(MovedError, match="Ann was first"):
        answering(409, {"detail": "Ann was first"}).move("titanic", {"action": "retire"})


def test_a_card_is_taken_as_it_is() -> None:
    client = api(lambda request: httpx.Response(200, text=f"<h1>{request.url.params['use_case']}</h1>"))
    assert client.card("titanic", "v1") == "<h1>titanic</h1>"
