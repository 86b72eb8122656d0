"""How benchmarks measure: times, their medians, and the lines of a table that is kept."""

import json
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Better = Literal["smaller", "larger"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value beside its peer's from the same run, and the limit of their ratio, or of the value without a peer."""

    name: str
    value: float
    unit: str
    limit: float
    peer: str = ""
    peer_value: float | None = None
    better: Better = "smaller"

    @property
    def ratio(self) -> float | None:
        """The value over its peer's."""
        return self.value / self.peer_value if self.peer_value else None

    @property
    def ok(self) -> bool:
        """Whether the limit is kept."""
        measured = self.value if self.ratio is None else self.ratio
        return measured <= self.limit if self.better == "smaller" else measured >= self.limit

    def entry(self) -> dict[str, Any]:
        """Return the line as `.local/bench.json` keeps it."""
        kept = {key: value for key, value in asdict(self).items() if key != "better"}
        return kept | {"ratio": self.ratio, "ok": self.ok}


def timed(work: Callable[[], object], calls: int = 1) -> float:
    """Return the milliseconds a call takes, the mean of so many."""
    started = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - started) / calls * 1e3


def medians(rounds: Iterable[Sequence[float]]) -> list[float]:
    """Return the median of each of several things that were measured in turns."""
    return [statistics.median(values) for values in zip(*rounds, strict=True)]


def kept(entries: Sequence[dict[str, Any]], name: str) -> int:
    """Write entries to .local; return the exit code, 1 when one of them misses its limit."""
    target = Path(__file__).resolve().parents[1] / ".local" / name
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    return 0 if all(entry["ok"] for entry in entries) else 1


def table(entries: Iterable[dict[str, Any]]) -> str:
    """Return entries as text, a line each."""
    return "\n".join(map(_line, entries))


def _line(entry: dict[str, Any]) -> str:
    peer = f"{entry['peer']} {entry['peer_value']:.4g}" if entry["peer_value"] is not None else ""
    ratio = f"{entry['ratio']:.3g}x" if entry["ratio"] is not None else ""
    result = "ok" if entry["ok"] else "MISSED"
    value = f"{entry['value']:.4g} {entry['unit']}"
    return f"{entry['name']:<58}{value:>18}  {peer:<34}{ratio:>9}  limit {entry['limit']:<8g}{result}"
