"""How far files are, read from the database."""

from collections.abc import Sequence

import pytest

from tabserve.core.database import Database
from tabserve.ingestion.store import Ingestions
from tabserve.ingestion.validation_result import BadRow
from tabserve.serving.store import prediction_store
from tests.factories import file_batch, ingestion
from ui import progress
from ui.database import ReaderDatabase


@pytest.mark.parametrize(("rows", "predicted"), [([], 0), ([1, 3], 2), ([1, 3, 4], 3), ([1, 3, 4, 5], 4)])
def test_a_file_is_as_far_as_its_last_prediction(
    postgres: Database, postgres_url: str, rows: Sequence[int], predicted: int
) -> None:
    Ingestions(postgres).save(ingestion("f1", rows_total=5, rows_good=4, rows_bad=1), [], [BadRow(2, 3, "", ())])
    if rows:
        prediction_store(postgres_url).add_of_file(file_batch("f1", rows), 1)

    found = progress.of_use_case(ReaderDatabase(postgres_url))

    assert found is not None
    assert (found.good, found.predicted) == (4, predicted)
    assert found.has_begun == bool(rows)


def test_where_not_all_bad_rows_are_stored_they_count_as_spread_evenly(
    postgres: Database, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "BAD_ROWS_STORED", 2)
    stored = [BadRow(number, number + 1, "", ()) for number in (1, 2)]
    Ingestions(postgres).save(ingestion("f1", rows_total=100, rows_good=50, rows_bad=50), [], stored)
    prediction_store(postgres_url).add_of_file(file_batch("f1", [40]), 1)

    found = progress.of_file(ReaderDatabase(postgres_url), "f1")

    assert found is not None
    assert (found.good, found.predicted) == (50, 20)
