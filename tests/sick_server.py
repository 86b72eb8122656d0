"""A server that takes connections and answers with whatever bytes it is told to, or never."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def sick_server(answer: bytes | None) -> Iterator[str]:
    """Yield the URL of a server that answers every request with these bytes; with None it takes them and hangs."""
    taken: list[socket.socket] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):  # the listening socket is closed in the end
            while True:
                connection, _ = server.accept()
                taken.append(connection)
                if answer is not None:
                    with suppress(OSError):
                        connection.recv(65_536)
                        connection.sendall(answer)
                    connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"
    server.shutdown(socket.SHUT_RDWR)
    thread.join()
    for each in (server, *taken):
        each.close()
