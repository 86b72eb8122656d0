"""A webhook that remembers what it was sent, and that can be away or hang."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Mood = Literal["well", "away", "hanging"]


class Webhook:
    """An HTTP server in a thread of the test; what hangs is let go when the mood changes."""

    def __init__(self) -> None:
        self._mood: Mood = "well"
        self._well = threading.Event()
        self.delivered: list[Any] = []
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if webhook.mood == "hanging":
                    webhook._well.wait()
                    return  # without a word
                taken = webhook.mood == "well"
                if taken:
                    webhook.delivered.append(json.loads(body))
                self.send_response(202 if taken else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/alerts"

    @property
    def mood(self) -> Mood:
        return self._mood

    @mood.setter
    def mood(self, mood: Mood) -> None:
        self._mood = mood
        if mood == "hanging":
            self._well.clear()
        else:
            self._well.set()

    def begin(self) -> None:
        """Be well and remember nothing."""
        self.mood = "well"
        self.delivered = []

    def close(self) -> None:
        """Stop serving."""
        self.mood = "well"
        self._server.shutdown()
        self._server.server_close()
