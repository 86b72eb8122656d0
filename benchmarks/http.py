"""HTTP throughput and latency of the API beside `mlflow models serve`, MLServer and BentoML, one worker each.

All serve the same logistic regression; each gets its own request format, for batches the fastest it documents. Runs
are interleaved, so a slow moment of the machine meets all of them.
"""

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from benchmarks.fixtures import binary_use_case, champion_file, postgres
from benchmarks.measurement import Measurement
from local_cloud.config import ROOT
from tabserve.core.features import CategoryFeature
from tabserve.core.use_case import UseCase

TABSERVE = "tabserve"
PEER_NAMES = ("mlflow", "mlserver", "bentoml")
LOADS = ((1, 1), (1, 8), (1000, 1))
# Records a call, clients, and how many times the fastest peer's rate is asked for.
LIMITS = ((1, 8, 8.0), (1000, 1, 1.5))
ROUNDS = 3
SECONDS = 2.0
START_TIMEOUT_S = 90
API_KEY = "only-for-this-benchmark"
LOAD = Path(__file__).with_name("http_load.py")
PEERS = Path(__file__).with_name("peers")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and how to ask it for predictions."""

    name: str
    port: int
    path: str
    bodies: Mapping[int, bytes]

    def request(self, rows: int) -> bytes:
        """Return the bytes of a request for `rows` predictions."""
        body = self.bodies[rows]
        head = f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        return f"{head}x-api-key: {API_KEY}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass(frozen=True, slots=True)
class Figures:
    """What a server did in all rounds."""

    calls_a_second: float
    p50_ms: float
    p99_ms: float


def run() -> list[Measurement]:
    """Measure all servers."""
    with ExitStack() as stack:
        use_case = binary_use_case()
        servers = [stack.enter_context(server) for server in _servers(use_case, stack)]
        figures = {(server.name, rows, clients): [] for server in servers for rows, clients in LOADS}
        for _ in range(ROUNDS):
            for rows, clients in LOADS:
                for server in servers:
                    figures[server.name, rows, clients].append(_load(server, rows, clients))
    merged = {key: _merged(rounds) for key, rounds in figures.items()}
    _print(merged)
    return _measurements(merged)


def _measurements(figures: Mapping[tuple[str, int, int], Figures]) -> list[Measurement]:
    found = []
    for rows, clients, limit in LIMITS:
        calls = {name: figures[name, rows, clients].calls_a_second for name in (*PEER_NAMES, TABSERVE)}
        peer = max(PEER_NAMES, key=lambda name: calls[name])
        what = f"{rows} record{'s' if rows > 1 else ''} a call, {clients} client{'s' if clients > 1 else ''}"
        name = f"HTTP, {what}, {TABSERVE}"
        found.append(Measurement(name, calls[TABSERVE], "calls/s", limit, peer, calls[peer], "larger"))
    return found


def _servers(use_case: UseCase, stack: ExitStack) -> list[Any]:
    model = str(champion_file(use_case, "model.joblib"))
    url = stack.enter_context(postgres())
    records = _records(use_case)
    own = _bodies(lambda rows: {"use_case": use_case.name, "records": [use_case.example] * rows})
    env = {"DATABASE_URL": url, "API_KEY": API_KEY, "DEFAULT_USE_CASE": use_case.name}
    uvicorn = [f"{sys.prefix}/bin/uvicorn", "--no-access-log", "--port"]
    ports = iter(_free_ports(4))
    peers = [
        ("mlflow", "/invocations", _bodies(lambda rows: {"dataframe_split": _split(records, rows)})),
        ("mlserver", "/v2/models/model/infer", _bodies(lambda rows: _inference(use_case, records, rows))),
        ("bentoml", "/predict", _bodies(lambda rows: {"records": records * rows})),
    ]
    return [
        _started(TABSERVE, next(ports), "/predict", own, [*uvicorn, "{port}", "functions.predict.app:app"], env),
        *(
            _started(name, next(ports), path, bodies, [_python(name), f"{PEERS}/serve_{name}.py", model, "{port}"], {})
            for name, path, bodies in peers
        ),
    ]


@contextmanager
def _started(
    name: str, port: int, path: str, bodies: Mapping[int, bytes], command: Sequence[str], env: Mapping[str, str]
) -> Iterator[Server]:
    line = [part.replace("{port}", str(port)) for part in command]
    server = Server(name, port, path, bodies)
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            line, cwd=ROOT, env={**os.environ, **env}, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_until_it_predicts(server, process, log)
            yield server
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)


def _wait_until_it_predicts(server: Server, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
                connection.sendall(server.request(1))
                if connection.recv(1 << 16).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        time.sleep(0.2)
    log.seek(0)
    raise RuntimeError(f"{server.name} does not predict; its output ends:\n{log.read().decode()[-2000:]}")


def _load(server: Server, rows: int, clients: int) -> dict[str, Any]:
    command = [sys.executable, LOAD, "127.0.0.1", str(server.port), str(clients), str(SECONDS)]
    done = subprocess.run(command, input=server.request(rows), capture_output=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    if result["failed"]:
        raise RuntimeError(f"{server.name} failed {result['failed']} of {len(result['latencies_ms'])} calls")
    return result


def _merged(rounds: Sequence[Mapping[str, Any]]) -> Figures:
    latencies = sorted(latency for each in rounds for latency in each["latencies_ms"])
    rate = statistics.median(len(each["latencies_ms"]) / each["seconds"] for each in rounds)
    return Figures(rate, latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)])


def _print(figures: Mapping[tuple[str, int, int], Figures]) -> None:
    print(f"{'server':<20}{'records':>8}{'clients':>8}{'calls/s':>10}{'p50 ms':>10}{'p99 ms':>10}")
    for (name, rows, clients), each in figures.items():
        print(f"{name:<20}{rows:>8}{clients:>8}{each.calls_a_second:>10.0f}{each.p50_ms:>10.2f}{each.p99_ms:>10.2f}")


def _records(use_case: UseCase) -> list[dict[str, object]]:
    """Return the example as the pipeline takes it: categories as text, numbers as floats."""
    text = [feature.name for feature in use_case.features if isinstance(feature, CategoryFeature)]
    return [{name: str(value) if name in text else float(value) for name, value in use_case.example.items()}]


def _bodies(content: Callable[[int], object]) -> dict[int, bytes]:
    return {rows: json.dumps(content(rows), separators=(",", ":")).encode() for rows in {rows for rows, _ in LOADS}}


def _split(records: list[dict[str, object]], rows: int) -> dict[str, object]:
    (record,) = records
    return {"columns": list(record), "data": [list(record.values())] * rows}


def _inference(use_case: UseCase, records: list[dict[str, object]], rows: int) -> dict[str, object]:
    """Return a V2 inference request: one tensor a column."""
    (record,) = records
    inputs = []
    for feature in use_case.features:
        text = isinstance(feature, CategoryFeature)
        tensor = {"name": feature.name, "shape": [rows, 1], "datatype": "BYTES" if text else "FP64"}
        kind = {"parameters": {"content_type": "str"}} if text else {}
        inputs.append({**tensor, **kind, "data": [record[feature.name]] * rows})
    return {"parameters": {"content_type": "pd"}, "inputs": inputs, "outputs": [{"name": "predict_proba"}]}


def _python(peer: str) -> str:
    return str(ROOT / ".local" / "peers" / peer / "bin" / "python")


def _free_ports(count: int) -> list[int]:
    """Return ports with three free ones each: some servers take two more."""
    found: list[int] = []
    port = 20_000
    while len(found) < count:
        if all(_is_free(port + more) for more in range(3)):
            found.append(port)
        port += 10
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0
