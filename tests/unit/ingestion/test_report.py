"""The report on a file: expectations, shares, the model's reference, a rejected file."""

import json
from pathlib import Path

import numpy as np

from tabserve.core.features import CategoryFeature, NumberFeature
from tabserve.core.files import Ingestion
from tabserve.core.folder import FolderStore
from tabserve.core.target import Target
from tabserve.core.use_case import UseCase
from tabserve.ingestion.expectations import expectations, percent
from tabserve.ingestion.report import HtmlReports
from tabserve.ingestion.validation_result import ColumnStatistics, Issue, ValidationResult
from tabserve.reference.profile import CategoricalProfile, NumericProfile, Profile
from tests.factories import ingestion
from ui.components import file_report


def store(root: Path, rows: int = 5) -> FolderStore:
    columns: dict[str, NumericProfile | CategoricalProfile] = {
        "price": NumericProfile.of(np.array([1.0, 2.0, 3.0, 10.0, np.nan])),
        "size": CategoricalProfile(1, 0, {"small": 1, "large": 3}),
        "@prediction": CategoricalProfile(0, 0, {"no": 5}),
    }
    reference = {"schema": 1, "profile": Profile(rows, columns).to_dict(), "calibration": {}}
    artifacts = FolderStore(root)
    artifacts.put("models/orders/aliases/champion.json", b'{"version": "v1"}')
    artifacts.put("models/orders/v1/reference.json", json.dumps(reference).encode())
    return artifacts


def test_the_champions_profile_becomes_statistics(tmp_path: Path) -> None:
    found = HtmlReports(store(tmp_path)).reference("orders")
    assert set(found) == {"price", "size"}
    price = found["price"].statistics
    assert (price.count, price.missing, price.minimum, price.mean, price.maximum) == (5, 1, 1.0, 4.0, 10.0)
    assert found["size"].statistics.top == (("large", 3), ("small", 1))


def test_without_a_champion_there_is_no_reference(tmp_path: Path) -> None:
    assert HtmlReports(FolderStore(tmp_path)).reference("orders") == {}


def test_a_malformed_reference_does_not_stop_a_report(tmp_path: Path) -> None:
    artifacts = store(tmp_path)
    artifacts.put("models/orders/v1/reference.json", b"{}")
    assert HtmlReports(artifacts).reference("orders") == {}


ORDERS = UseCase(
    name="orders",
    version=1,
    task="binary_classification",
    id_column="id",
    features=(
        NumberFeature(name="price", type="number", minimum=0, maximum=5000, required=False, impute="mean"),
        CategoryFeature(name="size", type="category", categories=("small", "large")),
    ),
    target=Target(name="kept", classes=(0, 1), positive_class=1),
)
RESULT = ValidationResult(
    1000,
    993,
    7,
    (
        Issue("size", "case_variant", 7, ("Small",)),
        *(Issue(f"other {place}", "formula_cell", 1, ("=1",)) for place in range(12)),
    ),
    (
        ColumnStatistics("price", 1000, 20, 1.0, 2.5, 4.0, (1, 2, 2.5, 3, 4), (), (1.0, 2.5, 4.0), (300, 100)),
        ColumnStatistics("size", 1000, 0, top=(("small", 600), ("large", 393))),
    ),
)


def written(root: Path, file: Ingestion, result: ValidationResult = RESULT) -> str:
    return HtmlReports(store(root)).write(file, result, ORDERS).decode()


def test_every_expectation_stands_beside_what_came() -> None:
    found = {each.column: each for each in expectations(ORDERS, RESULT)}
    assert [name for name, each in found.items() if each.holds] == ["each row", "id", "price"]
    assert found["price"].expected == "a number from 0 to 5,000, or nothing"
    assert found["price"].observed == "1 to 4, 2 % missing"
    assert found["size"].expected == "one of small, large"
    assert found["size"].observed == "7 rows: the category is written in another case (“Small”)"


def test_bars_have_the_true_share_and_rules_are_sentences(tmp_path: Path) -> None:
    page = written(tmp_path, ingestion(use_case="orders", rows_total=1000, rows_good=993, rows_bad=7))
    assert "3 of 16 expectations hold" in page
    assert "<b>size</b>: the category is written in another case" in page
    assert 'class="broken" style="width: 0.70%"' in page
    assert "<summary>3 more</summary>" in page
    assert "case_variant" not in page
    assert "None" not in page


def test_numbers_are_drawn_beside_the_reference(tmp_path: Path) -> None:
    page = written(tmp_path, ingestion(use_case="orders"))
    assert "1 to 2.5: 75 %; 2.5 to 4: 25 %;" in page
    assert "height: 66.7%" in page  # of 75 % here, the reference has 50 %


def test_a_rejected_file_has_its_header_beside_the_expected_one(tmp_path: Path) -> None:
    file = ingestion(status="rejected", error="missing_column: The header lacks size.", use_case="orders")
    page = written(tmp_path, file, ValidationResult(0, 0, 0, (), header=("id", "price", "<b>")))
    assert "The file was rejected" in page
    assert "<p>The header lacks size.</p>" in page
    assert '<li class="marked">size <small>missing</small></li>' in page
    assert '<li class="noted">&lt;b&gt; <small>not read</small></li>' in page
    assert "expectations hold" not in page


def test_the_web_page_can_take_its_part_of_a_report(tmp_path: Path) -> None:
    page = written(tmp_path, ingestion(use_case="orders"))
    style, part = file_report.STYLE.search(page), file_report.PART.search(page)
    assert style is not None
    assert part is not None
    assert all(line.strip().startswith((".ts-report", "<")) for line in style.group().splitlines())
    assert "<h1" not in part.group()


def test_shares_are_never_rounded_to_all_or_nothing() -> None:
    assert [percent(part, 10_000) for part in (0, 1, 2_470, 10_000)] == ["0 %", "under 0.1 %", "24.7 %", "100 %"]


def test_a_report_links_to_the_page_if_there_is_one(tmp_path: Path) -> None:
    file = ingestion(use_case="orders", rows_total=1000, rows_good=993, rows_bad=7)
    page = HtmlReports(store(tmp_path), "https://page").write(file, RESULT, ORDERS).decode()
    assert f'href="https://page/data-quality?file={file.file_id}"' in page
    assert "href" not in written(tmp_path, file)
