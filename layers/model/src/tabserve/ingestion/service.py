"""Ingest a raw file: validate it and keep what was found, effects side by side, each retried by itself."""

import math
import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from tabserve.alerts.alert import Alert
from tabserve.core.buckets import Bucket, ObjectStore
from tabserve.core.errors import OvertakenError, UnavailableError
from tabserve.core.files import Ingestion, RawFile
from tabserve.core.good_rows import RAW_WRITTEN_AT
from tabserve.core.limits import SeverityLimits
from tabserve.core.retry import retried
from tabserve.ingestion.ports import IngestionStore
from tabserve.ingestion.severity import file_alert
from tabserve.ingestion.validation import ValidatedFile, ValidationDependencies, validate

if TYPE_CHECKING:
    from tabserve.ingestion.report import HtmlReports

PAUSES: Final = (0.8, 3.2)
# Time to write the objects of the largest file and what the database keeps of it, attempts included.
SECONDS_TO_KEEP: Final = 180
CSV: Final = "text/csv; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
CONTRACT_DIGITS: Final = 16
# The name of a raw file leads people to its good and bad rows, as long as it can be part of any key.
PLAIN_NAME: Final = re.compile(r"\w[\w .()%+-]{0,127}")
OTHER_NAME: Final = "rows.csv"


@dataclass(frozen=True, slots=True)
class IngestDependencies:
    """What ingesting needs."""

    validation: ValidationDependencies
    good: Bucket
    bad: Bucket
    artifacts: ObjectStore
    ingestions: IngestionStore
    reports: "HtmlReports"
    pause: Callable[[float], None] = time.sleep


def ingest_file(
    file: RawFile,
    deps: IngestDependencies,
    broke: Exception | None = None,
    seconds_left: Callable[[], float] = lambda: math.inf,
) -> Ingestion:
    """Validate one version of a raw file and keep what was found; a file that was ingested is not validated again.

    A failed ingestion is repeated. What `broke` the deliveries before makes this one a failed one. Raise
    UnavailableError when an effect still fails after its attempts: the next delivery does what is missing.
    """
    known = deps.ingestions.find(file.file_id)
    if known is not None and known.report_key and known.status != "failed":
        return known
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        validated = validate(file, deps.validation, Path(folder), broke, lambda: seconds_left() - SECONDS_TO_KEEP)
        done = with_keys(validated.ingestion)
        _keep(validated, done, deps)
    return done


def with_keys(ingestion: Ingestion) -> Ingestion:
    """Return where the objects of a file belong: always the same, so that doing it again changes nothing.

    The same file validated by another contract has other objects, so what is stored never leads to those.
    """
    contract = (ingestion.contract_sha256 or "none")[:CONTRACT_DIGITS]
    folder = f"{ingestion.use_case or 'unknown'}/{ingestion.file_id}/{contract}"
    name = PurePosixPath(ingestion.key).name
    key = f"{folder}/{name if PLAIN_NAME.fullmatch(name) else OTHER_NAME}"
    return replace(
        ingestion,
        good_key=key if ingestion.rows_good else None,
        bad_key=key if ingestion.rows_bad else None,
        report_key=f"reports/{folder}/{ingestion.status}.html",
    )


def _keep(validated: ValidatedFile, done: Ingestion, deps: IngestDependencies) -> None:
    def save_rows() -> None:
        result = validated.result
        deps.ingestions.save(validated.ingestion, result.issues, validated.first_bad_rows(), result.statistics)

    effects = (lambda: _save_objects(validated, done, deps), save_rows)
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = [pool.submit(_retried, effect, deps) for effect in effects]
    for effect in running:
        effect.result()
    # Last, as the sign that all is there: whoever reads the keys or the alert finds the objects.
    _retried(lambda: _finish(validated, done, deps), deps)


def _save_objects(validated: ValidatedFile, done: Ingestion, deps: IngestDependencies) -> None:
    """Write the good and the bad object, unless they are there, and the report."""
    metadata = {RAW_WRITTEN_AT: validated.written_at.isoformat()} if validated.written_at else {}
    for store, key, path in ((deps.good, done.good_key, validated.good), (deps.bad, done.bad_key, validated.bad)):
        if key is not None:
            with path.open("rb") as stream:
                store.put_new(key, stream, CSV, metadata)
    # Written anew, for a file may fail for another reason than before.
    deps.artifacts.put(str(done.report_key), deps.reports.write(done, validated.result, validated.use_case), HTML)


def _finish(validated: ValidatedFile, done: Ingestion, deps: IngestDependencies) -> None:
    """Note where the objects are, with the alert that leads people to them, in one transaction."""
    limits = validated.use_case.criticality if validated.use_case else SeverityLimits()

    def alert_after(previous: Alert | None) -> Alert | None:
        return file_alert(limits, done, validated.result, previous, deps.validation.clock())

    if not deps.ingestions.note_objects(done, alert_after):
        raise OvertakenError(f"Another worker has ingested {done.file_id} otherwise.")


def _retried(effect: Callable[[], None], deps: IngestDependencies) -> None:
    retried(effect, PAUSES, UnavailableError, deps.pause)
