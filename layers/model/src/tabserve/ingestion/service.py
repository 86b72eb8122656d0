"""Take a raw file to its verdict and keep what was found: effects side by side, each retried by itself."""

import random
import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from tabserve.alerts.alert import Alert
from tabserve.core.buckets import Bucket, ObjectStore
from tabserve.core.errors import OvertakenError, UnavailableError
from tabserve.core.files import Ingestion, ObjectKeys, RawFile
from tabserve.core.good_rows import RAW_WRITTEN_AT
from tabserve.core.use_case import CriticalityLimits
from tabserve.ingestion.ports import IngestionStore, ReferenceColumns, ReportWriter
from tabserve.ingestion.report_content import Report
from tabserve.ingestion.severity import file_alert
from tabserve.ingestion.validation import JudgeDependencies, Verdict, judge

ATTEMPTS: Final = 3
CSV: Final = "text/csv; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
REPORTED_ROWS: Final = 20
CONTRACT_DIGITS: Final = 16
# The name of a raw file leads people to its good and bad rows, as long as it can be part of any key.
PLAIN_NAME: Final = re.compile(r"\w[\w .()%+-]{0,127}")
OTHER_NAME: Final = "rows.csv"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IngestDependencies:
    """What ingesting needs."""

    judge: JudgeDependencies
    good: Bucket
    bad: Bucket
    artifacts: ObjectStore
    ingestions: IngestionStore
    references: ReferenceColumns
    reports: ReportWriter
    pause: Callable[[float], None] = time.sleep


def ingest_file(file: RawFile, deps: IngestDependencies, broke: Exception | None = None) -> Ingestion:
    """Take one version of a raw file to its verdict and return it; a file that has one is not judged again.

    A failed one is no obstacle. What `broke` the deliveries before makes the verdict a failed one. Raise
    UnavailableError when an effect still fails after its attempts: the next delivery does what is missing.
    """
    known = deps.ingestions.find(file.file_id)
    if known is not None and known.report_key and known.status != "failed":
        return known
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        verdict = judge(file, deps.judge, Path(folder), broke)
        keys = object_keys(verdict.ingestion)
        _apply(verdict, keys, deps)
    return replace(verdict.ingestion, good_key=keys.good, bad_key=keys.bad, report_key=keys.report)


def object_keys(ingestion: Ingestion) -> ObjectKeys:
    """Return where the objects of a verdict belong: always the same, so that doing it again changes nothing.

    The same file judged by another contract has other objects, so a verdict never meets those of another one.
    """
    contract = (ingestion.contract_sha256 or "none")[:CONTRACT_DIGITS]
    folder = f"{ingestion.use_case or 'unknown'}/{ingestion.file_id}/{contract}"
    name = PurePosixPath(ingestion.key).name
    key = f"{folder}/{name if PLAIN_NAME.fullmatch(name) else OTHER_NAME}"
    return ObjectKeys(
        good=key if ingestion.rows_good else None,
        bad=key if ingestion.rows_bad else None,
        report=f"reports/{folder}/{ingestion.status}.html",
    )


def split_and_save_data(verdict: Verdict, keys: ObjectKeys, deps: IngestDependencies) -> None:
    """Write the good and the bad object, unless they are there, and the report."""
    metadata = {RAW_WRITTEN_AT: verdict.written_at.isoformat()} if verdict.written_at else {}
    for store, key, path in ((deps.good, keys.good, verdict.good), (deps.bad, keys.bad, verdict.bad)):
        if key is not None:
            with path.open("rb") as stream:
                store.put_new(key, stream, CSV, metadata)
    if keys.report is not None:
        # Written anew, for a file may fail for another reason than before.
        deps.artifacts.put(keys.report, deps.reports.write(_report(verdict, keys, deps)), HTML)


def save_statistics(verdict: Verdict, deps: IngestDependencies) -> None:
    """Store the verdict, its issues, bad rows and statistics in one transaction, unless they are there."""
    deps.ingestions.save(verdict.ingestion, verdict.split.issues, verdict.bad_rows(), verdict.split.statistics)


def finish(verdict: Verdict, keys: ObjectKeys, deps: IngestDependencies) -> None:
    """Note where the objects are, with the alert that leads people to them, in one transaction."""
    limits = verdict.use_case.criticality if verdict.use_case else CriticalityLimits()

    def alert_after(previous: Alert | None) -> Alert | None:
        return file_alert(limits, verdict.ingestion, verdict.split, keys.report or "", previous, deps.judge.clock())

    if not deps.ingestions.note_objects(verdict.ingestion, keys, alert_after):
        raise OvertakenError(f"Another worker has judged {verdict.ingestion.file_id} otherwise.")


def _apply(verdict: Verdict, keys: ObjectKeys, deps: IngestDependencies) -> None:
    effects: dict[str, Callable[[], None]] = {
        "split-and-save-data": lambda: split_and_save_data(verdict, keys, deps),
        "save-statistics": lambda: save_statistics(verdict, deps),
    }
    with ThreadPoolExecutor(max_workers=len(effects)) as pool:
        running = [pool.submit(_retried, effect, deps.pause) for effect in effects.values()]
    for effect in running:
        effect.result()
    # Last, as the sign that all is there: whoever reads the keys or the alert finds the objects.
    _retried(lambda: finish(verdict, keys, deps), deps.pause)


def _retried(effect: Callable[[], T], pause: Callable[[float], None]) -> T:
    for attempt in range(1, ATTEMPTS):
        try:
            return effect()
        except UnavailableError:
            pause(random.uniform(0, 0.2 * 4**attempt))  # noqa: S311  jitter, not a secret
    return effect()


def _report(verdict: Verdict, keys: ObjectKeys, deps: IngestDependencies) -> Report:
    return Report(
        ingestion=replace(verdict.ingestion, good_key=keys.good, bad_key=keys.bad, report_key=keys.report),
        split=verdict.split,
        samples=list(verdict.bad_rows(REPORTED_ROWS)),
        reference=deps.references.statistics(verdict.use_case) if verdict.use_case and verdict.split.statistics else {},
    )
