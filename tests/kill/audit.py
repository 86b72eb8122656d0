"""What must hold when everything is quiet, whatever happened before: nothing lost, doubled, wrong or stuck."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tabserve.alerts.alert import Alert, notice
from tests.kill.raw_files import HEADERS, Contract, Uploaded
from tests.kill.world import World

Kind = Literal["lost", "doubled", "wrong", "stuck", "missed", "alert lost", "alert doubled"]
Rows = Mapping[int, tuple[str, ...]]
STORED = ("passengers",)  # whose features are kept in the feature store
VERDICT = """
SELECT status, rows_total, rows_good, rows_bad, contract_sha256, good_key, bad_key, report_key, predicted_at,
       prediction_error FROM ingestions WHERE file_id = %s"""
PREDICTIONS = "SELECT row_number, source, entity_id, features FROM predictions WHERE file_id = %s"
BAD_ROWS = "SELECT row_number FROM bad_rows WHERE file_id = %s ORDER BY 1"
WATCHED = "SELECT feature, sum(n) FROM drift_metrics GROUP BY 1"
ALERTS = "SELECT id::text, rule, subject, use_case, state, severity, payload, created_at, sent_at FROM alerts"


@dataclass(frozen=True)
class Finding:
    """One thing that does not hold."""

    kind: Kind
    sentence: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.sentence}"


def audit(world: World, contracts: Mapping[str, Contract], repeats: int) -> Iterator[Finding]:
    """Yield what does not hold; `contracts` names them by hash, `repeats` says how often an alert may come again."""
    for letter in world.dead_letters:
        yield Finding("stuck", f"the {letter.queue} queue gave up {letter.body}")
    wanted = Counter(world.other_alerts)
    for uploaded in world.uploaded:
        yield from _file(world, uploaded, contracts, wanted)
    yield from _windows(world)
    yield from _alerts(world, wanted, repeats)


def _file(
    world: World, uploaded: Uploaded, contracts: Mapping[str, Contract], wanted: Counter[tuple[str, str]]
) -> Iterator[Finding]:
    """Audit a file and count the alerts that it is worth."""
    raw, name, file_id = uploaded.raw, uploaded.file.key, uploaded.file.file_id
    found = world.postgres.rows(VERDICT, [file_id])
    if len(found) != 1:
        yield Finding("lost" if not found else "doubled", f"{name} has {len(found)} verdicts")
        return
    [(status, total, good, bad, contract, good_key, bad_key, report_key, predicted_at, given_up)] = found
    done = raw.status == "done"
    truth = raw.good(contracts[contract]) if done else {}
    expected = (raw.status, len(raw.rows), len(truth), len(raw.rows) - len(truth))
    if (status, total, good, bad) != (expected if done else (raw.status, 0, 0, 0)):
        yield Finding("wrong", f"{name} is {(status, total, good, bad)}, not {expected}")
    if (truth and predicted_at is None) or given_up:
        yield Finding("stuck", f"{name} is not predicted: {given_up}")
    if world.cloud.get("artifacts", report_key) is None:
        yield Finding("lost", f"the report of {name}")
    yield from _objects(world, name, good_key, bad_key, (good, bad), truth)
    in_quarantine = [number for (number,) in world.postgres.rows(BAD_ROWS, [file_id])]
    if in_quarantine != [number for number in range(1, total + 1) if number not in truth]:
        yield Finding("wrong", f"the quarantine of {name} holds {in_quarantine}")
    yield from _predictions(world, uploaded, truth)
    yield from _marker(world, uploaded, truth)
    yield from _entities(world, uploaded, truth)
    wanted.update({("data_quality", name): raw.alarming})


def _objects(
    world: World, name: str, good_key: str | None, bad_key: str | None, counts: tuple[int, int], truth: Rows
) -> Iterator[Finding]:
    good, bad = _csv(world.cloud.get("good", good_key)), _csv(world.cloud.get("bad", bad_key))
    if good != [[str(number), *cells] for number, cells in truth.items()]:
        yield Finding("wrong", f"the good object of {name} does not hold its good rows")
    if (len(good), len(bad)) != counts:
        yield Finding("wrong", f"the objects of {name} have {len(good)} and {len(bad)} rows")


def _predictions(world: World, uploaded: Uploaded, truth: Rows) -> Iterator[Finding]:
    stored = world.postgres.rows(PREDICTIONS, [uploaded.file.file_id])
    times = Counter(number for number, *_ in stored)
    amiss: Mapping[Kind, list[int]] = {
        "lost": [number for number in truth if number not in times],
        "doubled": [number for number, count in times.items() if count > 1],
        "wrong": [row[0] for row in stored if not _is_of(row, uploaded, truth)],
    }
    for kind, rows in amiss.items():
        if rows:
            yield Finding(kind, f"predictions of {len(rows)} rows of {uploaded.file.key}, such as row {rows[0]}")


def _is_of(row: tuple[Any, ...], uploaded: Uploaded, truth: Rows) -> bool:
    """Tell whether a prediction was made from what the raw file says in its row."""
    number, source, entity, features = row
    told = dict(zip(HEADERS[uploaded.raw.use_case], truth.get(number, ()), strict=False))
    return source == "scheduled" and told.pop("Id", None) == entity and _same(features, told)


def _marker(world: World, uploaded: Uploaded, truth: Rows) -> Iterator[Finding]:
    marker = world.cloud.item("markers", f"predict#{uploaded.file.file_id}")
    if truth and marker.get("status") != "COMPLETED" and "ttl" not in marker:
        yield Finding("stuck", f"the marker of {uploaded.file.key} is {marker.get('status')} for ever")


def _entities(world: World, uploaded: Uploaded, truth: Rows) -> Iterator[Finding]:
    if uploaded.raw.use_case not in STORED:
        return
    for cells in truth.values():
        told = dict(zip(HEADERS[uploaded.raw.use_case], cells, strict=True))
        item = world.cloud.item("features", f"{uploaded.raw.use_case}#{told.pop('Id')}")
        if not item or not _same(json.loads(item["features"]), told):
            yield Finding("wrong" if item else "lost", f"the features of {cells[0]}: {item}")


def _windows(world: World) -> Iterator[Finding]:
    for feature, watched in world.postgres.rows(WATCHED):
        [(predicted,)] = world.postgres.rows("SELECT count(*) FROM predictions")
        if watched != predicted:
            kind: Kind = "lost" if watched < predicted else "doubled"
            yield Finding(kind, f"{feature} was watched in {watched} of {predicted} predictions")


def _alerts(world: World, wanted: Counter[tuple[str, str]], repeats: int) -> Iterator[Finding]:
    stored = [Alert(*row) for row in world.postgres.rows(ALERTS)]
    if (found := Counter((alert.rule, alert.subject) for alert in stored)) != wanted:
        yield Finding("alert lost", f"there are alerts {found}, not {wanted}")
    heard = {
        "webhook": [json.dumps(card).replace("\\", "") for card in world.webhook.delivered],
        "topic": [json.loads(body)["Message"] for body in world.cloud.receive("told")],
    }
    for alert in stored:
        if alert.sent_at is None:
            yield Finding("stuck", f"the alert of {alert.rule} on {alert.subject} is never noted as sent")
        title = notice(alert, "").title
        for channel, texts in heard.items():
            times = sum(title in text and alert.subject in text for text in texts)
            if not 1 <= times <= 1 + repeats:
                kind: Kind = "alert doubled" if times else "alert lost"
                yield Finding(kind, f"{channel} heard {times} times of {alert.rule} on {alert.subject}")


def _csv(body: bytes | None) -> list[list[str]]:
    return list(csv.reader(io.StringIO((body or b"").decode())))[1:]


def _same(features: Mapping[str, Any], told: Mapping[str, str]) -> bool:
    """Compare values as numbers, which all features here are."""
    return {name: float(value) for name, value in features.items()} == {n: float(text) for n, text in told.items()}
