"""Bad rows beyond those that the database keeps, out of the bad object."""

import io
from typing import Any

import httpx
import pandas as pd
import pytest

from tabserve.ingestion.quarantine import HEADER, bad_record
from tabserve.ingestion.validation_result import Reason
from ui import bad_rows
from ui.api import ApiClient
from ui.errors import UiError
from ui.queries import BAD_ROWS_STORED
from ui.settings import PageSettings

RAW = ['{n},"a, b",x', "{n},\xe9\u2028,\x0b", '{n},"over\ntwo lines"', '{n},"open']
REASON = Reason("Age", "not_a_number", 'say "x"')


def bad_object(rows: int) -> bytes:
    raws = (RAW[n % len(RAW)].replace("{n}", str(n)).encode() for n in range(1, rows + 1))
    return HEADER + b"".join(bad_record(n, n + 1, [REASON], raw) for n, raw in enumerate(raws, start=1))


def test_rows_are_read_from_any_place_as_they_were_written() -> None:
    content = io.BytesIO(bad_object(50))
    found = bad_rows.from_object(iter(lambda: content.read(7), b""), 10, 4)
    assert list(found.columns) == ["row_number", "line_number", "raw", "reasons"]
    assert found["row_number"].tolist() == [11, 12, 13, 14]
    assert found["raw"].tolist() == [RAW[n % len(RAW)].replace("{n}", str(n)) for n in range(11, 15)]
    assert found["reasons"][0] == [{"column": "Age", "rule": "not_a_number", "value": 'say "x"'}]
    assert len(bad_rows.from_object([bad_object(50)], 48, 10)) == 2


def test_bytes_that_are_no_text_are_shown_as_the_database_shows_them() -> None:
    content = HEADER + bad_record(1, 2, [REASON], b"1,\xff\0")
    assert bad_rows.from_object([content], 0, 1)["raw"].tolist() == [r"1,\xff\x00"]


class Database:
    """Has the first bad rows."""

    def frame(self, sql: str, **parameters: Any) -> pd.DataFrame:
        return pd.DataFrame({"from": ["database"], **{name: [value] for name, value in parameters.items()}})


def answering(status: int) -> ApiClient:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "api":
            return httpx.Response(200, json={"file_id": "f", "url": "https://bucket/bad.csv"})
        return httpx.Response(status, content=bad_object(12_000))

    return ApiClient(PageSettings("https://api", "k", "", ""), httpx.MockTransport(answer))


def test_the_first_rows_are_the_databases_and_the_others_the_buckets() -> None:
    database: Any = Database()
    first = bad_rows.read(database, answering(200), "f", BAD_ROWS_STORED - 200, 200)
    assert first["from"].tolist() == ["database"]
    others = bad_rows.read(database, answering(200), "f", BAD_ROWS_STORED, BAD_ROWS_STORED)
    assert (others["row_number"].min(), others["row_number"].max()) == (10_001, 12_000)


def test_a_bucket_that_does_not_answer_is_said() -> None:
    database: Any = Database()
    with pytest.raises(UiError, match="file store does not answer"):
        bad_rows.read(database, answering(503), "f", BAD_ROWS_STORED, 200)
