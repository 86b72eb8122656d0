"""Fill the feature store from good files, a part of a file at a time.

Nothing notes how far a file got: every write is conditional on its event time, so a part done twice changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from tabserve.core.buckets import Bucket
from tabserve.core.catalog import Catalog
from tabserve.core.clock import Clock
from tabserve.core.entities import FeatureStore
from tabserve.core.errors import FileRejectedError, UnknownUseCaseError
from tabserve.core.events import GoodFile, good_file_message
from tabserve.core.good_rows import RAW_WRITTEN_AT, GoodRows, Row
from tabserve.core.queues import Queue
from tabserve.core.use_case import UseCase
from tabserve.features.rows import FeatureRows, event_time

ROWS_PER_PIECE: Final = 1_000
ROWS_PER_PART: Final = 50_000
# As long as a piece may take, and the message that lets another invocation go on.
SECONDS_PER_PIECE: Final = 30.0


@dataclass(frozen=True, slots=True)
class FillDependencies:
    """What filling needs; `queue` is where good files come from."""

    catalog: Catalog
    good: Bucket
    features: FeatureStore
    queue: Queue
    clock: Clock


@dataclass(slots=True)
class Filled:
    """What became of a part of a file: its rows, from where another invocation goes on, or why nobody will.

    `refused` has the rules that rows break, by row number; `older` rows knew nothing new.
    """

    rows: int = 0
    stored: int = 0
    older: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    left: GoodFile | None = None
    skipped: str = ""
    malformed: str = ""


def fill_features(file: GoodFile, deps: FillDependencies, seconds_left: Callable[[], float]) -> Filled:
    """Store the features of a file's rows until it ends, or queue what is left; raise UnavailableError.

    The answer names a file that can never be read: trying again would not help it.
    """
    try:
        use_case = deps.catalog.judged_by(*judged_by(file.key))
    except UnknownUseCaseError:
        return Filled(skipped="its key names no use case")
    if not use_case.feature_store:
        return Filled(skipped="its use case does not say feature_store: true")
    part = _Part(file, use_case, deps)
    try:
        part.fill(seconds_left)
    except KeyError:
        part.filled.skipped = "it is gone or was replaced"
    except FileRejectedError as error:
        part.filled.malformed = str(error)
    return part.filled


def judged_by(good_key: str) -> tuple[str, str | None]:
    """Return the use case of a good object and the first digits of the contract that its rows were judged by.

    Ingestion writes USE_CASE/FILE_ID/CONTRACT/NAME; of any other key the contract is None.
    """
    parts = good_key.split("/")
    return parts[0], parts[2] if len(parts) == 4 else None


class _Part:
    """As much of one file as one invocation can do."""

    def __init__(self, file: GoodFile, use_case: UseCase, deps: FillDependencies) -> None:
        self.filled = Filled()
        self._file = file
        self._use_case = use_case
        self._deps = deps

    def fill(self, seconds_left: Callable[[], float]) -> None:
        """Store rows until the file ends, enough are done or time gets short; raise KeyError, FileRejectedError."""
        start = self._deps.good.read(self._file.key, etag=self._file.etag)
        with start.stream:
            rows = GoodRows(start.stream, self._use_case.format.delimiter)
            # Since when the raw file is there; since when the good one is where nothing was noted.
            written_at = event_time(start.metadata.get(RAW_WRITTEN_AT, "")) or start.written_at
            reader = FeatureRows(self._use_case, rows.columns, written_at, self._deps.clock())
            left = replace(self._file, etag=start.etag)
            if left.offset <= rows.offset:
                self._store(reader, rows, left, start.size, seconds_left)
                return
        rest = self._deps.good.read(left.key, offset=left.offset, etag=left.etag)
        with rest.stream:
            rows.go_on(rest.stream, left.offset)
            self._store(reader, rows, left, rest.size, seconds_left)

    def _store(
        self, reader: FeatureRows, rows: GoodRows, left: GoodFile, size: int, seconds_left: Callable[[], float]
    ) -> None:
        numbered = iter(rows)
        while piece := list(islice(numbered, ROWS_PER_PIECE)):
            self._store_piece(reader, piece)
            left = replace(left, offset=rows.offset)
            enough = self.filled.rows >= ROWS_PER_PART or seconds_left() < SECONDS_PER_PIECE
            if enough and left.offset < size:
                self._deps.queue.send(good_file_message(left))
                self.filled.left = left
                return

    def _store_piece(self, reader: FeatureRows, rows: Sequence[Row]) -> None:
        known = reader.read(rows)
        stored = self._deps.features.put(self._use_case.name, known.entities)
        self.filled.rows += len(rows)
        self.filled.stored += stored
        self.filled.older += len(rows) - len(known.refused) - stored
        self.filled.refused |= known.refused
