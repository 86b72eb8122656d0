import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabserve.core.events import GoodFile, good_file_message, good_files, raw_file_message, raw_files
from tabserve.core.files import RawFile

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
zones = st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes)))
raw = st.builds(
    RawFile,
    bucket=texts,
    key=texts,
    etag=st.text("0123456789abcdef-"),
    version_id=st.none() | texts,
    written_at=st.none() | st.datetimes(timezones=zones),
    size=st.none(),
    sequencer=st.none(),
)
good = st.builds(GoodFile, bucket=texts, key=texts, etag=st.text("0123456789abcdef-"), offset=st.integers(0))


@given(raw)
def test_a_message_about_a_raw_file_says_everything_about_it(file: RawFile) -> None:
    assert list(raw_files(raw_file_message(file).decode())) == [file]


@given(good)
def test_a_message_about_a_good_file_says_everything_about_it(file: GoodFile) -> None:
    assert list(good_files(good_file_message(file).decode())) == [file]


def test_s3_writes_a_key_as_a_form_does() -> None:
    (record,) = json.loads(good_file_message(GoodFile("good", "orders/00ff/a b+c.csv")))["Records"]
    assert record["s3"]["object"]["key"] == "orders/00ff/a+b%2Bc.csv"


def test_a_message_of_s3_itself_may_say_more() -> None:
    item = {"key": "a/b.csv", "eTag": '"1f"', "size": 9, "versionId": "v1", "sequencer": "0A"}
    record = {"eventTime": "2026-01-02T03:04:05.678Z", "s3": {"bucket": {"name": "raw"}, "object": item}}
    (file,) = raw_files(
        json.dumps(
            {
                "Records": [
                    record,
                ]
            }
        )
    )
    at = datetime.fromisoformat("2026-01-02T03:04:05.678+00:00")
    assert file == RawFile("raw", "a/b.csv", "1f", "v1", 9, "0A", written_at=at)


@pytest.mark.parametrize("read", [raw_files, good_files])
def test_the_test_event_that_s3_sends_first_is_about_no_file(read: type) -> None:
    assert list(read('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "raw"}')) == []
