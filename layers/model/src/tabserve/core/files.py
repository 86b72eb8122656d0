"""What ingestion finds out about one version of one raw file."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Final, Literal

Severity = Literal["none", "low", "medium", "high"]
IngestionStatus = Literal["done", "rejected", "failed"]
REPAIRED: Final = "-repaired"


def repaired_key(key: str) -> str | None:
    """Return the key of the file that a file repairs, by its name: `day-repaired-2.csv` repairs `day.csv`."""
    stem, repaired, _ = PurePosixPath(key).stem.partition(REPAIRED)
    return str(PurePosixPath(key).with_stem(stem)) if stem and repaired else None


@dataclass(frozen=True, slots=True)
class RawFile:
    """One version of one object in the raw bucket."""

    bucket: str
    key: str
    etag: str
    version_id: str | None = None
    size: int | None = None
    sequencer: str | None = None
    written_at: datetime | None = None

    @property
    def file_id(self) -> str:
        """Identify this version: sha256 of bucket, key and version id or ETag."""
        version = self.version_id or self.etag
        return hashlib.sha256("\n".join((self.bucket, self.key, version)).encode()).hexdigest()

    @property
    def comparable_sequencer(self) -> str | None:
        """S3's order of the events of one key: hexadecimal, as texts, the shorter one filled up on the right."""
        return self.sequencer.upper().ljust(32, "0") if self.sequencer else None


@dataclass(frozen=True, slots=True)
class Ingestion:
    """What ingestion found out about one version of one raw file; `criticality` is its severity.

    `sequencer` and `written_at` tell which version is newer, `prediction_fence` the newest claim to predict it.
    """

    file_id: str
    bucket: str
    key: str
    etag: str
    use_case: str | None
    status: IngestionStatus
    rows_total: int
    rows_good: int
    rows_bad: int
    criticality: Severity
    contract_sha256: str | None
    started_at: datetime
    finished_at: datetime
    good_key: str | None = None
    bad_key: str | None = None
    report_key: str | None = None
    error: str | None = None
    sequencer: str | None = None
    written_at: datetime | None = None
    prediction_fence: int = 0
