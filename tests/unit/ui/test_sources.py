"""Files of one source are found by their names."""

import pandas as pd
import pytest

from ui import sources


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("titanic/store_35_2026-11-21.csv", "store_35"),
        ("titanic/store_35-20261121T235900.csv", "store_35"),
        ("titanic/store_35_2026-11-21-repaired-20261122T010203.csv", "store_35"),
        ("titanic/voyage-20261121T235900.csv", "voyage"),
        ("titanic/titanic-12.csv", "titanic"),
        ("titanic/2026-11.csv", ""),
        ("titanic/passengers.csv", "passengers"),
        ("titanic/2026/11/21/store_7.csv", "store"),
    ],
)
def test_the_source_is_what_names_share(key: str, source: str) -> None:
    assert sources.source_of(key) == source


def test_a_source_has_its_own_files_oldest_first_and_a_rejected_one_is_wholly_bad() -> None:
    found = pd.DataFrame(
        {
            "key": ["t/store_3_2026-11-03.csv", "t/store_3_2026-11-02.csv", "t/store_35_2026-11-01.csv"],
            "status": ["done", "rejected", "done"],
            "rows_total": [200, 0, 100],
            "rows_bad": [50, 0, 1],
            "finished_at": pd.to_datetime(["2026-11-03", "2026-11-02", "2026-11-01"], utc=True),
        }
    )
    files = sources.of_source(found, "t/store_3_2026-11-03.csv")
    assert files["share"].tolist() == [1.0, 0.25]
    assert sources.summary(files) == sources.Summary(files=2, rejected=1, rows=200, bad=50)
    assert sources.summary(files).share == 0.25
