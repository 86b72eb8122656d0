"""One raw file through its effects: what is kept, what a retry repeats, when an alert is stored."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tabserve.alerts.alert import Alert
from tabserve.core.errors import (
    DatabaseUnavailableError,
    OvertakenError,
    RetiredUseCaseError,
    StorageUnavailableError,
    UnavailableError,
)
from tabserve.core.files import Ingestion, RawFile
from tabserve.core.rules import SPLIT_IT
from tabserve.core.use_case import UseCase
from tabserve.ingestion.quarantine import read_bad_rows
from tabserve.ingestion.report import HtmlReports
from tabserve.ingestion.service import IngestDependencies, ingest_file
from tabserve.ingestion.validation import ValidationDependencies
from tabserve.ingestion.validator import validate_rows
from tests.factories import good_object
from tests.fakes.catalog import FakeCatalog
from tests.fakes.ingestion import FakeIngestions
from tests.fakes.objects import FakeObjects
from tests.unit.ingestion.conftest import GOOD, HEADER, USE_CASE

BAD = "9,BIG,1,1,,3,"


@dataclass
class Flaky:
    """Fails the first times a method is called, then lets everything through."""

    real: Any
    method: str
    error: Exception
    failures: int
    calls: int = 0

    def __getattr__(self, name: str) -> Any:
        if name != self.method:
            return getattr(self.real, name)
        return self._call

    def _call(self, *arguments: Any) -> Any:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return getattr(self.real, self.method)(*arguments)


@dataclass
class Pipeline:
    """Everything around `ingest_file`, in memory."""

    ingestions: FakeIngestions = field(default_factory=FakeIngestions)

    def __post_init__(self) -> None:
        ticks = itertools.count()
        clock = lambda: datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=next(ticks))  # noqa: E731
        self.raw, self.good, self.bad, self.artifacts = (FakeObjects() for _ in range(4))
        self.deps = IngestDependencies(
            validation=ValidationDependencies(FakeCatalog([USE_CASE]), self.raw, validate_rows, clock),
            good=self.good,
            bad=self.bad,
            artifacts=self.artifacts,
            ingestions=self.ingestions,
            reports=HtmlReports(self.artifacts),
            pause=lambda seconds: None,
        )

    def drop(
        self, *lines: str, name: str = "orders/a.csv", version: str = "1", content: bytes | None = None, **changes: Any
    ) -> RawFile:
        body = content if content is not None else "".join(f"{line}\n" for line in (HEADER, *lines)).encode()
        self.raw.put(name, body)
        return RawFile("raw", name, "etag", version, **changes)

    def let_default_be(self, use_case: str) -> None:
        self.deps = replace(self.deps, validation=replace(self.deps.validation, default_use_case=use_case))

    def ingest(self, file: RawFile) -> Ingestion:
        return ingest_file(file, self.deps)

    @property
    def alerts(self) -> list[Alert]:
        return list(self.ingestions.alerts.values())

    @property
    def objects(self) -> dict[str, list[str]]:
        stores = {"good": self.good, "bad": self.bad, "artifacts": self.artifacts}
        return {name: list(store.keys("")) for name, store in stores.items()}


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


def good_lines(count: int) -> list[str]:
    return [GOOD.format(id=number) for number in range(1, count + 1)]


def test_a_mixed_file_is_split_and_the_raw_object_stays_as_it_is(pipeline: Pipeline) -> None:
    file = pipeline.drop(*good_lines(2), BAD)
    before = pipeline.raw.get(file.key)
    done = pipeline.ingest(file)
    folder = f"orders/{file.file_id}/{USE_CASE.contract_sha256[:16]}"
    key = f"{folder}/a.csv"
    assert (done.status, done.rows_total, done.rows_good, done.rows_bad) == ("done", 3, 2, 1)
    assert (done.good_key, done.bad_key, done.report_key) == (key, key, f"reports/{folder}/done.html")
    assert pipeline.good.get(key) == good_object(HEADER, dict(enumerate(good_lines(2), start=1)))
    assert BAD in pipeline.bad.get(key).decode()
    assert pipeline.good.metadata[key] == {"raw-written-at": pipeline.raw.written_at.isoformat()}
    assert pipeline.raw.get(file.key) == before
    assert pipeline.ingestions.files[file.file_id] == done
    assert [row.raw for row in pipeline.ingestions.bad_rows[file.file_id]] == [BAD]
    assert {column.column for column in pipeline.ingestions.statistics[file.file_id]} == set(USE_CASE.feature_names)


def test_an_all_good_file_has_no_bad_object(pipeline: Pipeline) -> None:
    done = pipeline.ingest(pipeline.drop(*good_lines(2)))
    assert (done.bad_key, done.criticality) == (None, "none")
    assert pipeline.objects["bad"] == []


def test_an_all_bad_file_has_no_good_object(pipeline: Pipeline) -> None:
    done = pipeline.ingest(pipeline.drop(BAD))
    assert (done.good_key, done.criticality) == (None, "high")
    assert pipeline.objects["good"] == []


REMEDY = "put it at s3://raw/USE_CASE/NAME.csv, where USE_CASE is one of: orders."


def test_a_file_in_a_folder_that_is_no_use_case_is_rejected_with_a_report_and_an_alert(pipeline: Pipeline) -> None:
    done = pipeline.ingest(pipeline.drop(*good_lines(1), name="cars/a.csv"))
    assert (done.status, done.criticality) == ("rejected", "high")
    assert done.error == f"unknown_use_case: The file is in no use case's folder; {REMEDY}"
    assert done.report_key == f"reports/unknown/{done.file_id}/none/rejected.html"
    assert b"The file is in no use case&#39;s folder" in pipeline.artifacts.get(done.report_key)
    assert [alert.severity for alert in pipeline.alerts] == ["high"]


@pytest.mark.parametrize("default", ["", "cars"])
def test_a_file_in_no_folder_is_rejected_without_an_alert_where_there_is_no_default(
    pipeline: Pipeline, default: str
) -> None:
    pipeline.let_default_be(default)
    done = pipeline.ingest(pipeline.drop(*good_lines(1), name="a.csv"))
    assert (done.status, done.use_case, done.criticality) == ("rejected", None, "low")
    assert done.error == f"no_use_case: The file is in no folder; {REMEDY}"
    assert b"s3://raw/USE_CASE/NAME.csv" in pipeline.artifacts.get(str(done.report_key))
    assert pipeline.alerts == []


def test_a_file_in_no_folder_is_one_of_the_default_use_case(pipeline: Pipeline) -> None:
    pipeline.let_default_be("orders")
    done = pipeline.ingest(pipeline.drop(*good_lines(1), BAD, name="a.csv"))
    assert (done.status, done.use_case, done.key) == ("done", "orders", "a.csv")
    folder = f"orders/{done.file_id}/{USE_CASE.contract_sha256[:16]}"
    assert done.good_key == done.bad_key == f"{folder}/a.csv"
    assert [alert.subject for alert in pipeline.alerts] == ["a.csv"]


def test_a_default_use_case_takes_no_file_of_a_folder_that_is_no_use_case(pipeline: Pipeline) -> None:
    pipeline.let_default_be("orders")
    for name in ("cars/a.csv", "/a.csv"):
        assert pipeline.ingest(pipeline.drop(*good_lines(1), name=name)).status == "rejected"


def test_a_raw_object_that_is_gone_is_a_failed_ingestion(pipeline: Pipeline) -> None:
    done = pipeline.ingest(RawFile("raw", "orders/gone.csv", "1"))
    assert (done.status, done.error) == ("failed", "gone: The raw object is no longer there, or was replaced.")


def test_a_new_version_of_the_same_key_is_a_new_file(pipeline: Pipeline) -> None:
    first = pipeline.ingest(pipeline.drop(*good_lines(1), version="1"))
    second = pipeline.ingest(pipeline.drop(*good_lines(2), version="2"))
    assert first.good_key != second.good_key
    assert len(pipeline.objects["good"]) == 2


def test_a_second_delivery_finds_the_verdict_and_changes_nothing(pipeline: Pipeline) -> None:
    file = pipeline.drop(BAD)
    first = pipeline.ingest(file)
    objects = pipeline.objects
    assert pipeline.ingest(file) == first
    assert pipeline.objects == objects
    assert len(pipeline.alerts) == 1


def test_an_effect_that_fails_for_a_moment_is_repeated_alone(pipeline: Pipeline) -> None:
    file = pipeline.drop(*good_lines(1), BAD)
    flaky = Flaky(pipeline.bad, "put_new", StorageUnavailableError("away"), failures=2)
    saves = Flaky(pipeline.ingestions, "save", DatabaseUnavailableError("away"), failures=0)
    pipeline.deps = replace(pipeline.deps, bad=flaky, ingestions=saves)
    assert pipeline.ingest(file).bad_key
    assert (flaky.calls, saves.calls) == (3, 1)


@pytest.mark.parametrize("broken", ["good", "ingestions", "artifacts"])
def test_a_redelivery_does_what_is_missing_and_nothing_twice(pipeline: Pipeline, broken: str) -> None:
    file = pipeline.drop(*good_lines(1), BAD, BAD.replace("9", "8"))
    method = {"ingestions": "save", "artifacts": "put", "good": "put_new"}[broken]
    working = pipeline.deps
    away = Flaky(getattr(working, broken), method, UnavailableError("away"), failures=3)
    pipeline.deps = replace(working, **{broken: away})  # type: ignore[arg-type]
    with pytest.raises(UnavailableError):
        pipeline.ingest(file)
    assert not any(verdict.report_key for verdict in pipeline.ingestions.files.values())
    assert pipeline.alerts == [], "an alert could leave before the report it links to exists"
    pipeline.deps = working
    done = pipeline.ingest(file)
    assert done.good_key
    assert {name: len(keys) for name, keys in pipeline.objects.items()} == {"good": 1, "bad": 1, "artifacts": 1}
    assert len(pipeline.ingestions.files) == 1
    assert len(pipeline.alerts) == 1


STRICTER = UseCase.model_validate(USE_CASE.model_dump() | {"version": 2, "missing_values": [""]})


@pytest.mark.parametrize("died_before", ["save", "note_objects"])
def test_a_file_whose_contract_changed_half_way_agrees_with_its_objects(pipeline: Pipeline, died_before: str) -> None:
    file = pipeline.drop(*good_lines(2), "3,small,NA,12.5,NA,3,fine")
    working = pipeline.deps
    away = Flaky(pipeline.ingestions, died_before, DatabaseUnavailableError("away"), failures=3)
    pipeline.deps = replace(working, ingestions=away)
    with pytest.raises(UnavailableError):
        pipeline.ingest(file)

    pipeline.deps = replace(working, validation=replace(working.validation, catalog=FakeCatalog([STRICTER])))
    pipeline.ingest(file)

    done = pipeline.ingestions.files[file.file_id]
    assert (done.contract_sha256, done.rows_good, done.rows_bad) == (STRICTER.contract_sha256, 2, 1)
    assert pipeline.good.get(str(done.good_key)) == good_object(HEADER, dict(enumerate(good_lines(2), start=1)))
    assert pipeline.bad.get(str(done.bad_key)).count(b"\n") == 2


def test_a_worker_that_wakes_up_late_leaves_the_verdict_of_another_contract_alone(pipeline: Pipeline) -> None:
    file = pipeline.drop(*good_lines(2), "3,small,NA,12.5,NA,3,fine")
    deps = pipeline.deps
    other = replace(deps, validation=replace(deps.validation, catalog=FakeCatalog([STRICTER])))
    save = pipeline.ingestions.save

    def overtaken(*arguments: Any) -> bool:
        pipeline.ingestions.save = save  # type: ignore[method-assign]
        saved = save(*arguments)
        ingest_file(file, other)
        return saved

    pipeline.ingestions.save = overtaken  # type: ignore[method-assign,assignment]
    with pytest.raises(OvertakenError):
        pipeline.ingest(file)

    stored = pipeline.ingestions.files[file.file_id]
    assert stored.contract_sha256 == STRICTER.contract_sha256
    assert STRICTER.contract_sha256[:16] in str(stored.good_key)
    assert pipeline.ingest(file) == stored


def test_newer_bytes_are_not_judged_as_the_older_file(pipeline: Pipeline) -> None:
    pipeline.drop(*good_lines(2))
    older = RawFile("raw", "orders/a.csv", etag=str(len(pipeline.raw.get("orders/a.csv"))))
    pipeline.drop(*good_lines(3))
    newer = RawFile("raw", "orders/a.csv", etag=str(len(pipeline.raw.get("orders/a.csv"))))
    assert pipeline.ingest(older).error == "gone: The raw object is no longer there, or was replaced."
    assert pipeline.ingest(newer).rows_good == 3


ODD_KEYS = [
    "orders/",
    "orders/..",
    "orders/../../a.csv",
    "orders/\x01.csv",
    "orders/a\0b.csv",
    "orders/" + "ü" * 508,
    "orders/" + "x" * 1017,
    "orders/a\u202eb\U0001f600.csv",
    "orders/=cmd|' /C calc'!A0",
    "orders/ .csv",
]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_whatever_the_key_there_is_one_verdict_and_no_object_that_s3_refuses(pipeline: Pipeline, key: str) -> None:
    done = pipeline.ingest(pipeline.drop(*good_lines(1), BAD, name=key))
    assert list(pipeline.ingestions.files.values()) == [done]
    assert bool(done.error) == any(character in key for character in "\x00\x01")
    for name in (*pipeline.objects["good"], *pipeline.objects["bad"], *pipeline.objects["artifacts"]):
        assert len(name.encode()) <= 700
        assert name.isprintable()
        assert ".." not in name
    assert not any("\0" in alert.subject for alert in pipeline.alerts)


def test_a_failed_verdict_gives_way_to_the_next_and_its_report_too(pipeline: Pipeline) -> None:
    file = pipeline.drop(*good_lines(1))
    failed = ingest_file(file, pipeline.deps, broke=ValueError("1,Secret,3"))
    assert (failed.status, failed.criticality, failed.rows_total) == ("failed", "high", 0)
    assert failed.error == "internal_error: Ingestion broke on the file with ValueError; its log says where."
    assert b"Ingestion broke on the file" in pipeline.artifacts.get(str(failed.report_key))
    again = ingest_file(file, pipeline.deps, broke=KeyError("x"))
    assert b"KeyError" in pipeline.artifacts.get(str(again.report_key))
    done = pipeline.ingest(file)
    assert (done.status, pipeline.ingestions.files) == ("done", {file.file_id: done})
    assert b"Ingestion broke on the file" not in pipeline.artifacts.get(str(done.report_key))
    assert [alert.state for alert in pipeline.alerts] == ["firing", "resolved"]


def test_what_broke_a_delivery_changes_no_verdict_that_is_there(pipeline: Pipeline) -> None:
    file = pipeline.drop(*good_lines(1))
    done = pipeline.ingest(file)
    assert ingest_file(file, pipeline.deps, broke=ValueError()) == done


def test_a_verdict_that_cannot_be_finished_becomes_a_failed_one(pipeline: Pipeline) -> None:
    file = pipeline.drop(*good_lines(1))
    reports: Any = Flaky(HtmlReports(pipeline.artifacts), "write", ValueError("no such filter"), failures=1)
    pipeline.deps = replace(pipeline.deps, reports=reports)
    with pytest.raises(ValueError, match="filter"):
        pipeline.ingest(file)
    assert ingest_file(file, pipeline.deps, broke=ValueError()).status == "failed"
    assert pipeline.ingestions.files[file.file_id].report_key


def test_a_bad_file_fires_once_and_its_correction_resolves_once(pipeline: Pipeline) -> None:
    for version, lines in (
        ("1", [BAD]),
        ("1", [BAD]),
        ("2", good_lines(3)),
        ("2", good_lines(3)),
        ("3", good_lines(4)),
    ):
        pipeline.ingest(pipeline.drop(*lines, version=version))
    assert [alert.state for alert in pipeline.alerts] == ["firing", "resolved"]
    assert pipeline.alerts[0].payload["issues"] == "size unknown_category (1)"
    assert pipeline.alerts[0].payload["file_id"] == RawFile("raw", "orders/a.csv", "etag", "1").file_id


LATER = datetime(2026, 1, 2, 12, tzinfo=UTC)
OLDER_AND_NEWER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sequencers": ({"sequencer": "0055AED6DCD90281E5"}, {"sequencer": "0055AED6DCD90281E50A"}),
    "times": ({"written_at": LATER - timedelta(seconds=1)}, {"written_at": LATER}),
    "a sequencer and times": ({"sequencer": "FF", "written_at": LATER - timedelta(seconds=1)}, {"written_at": LATER}),
}


@pytest.mark.parametrize("case", OLDER_AND_NEWER)
def test_an_older_version_judged_late_neither_fires_nor_resolves(case: str) -> None:
    older, newer = OLDER_AND_NEWER[case]
    for first, late, states in ((good_lines(3), [BAD], []), ([BAD], good_lines(3), ["firing"])):
        pipeline = Pipeline()
        pipeline.ingest(pipeline.drop(*first, version="2", **newer))
        pipeline.ingest(pipeline.drop(*late, version="1", **older))
        assert [alert.state for alert in pipeline.alerts] == states


@pytest.mark.parametrize("case", OLDER_AND_NEWER)
def test_versions_in_order_fire_and_resolve(pipeline: Pipeline, case: str) -> None:
    older, newer = OLDER_AND_NEWER[case]
    pipeline.ingest(pipeline.drop(BAD, version="1", **older))
    pipeline.ingest(pipeline.drop(*good_lines(3), version="2", **newer))
    assert [alert.state for alert in pipeline.alerts] == ["firing", "resolved"]


@pytest.mark.parametrize(("bad", "fires"), [(0, False), (9, False), (10, True)])
def test_an_alert_fires_from_medium_criticality_on(pipeline: Pipeline, bad: int, fires: bool) -> None:
    lines = [*good_lines(100 - bad), *(BAD.replace("9", f"b{number}") for number in range(bad))]
    pipeline.ingest(pipeline.drop(*lines))
    assert bool(pipeline.alerts) is fires


HOSTILE = '<script>alert("x")</script>'


def report_of(pipeline: Pipeline, file: RawFile) -> str:
    done = pipeline.ingest(file)
    assert done.report_key
    return pipeline.artifacts.get(done.report_key).decode()


def test_what_came_with_a_file_is_escaped_in_its_report(pipeline: Pipeline) -> None:
    html = report_of(
        pipeline,
        pipeline.drop(
            f"1,<img src=x onerror=alert(1)>,1,=cmd|' /C calc'!A0,,3,{HOSTILE.replace(chr(34), '')}",
            name=f"orders/{HOSTILE.replace('/', '')}.csv",
        ),
    )
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;img src=x" in html


def test_a_hostile_header_and_rejection_are_escaped_too(pipeline: Pipeline) -> None:
    lines = f"{HEADER},<b>x</b>\n{GOOD.format(id=1)},\n".encode()
    assert "<b>x</b>" not in report_of(pipeline, pipeline.drop(content=lines))
    assert "<svg" not in report_of(pipeline, pipeline.drop(*good_lines(1), name="<svg onload=alert(1)>/a.csv"))


def test_a_report_has_no_link_and_says_where_the_rows_are(pipeline: Pipeline) -> None:
    file = pipeline.drop(*good_lines(1), BAD)
    html = report_of(pipeline, file)
    assert "href" not in html
    assert html.count(str(pipeline.ingestions.files[file.file_id].good_key)) == 2


def test_a_megabyte_cell_is_named_and_shown_shortened(pipeline: Pipeline) -> None:
    html = report_of(pipeline, pipeline.drop(f"1,{'x' * 2**20},1,1,,3,", GOOD.format(id=2)))
    assert "the cell is absurdly long" in html
    assert len(html) < 40_000


def test_a_compressed_bomb_is_rejected_unopened(pipeline: Pipeline) -> None:
    import gzip

    bomb = gzip.compress(b"0" * 2**26)
    done = pipeline.ingest(pipeline.drop(content=bomb))
    remedy = "send the CSV file itself, or give the use case's `format` the `compression: gzip`"
    assert done.error == f"compressed: The file is gzip, not CSV text; {remedy}."


def test_the_database_keeps_the_first_bad_rows_and_the_bad_object_all(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tabserve.ingestion.validation.BAD_ROWS_STORED", 3)
    done = pipeline.ingest(pipeline.drop(*good_lines(5), *[BAD.replace("9", str(n), 1) for n in range(10, 15)]))
    assert [row.row_number for row in pipeline.ingestions.bad_rows[done.file_id]] == [6, 7, 8]
    bad = list(read_bad_rows(pipeline.bad.open(str(done.bad_key))))
    assert [row.row_number for row in bad] == [6, 7, 8, 9, 10]
    assert (done.rows_bad, pipeline.ingestions.issues[done.file_id][0].rows) == (5, 5)


def test_a_file_without_time_to_be_judged_is_rejected_once(pipeline: Pipeline) -> None:
    file = pipeline.drop(*good_lines(2))
    done = ingest_file(file, pipeline.deps, seconds_left=lambda: 60)
    assert (done.status, str(done.error).partition(":")[0]) == ("rejected", "out_of_time")
    assert pipeline.ingest(file).status == "rejected"


def test_a_file_beyond_the_size_limit_is_not_even_opened(pipeline: Pipeline) -> None:
    done = pipeline.ingest(RawFile("raw", "orders/huge.csv", "1", size=2**40))
    assert done.error == f"too_large: The file is larger than 1024 MiB; {SPLIT_IT}."


def test_a_file_of_a_retired_use_case_is_told_so_and_stays_where_it_is(pipeline: Pipeline) -> None:
    class Retired(FakeCatalog):
        def get(self, name: str) -> UseCase:
            raise RetiredUseCaseError(name)

    file = pipeline.drop(*good_lines(2))
    working = pipeline.deps
    pipeline.deps = replace(working, validation=replace(working.validation, catalog=Retired([USE_CASE])))

    done = pipeline.ingest(file)

    assert (done.status, done.rows_total) == ("rejected", 0)
    assert done.error == (
        f"retired_use_case: The use case {USE_CASE.name!r} is retired; "
        "to bring it back, promote one of its versions with scripts/models.py."
    )
    assert pipeline.good.objects == pipeline.bad.objects == {}
