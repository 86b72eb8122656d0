"""What is put into somebody else's LocalStack and database goes again, and nothing else does."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import inspect

import migrate
from local_cloud import emulator, ownership
from local_cloud.attachment import Attachment
from local_cloud.config import LocalCloudError, Place, free_ports
from tabserve.core import database

BUCKET = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An emulated AWS; whose it is does not matter here."""
    place = Place(tmp_path_factory.mktemp("aws"), free_ports(), durable=False)
    emulator.prepare()
    server = emulator.start(place)
    yield place.aws_endpoint
    server.stop()


class TestOwnership:
    @pytest.fixture
    def mine(self, tmp_path: Path) -> Place:
        return Place(tmp_path, free_ports(), cloud="localstack", stack_name=f"tabserve-{time.time_ns()}")

    def deploy(self, aws: str, mine: Place, tags: Mapping[str, str]) -> None:
        formation, s3 = (ownership._client(aws, service) for service in ("cloudformation", "s3"))
        template = json.dumps({"Resources": {"RawBucket": {**BUCKET, "Properties": {"BucketName": mine.stack_name}}}})
        given = [{"Key": name, "Value": value} for name, value in tags.items()]
        formation.create_stack(StackName=mine.stack_name, TemplateBody=template, Tags=given)
        formation.get_waiter("stack_create_complete").wait(StackName=mine.stack_name, WaiterConfig={"Delay": 1})
        s3.put_bucket_versioning(Bucket=mine.stack_name, VersioningConfiguration={"Status": "Enabled"})
        for body in (b"first", b"second"):
            s3.put_object(Bucket=mine.stack_name, Key="titanic/a.csv", Body=body)
        s3.delete_object(Bucket=mine.stack_name, Key="titanic/a.csv")

    def stays(self, aws: str, mine: Place) -> bool:
        buckets = ownership._client(aws, "s3").list_buckets()["Buckets"]
        return mine.stack_name in {bucket["Name"] for bucket in buckets}

    def test_the_stack_of_another_folder_is_refused_and_stays(self, aws: str, mine: Place) -> None:
        self.deploy(aws, mine, {ownership.OWNER_TAG: "somebody"})
        with pytest.raises(LocalCloudError, match=f"has a stack named {mine.stack_name} that {mine.folder} did not"):
            ownership.refuse_foreign_stack(aws, mine)
        ownership.delete_stack(aws, mine)
        assert self.stays(aws, mine)

    def test_the_own_one_is_taken_and_goes_with_all_that_it_keeps(self, aws: str, mine: Place) -> None:
        self.deploy(aws, mine, ownership.owner_tags(mine))
        ownership.refuse_foreign_stack(aws, mine)
        ownership.delete_stack(aws, mine)
        assert not self.stays(aws, mine)

    def test_a_first_deployment_that_fails_leaves_nothing(self, aws: str, mine: Place) -> None:
        def fails() -> None:
            with ownership.provisional(mine, aws):
                self.deploy(aws, mine, ownership.owner_tags(mine))
                raise LocalCloudError("sam deploy failed")

        with pytest.raises(LocalCloudError, match="sam deploy failed"):
            fails()
        assert not self.stays(aws, mine)

    def test_one_that_answered_stays_and_so_does_one_that_was_there(self, aws: str, mine: Place) -> None:
        with ownership.provisional(mine, aws) as stay:
            self.deploy(aws, mine, ownership.owner_tags(mine))
            stay()
        with pytest.raises(LocalCloudError), ownership.provisional(mine, aws):
            raise LocalCloudError("sam deploy failed")
        assert self.stays(aws, mine)

    def test_what_cannot_be_taken_back_is_told(self, mine: Place) -> None:
        assert ownership.forget(mine) == []
        ownership.remember(mine, f"http://127.0.0.1:{mine.ports.emulator}", "")
        (stays,) = ownership.forget(mine)
        assert stays.startswith("What LocalStack has of the stack stays there. Nothing answers at ")

    def test_a_cloud_that_does_not_tell_its_stacks_is_not_taken_for_an_empty_one(
        self, aws: str, mine: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stranger = {"AWS_ACCESS_KEY_ID": "AKIASTRANGER00000000", "AWS_SECRET_ACCESS_KEY": "secret"}
        monkeypatch.setattr(ownership, "CREDENTIALS", stranger)
        with pytest.raises(LocalCloudError, match="does not tell which stacks it has"):
            ownership.refuse_foreign_stack(aws, mine)


def tables(url: str) -> list[str]:
    engine = database.create(url)
    found = inspect(engine).get_table_names()
    engine.dispose()
    return found


def test_what_was_made_there_goes_and_the_next_stack_is_welcome(aws: str, tmp_path: Path, postgres_server: str) -> None:
    place = Place(tmp_path / "state", free_ports(), cloud="localstack")
    with Attachment("", postgres_server, "", "").database(
        Place(tmp_path, place.ports, durable=False, stack_name=f"tabserve-{time.time_ns()}")
    ) as url:
        ownership.remember(place, aws, url)
        migrate.migrate(url, place.secrets.reader_password, place.secrets.app_password)
        ownership.forget(place)
        assert tables(url) == []

        other = Place(tmp_path / "other", place.ports, cloud="localstack")
        ownership.remember(other, aws, url)
        migrate.migrate(url, other.secrets.reader_password, other.secrets.app_password)
        ownership.remember(place, aws, url)
        assert "were there before and stay" in ownership.forget(place)[-1]
        assert "predictions" in tables(url)
