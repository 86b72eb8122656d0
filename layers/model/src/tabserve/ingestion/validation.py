"""Judge one raw file: its verdict, with its good and bad rows in a local folder."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from tabserve.core.buckets import Bucket
from tabserve.core.catalog import Catalog
from tabserve.core.clock import Clock
from tabserve.core.errors import FileRejectedError, UnknownUseCaseError
from tabserve.core.files import Criticality, Ingestion, IngestionStatus, RawFile
from tabserve.core.rules import MAX_FILE_BYTES
from tabserve.core.use_case import UseCase
from tabserve.ingestion.ports import FileValidator
from tabserve.ingestion.quarantine import printable, read_bad_rows, storable
from tabserve.ingestion.severity import criticality
from tabserve.ingestion.structure import CONTROL
from tabserve.ingestion.validation_result import BadRow, Issue, Split

GONE: Final = "gone"
BROKEN: Final = "internal_error"


@dataclass(frozen=True, slots=True)
class JudgeDependencies:
    """What judging needs."""

    catalog: Catalog
    raw: Bucket
    validator: FileValidator
    clock: Clock


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about a file; no use case when its key names none, no `written_at` when it was not read."""

    ingestion: Ingestion
    split: Split
    use_case: UseCase | None
    folder: Path
    written_at: datetime | None = None

    @staticmethod
    def paths(folder: Path) -> tuple[Path, Path]:
        """Return where the good and the bad object are written."""
        return folder / "good.csv", folder / "bad.csv"

    @property
    def good(self) -> Path:
        """The good object."""
        return self.paths(self.folder)[0]

    @property
    def bad(self) -> Path:
        """The bad object."""
        return self.paths(self.folder)[1]

    def bad_rows(self, limit: int | None = None) -> Iterator[BadRow]:
        """Yield the bad rows, in their order, as a database can store them."""
        if self.split.rows_bad:
            with self.bad.open("rb") as stream:
                yield from (replace(row, raw=printable(row.raw)) for row in islice(read_bad_rows(stream), limit))


def judge(file: RawFile, deps: JudgeDependencies, folder: Path, broke: Exception | None = None) -> Verdict:
    """Return the verdict on a raw file; raise UnavailableError when it cannot be read now.

    What `broke` ingestion before makes the verdict a failed one, without another look at the file.
    """
    started_at = deps.clock()
    use_case: UseCase | None = None
    try:
        use_case = _use_case(file, deps.catalog)
        _refuse_key(file)
        if broke is not None:
            what = f"Ingestion broke on the file with {type(broke).__name__}; its log says where."
            raise FileRejectedError(BROKEN, what) from broke
        split, written_at = _split(file, use_case, deps, Verdict.paths(folder))
    except FileRejectedError as error:
        status: IngestionStatus = "failed" if error.rule in {GONE, BROKEN} else "rejected"
        return _without_rows(file, use_case, status, error, (started_at, deps.clock()), folder)
    found = criticality(use_case.criticality, split.rows_total, split.rows_bad, split.rows_by_rule)
    ingestion = _ingestion(file, use_case, "done", found, split, (started_at, deps.clock()))
    return Verdict(ingestion, split, use_case, folder, written_at)


def _split(
    file: RawFile, use_case: UseCase, deps: JudgeDependencies, paths: tuple[Path, Path]
) -> tuple[Split, datetime]:
    if file.size is not None and file.size > MAX_FILE_BYTES:
        raise FileRejectedError("too_large", f"The file is larger than {MAX_FILE_BYTES // 2**20} MiB.")
    try:
        # Without versions newer bytes take an object's place: those are another file, with an event of its own.
        raw = deps.raw.read(file.key, file.version_id, etag="" if file.version_id else file.etag)
    except KeyError as error:
        raise FileRejectedError(GONE, "The raw object is no longer there, or was replaced.") from error
    with raw.stream as stream, paths[0].open("wb") as good, paths[1].open("wb") as bad:
        return deps.validator.split(stream, use_case, good, bad), raw.written_at


def _without_rows(
    file: RawFile,
    use_case: UseCase | None,
    status: IngestionStatus,
    error: FileRejectedError,
    times: tuple[datetime, datetime],
    folder: Path,
) -> Verdict:
    split = Split(0, 0, 0, (Issue("", error.rule, 0, (error.message,)),), ())
    ingestion = _ingestion(file, use_case, status, "high", split, times)
    return Verdict(replace(ingestion, error=f"{error.rule}: {error.message}"), split, use_case, folder)


def _use_case(file: RawFile, catalog: Catalog) -> UseCase:
    name, slash, _ = file.key.partition("/")
    try:
        return catalog.get(name if slash else "")
    except UnknownUseCaseError as error:
        known = ", ".join(error.known)
        raise FileRejectedError("unknown_use_case", f"The key must begin with a use case: {known}.") from error


def _refuse_key(file: RawFile) -> None:
    if CONTROL.search(file.key):
        raise FileRejectedError("unusable_key", "The key has a control character.")


def _ingestion(
    file: RawFile,
    use_case: UseCase | None,
    status: IngestionStatus,
    criticality: Criticality,
    split: Split,
    times: tuple[datetime, datetime],
) -> Ingestion:
    return Ingestion(
        file_id=file.file_id,
        bucket=file.bucket,
        key=storable(file.key),
        etag=file.etag,
        use_case=use_case.name if use_case else None,
        status=status,
        rows_total=split.rows_total,
        rows_good=split.rows_good,
        rows_bad=split.rows_bad,
        criticality=criticality,
        contract_sha256=use_case.contract_sha256 if use_case else None,
        started_at=times[0],
        finished_at=times[1],
        sequencer=file.comparable_sequencer,
        written_at=file.written_at,
    )
