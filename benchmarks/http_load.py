"""A closed-loop HTTP client on bare sockets, fast enough not to be what is measured.

Runs as a process of its own: `python http_load.py HOST PORT CLIENTS SECONDS < request`; prints latencies in ms as JSON.
"""

import json
import selectors
import socket
import sys
import time

CHUNK = 1 << 20


def main() -> None:
    """Send the request on standard input over and over."""
    host, port, clients, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    request = sys.stdin.buffer.read()
    latencies, failed = run(host, port, request, clients, seconds)
    json.dump({"latencies_ms": latencies, "failed": failed, "seconds": seconds}, sys.stdout)


def run(host: str, port: int, request: bytes, clients: int, seconds: float) -> tuple[list[float], int]:
    """Return the latency of every answered request, in ms, and how many answers were no 200."""
    selector = selectors.DefaultSelector()
    latencies: list[float] = []
    failed = 0
    for _ in range(clients):
        connection = socket.create_connection((host, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, [bytearray(), time.perf_counter()])
        connection.sendall(request)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for key, _ in selector.select(1):
            buffer, started = key.data
            buffer += key.fileobj.recv(CHUNK)  # type: ignore[union-attr]
            if not _complete(buffer):
                continue
            latencies.append((time.perf_counter() - started) * 1e3)
            failed += not buffer.startswith(b"HTTP/1.1 200")
            buffer.clear()
            key.data[1] = time.perf_counter()
            key.fileobj.sendall(request)  # type: ignore[union-attr]
    return latencies, failed


def _complete(buffer: bytearray) -> bool:
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return False
    headers = bytes(buffer[:head]).lower()
    at = headers.find(b"content-length:")
    if at < 0:
        return buffer.endswith(b"0\r\n\r\n")
    return len(buffer) >= head + 4 + int(headers[at + 15 :].split(b"\r\n", 1)[0])


if __name__ == "__main__":
    main()
