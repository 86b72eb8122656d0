"""A file on its way through the model: sent in pieces, and continued where it was interrupted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ui.errors import RefusedError, TooLargeError, UiError
from ui.records import Upload

MOST_ROWS = 5_000  # of a call; the API takes no more
MOST_BYTES = 3_500_000  # of a call's records; the API takes 4.5 MB
ROW_TOO_LARGE = "this row alone is larger than the API takes; shorten its texts"
OF_JSON = ", written as a JSON number"  # tells those who have a CSV nothing
Json = Mapping[str, Any]


class Predictor(Protocol):
    """What answers records."""

    def predict(self, use_case: str, records: Sequence[Json], key: str = "") -> Json:
        """Predict records; the same key repeats the first answer."""


@dataclass(frozen=True)
class PredictedRow:
    """One row of the file with its prediction, or with why it was refused."""

    row: int
    features: Json
    entry: Json

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Why the row was refused: columns with what is wrong there; nothing when it was predicted."""
        return [(case["column"], case["message"].removesuffix(OF_JSON)) for case in self.entry.get("error", ())]

    @property
    def refused(self) -> str:
        """Why the row was refused, in one text; an empty one when it was predicted."""
        return "; ".join(reason for _, reason in self.reasons)


@dataclass
class FileRun:
    """The records of one chosen file and what became of those that were sent."""

    use_case: str
    file_id: str
    name: str
    upload: Upload
    records: Sequence[Json]
    results: list[PredictedRow] = field(default_factory=list)
    stopped_by: UiError | None = None
    most_rows: int = MOST_ROWS

    @property
    def is_complete(self) -> bool:
        """Whether every row has its answer."""
        return len(self.results) == len(self.records)

    def send_piece(self, predictor: Predictor) -> None:
        """Send the next rows, half as many where those are too large for a call.

        Raises UiError, after which the same rows may be sent again: none is predicted twice.
        """
        start = len(self.results)
        piece = self._piece(start)
        try:
            entries = self._entries(predictor, piece, f"{self.file_id}-{start}-{len(piece)}")
        except TooLargeError:
            if len(piece) > 1:
                self.most_rows = len(piece) // 2
                self.send_piece(predictor)
                return
            entries = [{"index": 0, "error": [{"column": "", "message": ROW_TOO_LARGE}]}]
        self.most_rows = min(MOST_ROWS, 2 * self.most_rows)
        self.results += [PredictedRow(start + entry["index"] + 1, piece[entry["index"]], entry) for entry in entries]

    def _piece(self, start: int) -> Sequence[Json]:
        """Return the rows from a place on that a call can carry, at least one."""
        end, size = start, 0
        while end < min(start + self.most_rows, len(self.records)):
            size += len(json.dumps(self.records[end], ensure_ascii=False, separators=(",", ":")).encode()) + 1
            if size > MOST_BYTES and end > start:
                break
            end += 1
        return self.records[start:end]

    def _entries(self, predictor: Predictor, piece: Sequence[Json], key: str) -> list[Json]:
        """Predict a piece; when every row of it is refused, return their reasons like those of any other piece."""
        try:
            return list(predictor.predict(self.use_case, piece, key)["predictions"])
        except RefusedError as error:
            found: dict[int, list[Json]] = {}
            for failure in error.failures:
                found.setdefault(int(failure.get("index", -1)), []).append(failure)
            if set(found) != set(range(len(piece))):
                raise
            return [{"index": index, "error": found[index]} for index in range(len(piece))]


def time_left(done: int, total: int, seconds: float) -> str:
    """Say how long the rest takes when `done` of `total` took so many seconds; nothing where that is soon."""
    left = seconds / done * (total - done) if done else 0.0
    if left < 5:
        return ""
    return f"about {left:.0f} s left" if left < 90 else f"about {left / 60:.0f} min left"
