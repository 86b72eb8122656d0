import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tabserve.adapters.prediction_api import TRIES, PredictionApi
from tabserve.domain.prediction import Features
from tabserve.errors import ChunkRefusedError, PredictionServiceError

RECORDS: list[Features] = [{"Sex": "female", "Age": None, "entity_id": "7"}, {"Sex": "male", "Age": 2.5}]


def answer(count: int = 2) -> bytes:
    return json.dumps({"predictions": [{"index": n, "prediction": 1} for n in range(count)]}).encode()


@dataclass
class Server:
    """Gives the prepared answers in turn, the last one again and again; an answer of None hangs up."""

    answers: list[tuple[int, bytes, dict[str, str]] | None] = field(default_factory=lambda: [(200, answer(), {})])
    requests: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    url: str = ""

    def next(self) -> tuple[int, bytes, dict[str, str]] | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.requests.append(({k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
            prepared = state.next()
            if prepared is None:
                self.close_connection = True
                return
            self.send_response(prepared[0])
            for name, value in prepared[2].items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(prepared[1])))
            self.end_headers()
            self.wfile.write(prepared[1])

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{http.server_port}/v1/predict"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def api(server: Server, pauses: list[float]) -> Iterator[PredictionApi]:
    api = PredictionApi(server.url, "secret", sleep=pauses.append)
    yield api
    api.close()


def ask(api: PredictionApi) -> int:
    return api.predict("titanic", "scheduled", RECORDS, "f1", [2, 5])


def test_sends_records_with_their_origin_and_the_key(server: Server, api: PredictionApi) -> None:
    assert ask(api) == 2

    ((headers, body),) = server.requests
    assert headers["x-api-key"] == "secret"
    assert body == {
        "use_case": "titanic",
        "source": "scheduled",
        "records": RECORDS,
        "origin": {"file_id": "f1", "row_numbers": [2, 5]},
    }


@pytest.mark.parametrize("trouble", [(429, b"{}", {}), (503, b"{}", {}), (500, b"", {}), (502, b"", {}), None])
def test_trouble_that_passes_is_waited_for(
    server: Server, api: PredictionApi, pauses: list[float], trouble: tuple[int, bytes, dict[str, str]] | None
) -> None:
    server.answers = [trouble, trouble, (200, answer(), {})]

    assert ask(api) == 2
    assert len(pauses) == 2


@pytest.mark.parametrize("trouble", [(429, b"{}", {}), (503, b"{}", {}), None])
def test_an_api_that_stays_away_is_unavailable(
    server: Server, api: PredictionApi, trouble: tuple[int, bytes, dict[str, str]] | None
) -> None:
    server.answers = [trouble]

    with pytest.raises(PredictionServiceError, match="away"):
        ask(api)
    assert len(server.requests) == TRIES


def test_retry_after_is_obeyed_within_reason(server: Server, api: PredictionApi, pauses: list[float]) -> None:
    server.answers = [(503, b"", {"retry-after": "3600"}), (503, b"", {"retry-after": "soon"}), (200, answer(), {})]

    ask(api)

    assert pauses[0] <= 5
    assert pauses[1] <= 0.2


@pytest.mark.parametrize(
    ("prepared", "reason"),
    [
        ((422, b'{"title": "no valid record"}', {}), "422.*no valid record"),
        ((500, b"broken", {}), "500: broken"),
        ((504, b"", {}), "504"),
        ((200, b"<html>", {}), "something else: <html>"),
        ((200, b"[]", {}), "something else"),
        ((200, b'{"predictions": [{"index": 0, "error": [{"column": "Age"}]}]}', {}), "record 0.*Age"),
    ],
)
def test_an_answer_without_predictions_is_refused_with_its_reason(
    server: Server, api: PredictionApi, prepared: tuple[int, bytes, dict[str, str]], reason: str
) -> None:
    server.answers = [prepared]

    with pytest.raises(ChunkRefusedError, match=reason):
        ask(api)


def test_nobody_listening_is_unavailable(pauses: list[float]) -> None:
    api = PredictionApi("http://127.0.0.1:9/predict", "", sleep=pauses.append)

    with pytest.raises(PredictionServiceError):
        ask(api)
