"""A folder as a bucket that can be read over HTTP: enough of S3 for a function to find its champion."""

import contextlib
import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAME = "artifacts"
ABSENT = b"<Error><Code>NoSuchKey</Code></Error>"


@contextlib.contextmanager
def readable_bucket(folder: Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Serve a folder; yield the settings with which a function finds it, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            path = folder / self.path.partition("?")[0].removeprefix(f"/{NAME}/")
            body = path.read_bytes() if path.is_file() else ABSENT
            self.send_response(200 if path.is_file() else 404)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{sha256(body).hexdigest()}"')
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a function that ends hangs up
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        settings = {
            "ARTIFACTS_BUCKET": NAME,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
        }
        yield settings, asked
    finally:
        server.shutdown()
        server.server_close()
