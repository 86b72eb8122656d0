"""An API that answers for use cases of many columns, without any model."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from functions.predict.routes.models import UseCaseDescription
from tests import wide
from tests.factories import VERSION, release_of

COLUMNS = (200, 1_000)
HOST = "127.0.0.1"


class WideApi:
    """Answers for use cases of many columns; keeps the records it was sent."""

    def __init__(self) -> None:
        self.definitions = {f"wide{count}": self._description(count) for count in COLUMNS}
        self.sent: list[Mapping[str, Any]] = []
        self.explained = 0

    def get(self, path: str, query: str) -> Any:
        name = query.partition("use_case=")[2].partition("&")[0] or path.rpartition("/")[2]
        if path == "/use-cases":
            return {"use_cases": list(self.definitions.values()), "default": "wide200"}
        if path.endswith("/release"):
            return release_of(path.split("/")[2], VERSION)
        if path.startswith("/use-cases/"):
            return self.definitions[name]
        if path == "/model":
            return self._model(name)
        if path == "/past-predictions":
            past = [self._past(name, record) for record in self.sent[-50:] if len(record) == self._width(name)]
            return {"predictions": past, "next_cursor": None}
        return {}

    def post(self, path: str, body: Any) -> Any:
        if path == "/explain":
            self.explained += 1
            names = [feature["name"] for feature in self.definitions[body["use_case"]]["features"]]
            return {
                "use_case": body["use_case"],
                "model_version": VERSION,
                "class": 1,
                "label": "stays",
                "probability": 0.8,
                "typical_probability": 0.5,
                "typical_records": 15,
                "method": "sampled",
                "scale": "probability",
                "effects": [
                    {"feature": name, "value": None, "effect": 0.3 / 2**place} for place, name in enumerate(names)
                ],
            }
        self.sent += body["records"]
        entries = [self._entry(index) for index in range(len(body["records"]))]
        return {"request_id": "r", "use_case": body["use_case"], "model_version": VERSION, "predictions": entries}

    def _width(self, name: str) -> int:
        return len(self.definitions[name]["features"])

    def _description(self, count: int) -> dict[str, Any]:
        described = UseCaseDescription.model_validate(wide.use_case(count), from_attributes=True)
        return described.model_dump(mode="json")

    def _model(self, name: str) -> dict[str, Any]:
        features = self.definitions[name]["features"]
        importance = {
            each["name"]: {"value": place / 1e4, "low": 0, "high": 0.1} for place, each in enumerate(features)
        }
        shown = dict(sorted(importance.items(), key=lambda each: -each[1]["value"])[:50])
        diagnostics = {"roc": [], "calibration": [], "confusion": [], "importance": shown}
        card = {"version": VERSION, "metrics": {}, "diagnostics": diagnostics, "interval": None, "threshold": None}
        typical = {each["name"]: "some" if each["type"] == "category" else 480.5 for each in features}
        return {"champion": card, "challenger": None, "versions": [card], "serving": VERSION, "typical": typical}

    def _entry(self, index: int) -> dict[str, Any]:
        probabilities = {"0": 0.2, "1": 0.8}
        shown = {"prediction": 1, "label": "stays", "probability": 0.8, "probabilities": probabilities}
        return {"index": index, "prediction_id": str(uuid.uuid4()), **shown}

    def _past(self, name: str, record: Mapping[str, Any]) -> dict[str, Any]:
        stored = {"request_id": "r", "use_case": name, "model_version": VERSION, "source": "webapp", "role": "champion"}
        when = {"created_at": datetime.now(UTC).isoformat(), "entity_id": None, "file_id": None, "row_number": None}
        return {**self._entry(0), **stored, **when, "features": record}


def serve(api: WideApi) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            self.answer(api.get(path, query))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(api.post(self.path, body))

        def answer(self, content: object) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return server
