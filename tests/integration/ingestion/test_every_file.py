"""Two properties: whatever bytes arrive there is one verdict with right sums, and what is good can be predicted."""

import gzip
import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tabserve.core.catalog import YamlCatalog
from tabserve.core.clock import utc_now
from tabserve.core.database import Database
from tabserve.core.features import CategoryFeature, Feature, NumberFeature
from tabserve.core.files import Ingestion, RawFile
from tabserve.core.good_rows import GoodRows, Records
from tabserve.core.limits import FileFormat
from tabserve.core.use_case import UseCase
from tabserve.core.validation import validate
from tabserve.ingestion.quarantine import read_bad_rows
from tabserve.ingestion.report import HtmlReports
from tabserve.ingestion.service import IngestDependencies, ingest_file
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.structure import write_record
from tabserve.ingestion.validation import ValidationDependencies
from tabserve.ingestion.validator import validate_rows
from tests.definitions import CATALOG
from tests.fakes.catalog import FakeCatalog
from tests.fakes.objects import FakeObjects

NASTY = UseCase.model_validate(
    {
        "name": "nasty",
        "version": 1,
        "task": "multiclass_classification",
        "id_column": "row_number",
        "missing_values": ["?", "n/a", " "],
        "features": [
            {"name": "rows", "type": "category", "categories": ["=1", 'a "b", c', " x", "é\u0301", "A", "a"]},
            {"name": "status", "type": "integer", "minimum": -9007199254740992, "maximum": 9007199254740992},
            {"name": "id", "type": "number", "minimum": -1.5, "maximum": 1e308, "required": False, "impute": "mean"},
            {"name": "Features", "type": "integer", "minimum": 0.5, "maximum": 1.5},
        ],
        "target": {"name": "reasons", "classes": [0, 1, 2]},
    }
)
OWN = YamlCatalog(Path(__file__).parents[2] / "own_data/hostile")
USE_CASES = [*map(CATALOG.get, CATALOG.names()), *map(OWN.get, OWN.names()), NASTY]
FORMATS = {use_case.name: use_case.format for use_case in USE_CASES}
# Not shrunk: the files are small, and shrinking takes minutes where each example is a transaction.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
BUDGET = settings(max_examples=30, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))


@dataclass
class World:
    """Buckets in memory and a database that is none."""

    database: Database

    def __post_init__(self) -> None:
        self.numbers = itertools.count()
        self.raw, self.good, self.bad, self.artifacts = (FakeObjects() for _ in range(4))
        self.deps = IngestDependencies(
            validation=ValidationDependencies(FakeCatalog(USE_CASES), self.raw, validate_rows, utc_now),
            good=self.good,
            bad=self.bad,
            artifacts=self.artifacts,
            ingestions=Ingestions(self.database),
            reports=HtmlReports(self.artifacts),
        )

    def ingest(self, key: str, content: bytes) -> Ingestion:
        """Take a new version of a file to its verdict, twice; check the verdict against all that was written."""
        self.raw.put(key, content)
        file = RawFile("raw", key, "etag", f"version {next(self.numbers)}")
        done = ingest_file(file, self.deps)
        assert ingest_file(file, self.deps) == self.deps.ingestions.find(file.file_id)
        assert done.rows_total == done.rows_good + done.rows_bad
        assert bool(done.error) == (done.status != "done")
        assert done.report_key is not None
        assert self.artifacts.get(done.report_key)
        delimiter = FORMATS.get(done.use_case or "", FileFormat()).delimiter
        good = [number for number, _ in GoodRows(self._good(done), delimiter)] if done.good_key else []
        bad = list(read_bad_rows(io.BytesIO(self.bad.get(done.bad_key)))) if done.bad_key else []
        assert (len(good), len(bad)) == (done.rows_good, done.rows_bad)
        assert sorted([*good, *(row.row_number for row in bad)]) == list(range(1, done.rows_total + 1))
        assert self._count("count(*)", "bad_rows", file) == len(bad)
        assert self._count("coalesce(sum(rows), 0)", "data_quality_issues", file) == sum(len(r.reasons) for r in bad)
        return done

    def predictable(self, use_case: UseCase, done: Ingestion) -> None:
        """Check that the prediction service refuses none of a file's good rows."""
        rows = GoodRows(self._good(done), use_case.format.delimiter)
        records = Records(use_case, rows.columns)
        validated = validate(use_case, [records.read(cells) for _, cells in rows])
        assert validated.errors == {}
        assert len(validated.indices) == done.rows_good
        assert all(validated.entity_ids)

    def _good(self, done: Ingestion) -> io.BytesIO:
        return io.BytesIO(self.good.get(done.good_key or ""))

    def _count(self, what: str, table: str, file: RawFile) -> int:
        query = text(f"SELECT {what} FROM {table} WHERE file_id = :file_id")
        with self.database.transaction() as connection:
            return int(connection.execute(query, {"file_id": file.file_id}).scalar_one())


@pytest.fixture
def world(postgres: Database) -> World:
    return World(postgres)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ODD = st.sampled_from(
    [
        *"\0\x01\t\n\x1f\x7f\x85\u2028\u3000\u200b\ufeff,;\"'=+-@ ",
        "\r\n",
        '""',
        "NA",
        "?",
        "x" * 250,
        "ü" * 201,
        "1e999",
    ]
)
EDGES = st.sampled_from([0, 1, -1, 0.5, 2**53, 2**53 + 1, -(2**53) - 1, 10**30, 1e308, 1e-320, 1.0000000000000002])


def likely(feature: Feature, use_case: UseCase) -> st.SearchStrategy[str]:
    """Cells that are good more often than not."""
    missing = st.sampled_from(use_case.missing_values)
    if isinstance(feature, CategoryFeature):
        return st.sampled_from(feature.texts) | missing
    assert isinstance(feature, NumberFeature)
    low, high = int(feature.minimum), int(feature.maximum)
    near = st.integers(low - 1, low + 2) | st.integers(high - 2, high + 1) | st.integers(low, high)
    numbers = near if feature.type == "integer" else near | st.floats(feature.minimum, feature.maximum)
    return numbers.map(str) | numbers.map("+{}".format) | EDGES.map(str) | missing


def ids() -> st.SearchStrategy[str]:
    return st.integers(0, 10**9).map(str) | st.text(st.characters(exclude_categories=["Cs"]), max_size=230) | ODD


@st.composite
def files(draw: st.DrawFn, use_case: UseCase) -> bytes:
    """CSV files of a use case, most of their rows good; columns in any order, extra ones among them."""
    cells = {
        **{name: ids() for name in use_case.id_columns},
        **{f.name: likely(f, use_case) for f in use_case.features},
    }
    extra = draw(st.lists(TEXT | ODD, max_size=3)) if draw(st.booleans()) else []
    columns = draw(st.permutations([*cells, *extra]))
    rows = draw(st.lists(st.tuples(*(cells.get(name, TEXT | ODD) for name in columns)), max_size=12))
    return "".join(f"{write_record(row)}\n" for row in (columns, *rows)).encode()


@st.composite
def mutations(draw: st.DrawFn, use_case: UseCase) -> bytes:
    """CSV files with bytes put in, taken out, doubled or changed as a whole."""
    content = draw(files(use_case))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        piece = draw(
            st.binary(max_size=6) | st.sampled_from([b'"', b"\n", b"\r", b"\0", b",", b"\xff", b"\xef\xbb\xbf"])
        )
        content = content[:start] + draw(st.sampled_from([b"", piece, content[start:end] * 2])) + content[end:]
    return draw(st.sampled_from(WHOLE))(content)


WHOLE: list[Callable[[bytes], bytes]] = [
    *[lambda content: content] * 6,
    gzip.compress,
    lambda content: content.replace(b"\n", b"\r\n"),
    lambda content: content.replace(b",", b";"),
    lambda content: content.decode(errors="replace").encode("utf-16"),
    lambda content: content.decode(errors="replace").encode("latin-1", "replace"),
    lambda content: b"\xef\xbb\xbf" + content,
    lambda content: content * 3,
    lambda content: content.rstrip(b"\n"),
]
KEYS = st.sampled_from(["a.csv", "", "..", "\x01", "a\0b", "ü" * 500, "a b+%.csv", "x/y/../z"]) | TEXT


@pytest.mark.timeout(180)
@BUDGET
@given(data=st.data())
def test_whatever_bytes_arrive_there_is_one_verdict_with_right_sums(data: st.DataObject, world: World) -> None:
    use_case = data.draw(st.sampled_from(USE_CASES))
    content = data.draw(st.binary(max_size=300) | mutations(use_case))
    world.ingest(f"{data.draw(st.sampled_from([use_case.name] * 9 + ['nobody']))}/{data.draw(KEYS)}", content)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("use_case", USE_CASES, ids=lambda use_case: use_case.name)
@BUDGET
@given(data=st.data())
def test_what_ingestion_calls_good_is_predicted(data: st.DataObject, use_case: UseCase, world: World) -> None:
    done = world.ingest(f"{use_case.name}/a.csv", data.draw(files(use_case)))
    if done.rows_good:
        world.predictable(use_case, done)
