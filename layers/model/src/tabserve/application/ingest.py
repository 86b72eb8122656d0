"""Judge one raw file, split it, and keep what was found: three effects, each retried by itself."""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from tabserve.application.ports import Catalog, Clock, FileValidator, IngestionStore, ObjectStore
from tabserve.domain.quality import (
    BadRow,
    Criticality,
    Ingestion,
    IngestionStatus,
    Issue,
    ObjectKeys,
    RawFile,
    Split,
    criticality,
)
from tabserve.domain.quarantine import printable, read_bad_rows
from tabserve.domain.use_case import UseCase
from tabserve.errors import FileRejectedError, UnavailableError, UnknownUseCaseError

ATTEMPTS: Final = 3
CSV: Final = "text/csv; charset=utf-8"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IngestDependencies:
    """What ingesting needs."""

    catalog: Catalog
    raw: ObjectStore
    good: ObjectStore
    bad: ObjectStore
    validator: FileValidator
    ingestions: IngestionStore
    clock: Clock
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about a file, with its good and bad rows in a local folder."""

    ingestion: Ingestion
    split: Split
    folder: Path

    @property
    def good(self) -> Path:
        """The good object."""
        return self.folder / "good.csv"

    @property
    def bad(self) -> Path:
        """The bad object."""
        return self.folder / "bad.csv"


def ingest_file(file: RawFile, deps: IngestDependencies) -> Ingestion:
    """Take one version of a raw file to its verdict and return it; a file that has one is not judged again.

    Raise UnavailableError when an effect still fails after its attempts: the next delivery does what is missing.
    """
    known = deps.ingestions.find(file.file_id)
    if known is not None and _is_complete(known):
        return known
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        verdict = _judge(file, deps, Path(folder))
        keys = _apply(verdict, deps, saved=known is not None and known.status == "done")
    return replace(verdict.ingestion, good_key=keys.good, bad_key=keys.bad, report_key=keys.report)


def _is_complete(known: Ingestion) -> bool:
    return known.status == "rejected" or bool(known.good_key or known.bad_key)


def _judge(file: RawFile, deps: IngestDependencies, folder: Path) -> Verdict:
    started_at = deps.clock()
    use_case: UseCase | None = None
    try:
        use_case = _use_case(file, deps.catalog)
        with (
            deps.raw.open(file.key, file.version_id) as raw,
            (folder / "good.csv").open("wb") as good,
            (folder / "bad.csv").open("wb") as bad,
        ):
            split = deps.validator.split(raw, use_case, good, bad)
    except FileRejectedError as error:
        return _without_rows(file, use_case, "rejected", error, (started_at, deps.clock()), folder)
    except KeyError:
        gone = FileRejectedError("gone", "The raw object is no longer there.")
        return _without_rows(file, use_case, "failed", gone, (started_at, deps.clock()), folder)
    found = criticality(use_case.criticality, split.rows_total, split.rows_bad, split.rows_by_rule)
    return Verdict(_ingestion(file, use_case, "done", found, split, (started_at, deps.clock())), split, folder)


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
    return Verdict(replace(ingestion, error=f"{error.rule}: {error.message}"), split, folder)


def _use_case(file: RawFile, catalog: Catalog) -> UseCase:
    name, slash, _ = file.key.partition("/")
    try:
        return catalog.get(name if slash else "")
    except UnknownUseCaseError as error:
        known = ", ".join(error.known)
        raise FileRejectedError("unknown_use_case", f"The key must begin with a use case: {known}.") from error


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
        key=file.key,
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
    )


def _apply(verdict: Verdict, deps: IngestDependencies, saved: bool) -> ObjectKeys:
    """Run the effects side by side; the objects' places are noted last, as the sign that all is there."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        objects = pool.submit(_retried, lambda: split_and_save_data(verdict, deps), deps.pause)
        statistics = None if saved else pool.submit(_retried, lambda: save_statistics(verdict, deps), deps.pause)
    if statistics is not None:
        statistics.result()
    keys = objects.result()
    _retried(lambda: deps.ingestions.note_objects(verdict.ingestion.file_id, keys), deps.pause)
    return keys


def split_and_save_data(verdict: Verdict, deps: IngestDependencies) -> ObjectKeys:
    """Write the good and the bad object, unless they are there; return their keys."""
    key = _object_key(verdict.ingestion)
    return ObjectKeys(
        good=_upload(deps.good, key, verdict.good) if verdict.split.rows_good else None,
        bad=_upload(deps.bad, key, verdict.bad) if verdict.split.rows_bad else None,
    )


def save_statistics(verdict: Verdict, deps: IngestDependencies) -> bool:
    """Store the verdict, its issues, bad rows and statistics; return False when they were there."""
    return deps.ingestions.save(verdict.ingestion, verdict.split.issues, _bad_rows(verdict), verdict.split.statistics)


def _bad_rows(verdict: Verdict) -> Iterator[BadRow]:
    if not verdict.split.rows_bad:
        return
    with verdict.bad.open("rb") as stream:
        yield from (replace(row, raw=printable(row.raw)) for row in read_bad_rows(stream))


def _object_key(ingestion: Ingestion) -> str:
    return f"{ingestion.use_case}/{ingestion.file_id}/{PurePosixPath(ingestion.key).name}"


def _upload(store: ObjectStore, key: str, path: Path) -> str:
    with path.open("rb") as stream:
        store.put_new(key, stream, CSV)
    return key


def _retried(effect: Callable[[], T], pause: Callable[[float], None]) -> T:
    for attempt in range(1, ATTEMPTS):
        try:
            return effect()
        except UnavailableError:
            pause(random.uniform(0, 0.2 * 4**attempt))  # noqa: S311  jitter, not a secret
    return effect()
