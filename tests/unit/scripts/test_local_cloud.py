"""`make up` with definitions of the user's own."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local_cloud import models, samples
from local_cloud.config import LocalCloudError, Place, free_ports

REGION = "us-east-1"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state", free_ports())


def test_a_malformed_definition_is_told_in_a_sentence(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    monkeypatch.setenv("USE_CASES_DIR", str(tmp_path))
    with pytest.raises(LocalCloudError, match=r"mine\.yaml: version: Field required"):
        models.train_missing(place)


def test_samples_are_made_of_use_cases_that_name_their_data(place: Place) -> None:
    with mock_aws():
        client: Any = boto3.client("s3", region_name=REGION)
        client.create_bucket(Bucket="raw")
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
        samples.feed(place, {"RAW_BUCKET": "raw", "AWS_ENDPOINT_URL": f"https://s3.{REGION}.amazonaws.com", **keys})
        found = {item["Key"].split("/")[0] for item in client.list_objects_v2(Bucket="raw")["Contents"]}
    assert found == {"iris", "titanic"}  # penguins names none
