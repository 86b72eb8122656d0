import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from tabserve.core.buckets import ObjectStore
from tabserve.core.errors import StorageUnavailableError
from tabserve.core.folder import FolderStore
from tabserve.core.s3 import S3Store
from tabserve.core.service import aws_client
from tabserve.core.settings import Settings
from tabserve.ingestion.raw_bucket import S3RawBucket
from tabserve.serving.links import S3Links
from tests.lambdas import emulated
from tests.servers import Answer, receiver


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    if request.param == "folder":
        yield FolderStore(tmp_path / "objects")
        return
    with emulated(buckets=("artifacts",)) as aws:
        yield S3Store(aws.s3, "artifacts")


def test_an_object_reads_back_as_it_was_written(store: ObjectStore) -> None:
    store.put("a/b.bin", b"\x00one")
    store.put("a/b.bin", b"\x00two")
    assert store.get("a/b.bin") == b"\x00two"
    with store.open("a/b.bin") as stream:
        assert stream.read(3) == b"\x00tw"


def test_a_create_only_write_leaves_the_first_object(store: ObjectStore) -> None:
    assert store.put_new("a/b", b"first")
    assert not store.put_new("a/b", b"second")
    assert store.get("a/b") == b"first"


def test_an_object_is_replaced_as_long_as_it_is_the_one_that_was_read(store: ObjectStore) -> None:
    store.put("a/b", b"first")
    body, etag = store.tagged("a/b")
    assert body == b"first"
    assert store.replace("a/b", b"second", etag)
    assert not store.replace("a/b", b"third", etag)
    assert store.get("a/b") == b"second"
    assert not store.replace("a/absent", b"x", etag)
    assert list(store.keys("a/")) == ["a/b"]
    with pytest.raises(KeyError):
        store.tagged("a/absent")


def test_of_many_concurrent_replacements_one_wins(store: ObjectStore) -> None:
    store.put("a/b", b"first")
    _, etag = store.tagged("a/b")
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda number: store.replace("a/b", b"%d" % number, etag), range(16)))
    assert won.count(True) == 1
    assert store.get("a/b") == b"%d" % won.index(True)


def test_a_create_only_write_takes_a_whole_file_wherever_it_was_read_to(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"from a file")
    with (tmp_path / "body").open("rb") as stream:
        stream.read(5)
        assert store.put_new("f", stream)
    assert store.get("f") == b"from a file"


def test_one_of_many_concurrent_create_only_writes_wins(store: ObjectStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda number: store.put_new("k", bytes([number])), range(8)))
    assert sum(written) == 1
    assert store.get("k") == bytes([written.index(True)])


@pytest.fixture
def bucket() -> Iterator[S3Store]:
    with emulated(buckets=("good",)) as aws:
        yield S3Store(aws.s3, "good")


def test_an_object_is_read_on_from_where_another_reader_stopped(bucket: S3Store) -> None:
    assert bucket.put_new("k", b"0123456789", metadata={"raw-written-at": "then"})
    first = bucket.read("k")
    assert (first.size, first.metadata, first.written_at.utcoffset()) == (10, {"raw-written-at": "then"}, timedelta())
    rest = bucket.read("k", offset=7, etag=first.etag)
    assert (rest.stream.read(), rest.size, rest.etag) == (b"789", 10, first.etag)


def test_an_object_that_was_replaced_meanwhile_is_not_read_on(bucket: S3Store) -> None:
    bucket.put("k", b"0123456789")
    etag = bucket.read("k").etag
    bucket.put("k", b"other")
    for offset in (0, 3, 9):
        with pytest.raises(KeyError):
            bucket.read("k", offset=offset, etag=etag)


def test_an_object_can_be_read_as_text_to_its_end() -> None:
    headers = {"ETag": '"1"', "Last-Modified": "Fri, 02 Jan 2026 12:00:00 GMT"}
    # Over a connection: moto would leave it out.
    with receiver(lambda: Answer(200, b"a,b\r\n1,2\r\n", headers)) as server:
        client = boto3.client(
            "s3",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        with S3Store(client, "raw").open("k") as stream:
            lines = list(csv.reader(io.TextIOWrapper(stream, encoding="utf-8", newline="")))
        client.close()
    assert lines == [["a", "b"], ["1", "2"]]


def test_an_absent_object_is_a_key_error(store: ObjectStore) -> None:
    with pytest.raises(KeyError, match="absent"):
        store.get("absent")
    with pytest.raises(KeyError, match="absent/below"):
        store.open("absent/below")


def test_keys_are_sorted_and_limited_to_the_prefix(store: ObjectStore) -> None:
    for key in ("m/b/2", "m/b/1", "m/a", "n/x"):
        store.put(key, b"")
    assert list(store.keys("m/")) == ["m/a", "m/b/1", "m/b/2"]
    assert list(store.keys("m/b")) == ["m/b/1", "m/b/2"]
    assert list(store.keys("")) == ["m/a", "m/b/1", "m/b/2", "n/x"]
    assert list(store.keys("absent/")) == []


def test_a_key_cannot_leave_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    with pytest.raises(KeyError):
        FolderStore(tmp_path / "objects").get("../secret")


def test_an_unreachable_bucket_is_storage_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    config = Config(retries={"max_attempts": 1}, connect_timeout=1)
    client = boto3.client("s3", region_name="us-east-1", endpoint_url="http://127.0.0.1:9", config=config)
    store = S3Store(client, "artifacts")
    for call in (lambda: store.get("k"), lambda: store.put("k", b""), lambda: list(store.keys("k"))):
        with pytest.raises(StorageUnavailableError, match="artifacts"):
            call()
    with pytest.raises(StorageUnavailableError, match="artifacts"):
        store.put_new("k", b"")


LISTING = b"""<?xml version="1.0" encoding="UTF-8"?>
<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>%s<Version>
<Key>%s</Key><VersionId>v1</VersionId><LastModified>2026-01-02T12:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag>
<Size>1</Size></Version></ListVersionsResult>"""


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [(b"<EncodingType>url</EncodingType>", b"titanic/%01%20%C3%BC%26.csv"), (b"", "titanic/\x01 ü&amp;.csv".encode())],
    ids=["as S3 sends it", "as an emulator does"],
)
def test_a_key_with_a_control_character_breaks_no_listing(encoding: bytes, sent: bytes) -> None:
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client: Any = boto3.client("s3", region_name="us-east-1", **credentials)  # type: ignore[call-overload]

    def answer(request: Any, **_: object) -> AWSResponse:
        raw = SimpleNamespace(stream=lambda **_: iter([LISTING % (encoding, sent)]))
        return AWSResponse(request.url, 200, HTTPHeaders(), raw)

    client.meta.events.register("before-send.s3.ListObjectVersions", answer)
    [(file, _)] = S3RawBucket(client, "raw").files()
    assert (file.key, file.version_id) == ("titanic/\x01 ü&.csv", "v1")


def test_a_link_to_write_is_signed_for_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    links = S3Links(lambda: aws_client(Settings(), "s3"), "raw")
    signed = parse_qs(urlsplit(links.to_put("titanic/a b.csv", "text/csv", 10)).query)
    assert signed["X-Amz-SignedHeaders"] == ["content-length;content-type;host"]
