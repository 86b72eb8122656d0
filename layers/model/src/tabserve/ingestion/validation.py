"""Validate one raw file: what becomes of it, with its good and bad rows in a local folder."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from tabserve.core.buckets import Bucket
from tabserve.core.catalog import Catalog
from tabserve.core.clock import Clock
from tabserve.core.errors import FileRejectedError, RetiredUseCaseError, UnknownUseCaseError
from tabserve.core.files import Ingestion, IngestionStatus, RawFile
from tabserve.core.rules import BAD_ROWS_STORED, MAX_FILE_BYTES, SPLIT_IT
from tabserve.core.use_case import UseCase
from tabserve.ingestion.quarantine import printable, read_bad_rows, storable
from tabserve.ingestion.severity import NO_USE_CASE, severity, severity_without_use_case
from tabserve.ingestion.structure import CONTROL
from tabserve.ingestion.validation_result import BadRow, Issue, ValidationResult

SecondsLeft = Callable[[], float]
GONE: Final = "gone"
BROKEN: Final = "internal_error"


@dataclass(frozen=True, slots=True)
class ValidationDependencies:
    """What validating needs; `validate_rows` writes the good and the bad object of a raw file.

    `default_use_case` is the one of files in no folder; there is none when it is empty or has no definition.
    """

    catalog: Catalog
    raw: Bucket
    validate_rows: Callable[[BinaryIO, UseCase, BinaryIO, BinaryIO, SecondsLeft], ValidationResult]
    clock: Clock
    default_use_case: str = ""


@dataclass(frozen=True, slots=True)
class ValidatedFile:
    """What was found out about a file; no use case when its key leads to none, no `written_at` when it was not read."""

    ingestion: Ingestion
    result: ValidationResult
    use_case: UseCase | None
    good: Path
    bad: Path
    written_at: datetime | None = None

    def first_bad_rows(self) -> Iterator[BadRow]:
        """Yield the bad rows that the database keeps, in their order, as it can store them."""
        if self.result.rows_bad:
            with self.bad.open("rb") as stream:
                for row in islice(read_bad_rows(stream), BAD_ROWS_STORED):
                    yield replace(row, raw=printable(row.raw))


def validate(
    file: RawFile,
    deps: ValidationDependencies,
    folder: Path,
    broke: Exception | None = None,
    seconds_left: SecondsLeft = lambda: math.inf,
) -> ValidatedFile:
    """Validate a raw file; raise UnavailableError when it cannot be read now.

    One that cannot be validated in the time that is left is rejected.

    What `broke` ingestion before makes the file a failed one, without another look at it.
    """
    started_at, written_at = deps.clock(), None
    good, bad = folder / "good.csv", folder / "bad.csv"
    use_case: UseCase | None = None
    refused: FileRejectedError | None = None
    try:
        use_case = _use_case(file, deps)
        _refuse_key(file)
        if broke is not None:
            what = f"Ingestion broke on the file with {type(broke).__name__}; its log says where."
            raise FileRejectedError(BROKEN, what) from broke
        result, written_at = _validated(file, use_case, deps, (good, bad), seconds_left)
    except FileRejectedError as error:
        refused, result = (
            error,
            ValidationResult(0, 0, 0, (Issue("", error.rule, 0, (error.message,)),), header=error.header),
        )
    ingestion = _ingestion(file, use_case, result, refused, (started_at, deps.clock()))
    return ValidatedFile(ingestion, result, use_case, good, bad, written_at)


def _use_case(file: RawFile, deps: ValidationDependencies) -> UseCase:
    folder, slash, _ = file.key.partition("/")
    try:
        return deps.catalog.get(folder if slash else deps.default_use_case)
    except RetiredUseCaseError as error:
        raise FileRejectedError("retired_use_case", str(error)) from error
    except UnknownUseCaseError as error:
        rule, what = ("unknown_use_case", "no use case's folder") if slash else (NO_USE_CASE, "no folder")
        known = ", ".join(error.known) or "none"
        remedy = f"put it at s3://{file.bucket}/USE_CASE/NAME.csv, where USE_CASE is one of: {known}"
        raise FileRejectedError(rule, f"The file is in {what}; {remedy}.") from error


def _refuse_key(file: RawFile) -> None:
    if CONTROL.search(file.key):
        raise FileRejectedError("unusable_key", "The key has a control character.")


def _validated(
    file: RawFile,
    use_case: UseCase,
    deps: ValidationDependencies,
    paths: tuple[Path, Path],
    seconds_left: SecondsLeft,
) -> tuple[ValidationResult, datetime]:
    if file.size is not None and file.size > MAX_FILE_BYTES:
        raise FileRejectedError("too_large", f"The file is larger than {MAX_FILE_BYTES // 2**20} MiB; {SPLIT_IT}.")
    try:
        # Without versions newer bytes take an object's place: those are another file, with an event of its own.
        raw = deps.raw.read(file.key, file.version_id, etag="" if file.version_id else file.etag)
    except KeyError as error:
        raise FileRejectedError(GONE, "The raw object is no longer there, or was replaced.") from error
    with raw.stream as stream, paths[0].open("wb") as good, paths[1].open("wb") as bad:
        return deps.validate_rows(stream, use_case, good, bad, seconds_left), raw.written_at


def _ingestion(
    file: RawFile,
    use_case: UseCase | None,
    result: ValidationResult,
    refused: FileRejectedError | None,
    times: tuple[datetime, datetime],
) -> Ingestion:
    status: IngestionStatus = "done"
    if refused:
        status = "failed" if refused.rule in {GONE, BROKEN} else "rejected"
    return Ingestion(
        file_id=file.file_id,
        bucket=file.bucket,
        key=storable(file.key),
        etag=file.etag,
        use_case=use_case.name if use_case else None,
        status=status,
        rows_total=result.rows_total,
        rows_good=result.rows_good,
        rows_bad=result.rows_bad,
        criticality=severity(use_case.criticality, result) if use_case else severity_without_use_case(refused),
        contract_sha256=use_case.contract_sha256 if use_case else None,
        started_at=times[0],
        finished_at=times[1],
        error=f"{refused.rule}: {refused.message}" if refused else None,
        sequencer=file.comparable_sequencer,
        written_at=file.written_at,
    )
