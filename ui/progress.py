"""How far the predictions of files are, and how long the rest takes."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ui.database import ReaderDatabase
from ui.queries import BAD_ROWS_STORED

# The rows of a file are predicted in their order, so its last prediction tells how far it is: counting them takes a
# second where there are a million. Where not all bad rows are stored, they count as spread evenly. How fast it goes is
# told by the last rows, in which is the pause between two runs.
LATELY = 150_000
IDLE_SECONDS = 150  # a run starts every two minutes
WAITING = """
SELECT i.file_id, i.rows_good,
       least(i.rows_good, coalesce(last.row_number - CASE WHEN i.rows_bad <= :stored THEN bad.rows
                      ELSE CAST(1.0 * last.row_number * i.rows_bad / i.rows_total AS bigint) END, 0)) AS predicted,
       coalesce(1.0 * i.rows_good / i.rows_total * (last.row_number - earlier.row_number + 1), 0) AS lately,
       coalesce(extract(epoch FROM now() - earlier.created_at), 0) AS seconds,
       coalesce(extract(epoch FROM now() - last.created_at), 0) AS idle
FROM ingestions i
     LEFT JOIN LATERAL (SELECT row_number, created_at FROM predictions p
                        WHERE p.file_id = i.file_id AND p.source = 'scheduled'
                        ORDER BY row_number DESC LIMIT 1) last ON true
     LEFT JOIN LATERAL (SELECT row_number, created_at FROM predictions p
                        WHERE p.file_id = i.file_id AND p.source = 'scheduled'
                          AND p.row_number > last.row_number - :lately
                        ORDER BY row_number LIMIT 1) earlier ON true
     LEFT JOIN LATERAL (SELECT count(*) AS rows FROM bad_rows b
                        WHERE b.file_id = i.file_id AND b.row_number < last.row_number) bad ON true
WHERE i.status = 'done' AND i.rows_good > 0 AND i.predicted_at IS NULL AND i.prediction_error IS NULL
  AND (CAST(:file_id AS text) IS NULL OR i.file_id = :file_id)
  AND (CAST(:use_case AS text) IS NULL OR i.use_case = :use_case)
ORDER BY i.finished_at
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """Good rows, how many of them have a prediction, and how many a second get one."""

    good: int
    predicted: int
    rate: float

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        return min(1.0, self.predicted / self.good) if self.good else 1.0

    @property
    def has_begun(self) -> bool:
        """Whether any row has a prediction."""
        return self.predicted > 0

    @property
    def short(self) -> str:
        """Say how far it is, where there is little room."""
        return f"{self.share:.0%} predicted".replace("%", " %") if self.has_begun else "wait for the next run"

    @property
    def text(self) -> str:
        """Say how far it is."""
        left = self.good - self.predicted
        if not self.has_begun:
            return f"{left:,} wait for the next run"
        rest = f"about {_duration(left / self.rate)} left" if self.rate else "the rest waits for the next run"
        return f"{self.predicted:,} of {self.good:,} predicted, {rest if left > 0 else 'nearly done'}"


def of_file(database: ReaderDatabase, file_id: str) -> Progress | None:
    """Return how far one file is; None when it does not wait for predictions."""
    return _together(_waiting(database, file_id=file_id))


def of_use_case(database: ReaderDatabase, use_case: str | None = None) -> Progress | None:
    """Return how far all files that wait for predictions are together; None when none waits."""
    return _together(_waiting(database, use_case=use_case))


def by_file(database: ReaderDatabase, use_case: str | None = None) -> dict[str, Progress]:
    """Return how far each file that waits for predictions is."""
    return dict(_waiting(database, use_case=use_case))


def _waiting(
    database: ReaderDatabase, *, file_id: str | None = None, use_case: str | None = None
) -> list[tuple[str, Progress]]:
    found = database.frame(WAITING, file_id=file_id, use_case=use_case, lately=LATELY, stored=BAD_ROWS_STORED).to_dict(
        "records"
    )
    return [(str(row["file_id"]), Progress(int(row["rows_good"]), int(row["predicted"]), _rate(row))) for row in found]


def _rate(row: Mapping[Hashable, Any]) -> float:
    return 0.0 if row["idle"] > IDLE_SECONDS else float(row["lately"]) / max(1.0, float(row["seconds"]))


def _together(files: Sequence[tuple[str, Progress]]) -> Progress | None:
    each = [progress for _, progress in files]
    if not each:
        return None
    return Progress(sum(p.good for p in each), sum(p.predicted for p in each), sum(p.rate for p in each))


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds, -1) if seconds > 10 else round(seconds)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
