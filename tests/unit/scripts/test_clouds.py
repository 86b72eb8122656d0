"""What `make up CLOUD=localstack` asks of Docker, and what it refuses before anything is started."""

import json
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

import migrate
from local_cloud import clouds, compose, emulator, localstack, ownership
from local_cloud.attachment import Attachment, check_database
from local_cloud.config import LocalCloudError, Place, free_ports
from local_cloud.progress import silent
from tabserve.core import database
from tests.servers import Answer, receiver

SETTINGS = ("AWS_ENDPOINT_URL", "DATABASE_URL", "FUNCTIONS_AWS_ENDPOINT_URL", "FUNCTIONS_DATABASE_HOST")
HERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "FUNCTIONS_AWS_ENDPOINT_URL": "http://localhost:9"}
FAR = "postgresql://owner:secret@db.example:5433/tabserve"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state", free_ports(), cloud="localstack")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str]], Attachment | None]:
    """What is read from these variables."""

    def given(settings: Mapping[str, str]) -> Attachment | None:
        for name in SETTINGS:
            monkeypatch.delenv(name, raising=False)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        return Attachment.from_environment()

    return given


class TestAddresses:
    def test_without_an_endpoint_nothing_is_attached(self, given: Any) -> None:
        assert given({"DATABASE_URL": FAR}) is None

    def test_functions_see_localstack_by_its_name_and_the_database_as_this_machine_does(self, given: Any) -> None:
        found = given({"AWS_ENDPOINT_URL": "http://localhost:4567/", "DATABASE_URL": FAR})
        assert found.aws == "http://localhost:4567"
        assert found.functions_aws == "http://localhost.localstack.cloud:4567"
        assert found.functions_database == "db.example:5433"

    def test_functions_may_see_both_elsewhere(self, given: Any) -> None:
        here = "postgresql://owner@localhost/tabserve"
        there = {"FUNCTIONS_AWS_ENDPOINT_URL": "http://cloud:4566", "FUNCTIONS_DATABASE_HOST": "pg:6000"}
        found = given({"AWS_ENDPOINT_URL": "http://localhost:4566", "DATABASE_URL": here, **there})
        assert (found.functions_aws, found.functions_database) == ("http://cloud:4566", "pg:6000")

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            (
                {"AWS_ENDPOINT_URL": "localhost:4566"},
                "AWS_ENDPOINT_URL is 'localhost:4566'; it must be http://HOST:PORT",
            ),
            ({"AWS_ENDPOINT_URL": "http://localhost:4566"}, "cannot reach the PostgreSQL that would be started here"),
            (
                {"AWS_ENDPOINT_URL": "http://localhost:4566", "DATABASE_URL": "postgresql://a@localhost/b"},
                "where localhost:5432 is not the database of this machine: .* FUNCTIONS_DATABASE_HOST=",
            ),
            ({**HERE, "DATABASE_URL": "mysql://a@b/c"}, "DATABASE_URL must be postgresql://"),
            ({**HERE, "DATABASE_URL": "nonsense"}, "DATABASE_URL must be postgresql://"),
        ],
    )
    def test_what_cannot_work_is_refused_in_a_sentence(self, given: Any, settings: dict[str, str], words: str) -> None:
        with pytest.raises(LocalCloudError, match=words):
            given(settings)

    def test_urls_of_the_cloud_need_no_name_server(self) -> None:
        cloud = clouds.Cloud("http://127.0.0.1:4566", FAR, "http://localhost.localstack.cloud:4566", "pg:6000")
        queue = "http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/predict"
        assert cloud.reachable(queue) == "http://127.0.0.1:4566/000000000000/predict"
        assert cloud.reachable("tabserve-raw-000000000000") == "tabserve-raw-000000000000"
        assert cloud.role_url("tabserve_reader", "pass") == "postgresql://tabserve_reader:pass@db.example:5433/tabserve"
        assert cloud.functions_url("tabserve_app", "pass") == "postgresql://tabserve_app:pass@pg:6000/tabserve"


@contextmanager
def answering(info: object, services: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the address of something that answers like LocalStack, with this about itself."""
    body = info if isinstance(info, bytes) else json.dumps({**dict(info), "services": services or {}}).encode()  # type: ignore[call-overload]
    with receiver(lambda: Answer(200, body)) as server:
        yield server.url


class TestTheEndpoint:
    def refused(self, url: str, place: Place) -> str:
        with pytest.raises(LocalCloudError) as raised:
            Attachment(url, "", url, "").check(place)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    def test_nothing_answers(self, place: Place) -> None:
        said = self.refused(f"http://127.0.0.1:{place.ports.emulator}", place)
        assert said.startswith(f"Nothing answers at http://127.0.0.1:{place.ports.emulator} (")
        assert "AWS_ENDPOINT_URL" in said

    @pytest.mark.parametrize("answer", [b"<html>hello</html>", b"[1]", b'{"version": "latest"}'])
    def test_something_else_answers(self, place: Place, answer: bytes) -> None:
        with answering(answer) as url:
            assert (
                self.refused(url, place) == f"What answers at {url} is not LocalStack; AWS_ENDPOINT_URL must name one."
            )

    def test_an_old_version_answers(self, place: Place) -> None:
        with answering({"version": "3.8.1"}) as url:
            assert self.refused(url, place) == f"LocalStack 3.8.1 at {url} is too old: it must be 4.0 or newer."

    def test_services_are_switched_off(self, place: Place) -> None:
        there = dict.fromkeys(localstack.SERVICES, "available") | {"sns": "disabled"}
        with answering({"version": "4.14.0"}, there) as url:
            assert self.refused(url, place) == f"LocalStack at {url} lacks sns: let its SERVICES name these too."


def tables(url: str) -> list[str]:
    engine = database.create(url)
    found = inspect(engine).get_table_names()
    engine.dispose()
    return found


class TestTheDatabase:
    def check(self, url: str, place: Place) -> None:
        check_database(url, place)

    def test_nobody_answers(self, place: Place) -> None:
        with pytest.raises(
            LocalCloudError, match=r"postgresql://a:\*\*\*@127\.0\.0\.1:\d+/b \(DATABASE_URL\) does not"
        ):
            self.check(f"postgresql://a:secret@127.0.0.1:{place.ports.postgres}/b", place)

    def test_a_new_one_and_ones_own_are_taken_and_another_stacks_is_not(
        self, place: Place, tmp_path: Path, empty_postgres_url: str
    ) -> None:
        ownership.remember(place, "http://127.0.0.1:4566", empty_postgres_url)
        migrate.migrate(empty_postgres_url, place.secrets.reader_password, place.secrets.app_password)
        assert json.loads((place.data / "attached.json").read_text())["made_tables"]
        self.check(empty_postgres_url, place)

        other = Place(tmp_path / "other", place.ports, cloud="localstack")
        ownership.remember(other, "http://127.0.0.1:4566", empty_postgres_url)
        assert not json.loads((other.data / "attached.json").read_text())["made_tables"]
        assert (other.data / "attached.json").stat().st_mode & 0o077 == 0

    def test_what_was_made_there_goes_and_the_next_stack_is_welcome(
        self, aws: str, place: Place, tmp_path: Path, postgres_server: str
    ) -> None:
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

    def test_a_stack_for_a_while_has_a_database_for_a_while(self, tmp_path: Path, empty_postgres_url: str) -> None:
        place = Place(tmp_path, free_ports(), durable=False, cloud="localstack", stack_name="tabserve-0a1b")
        with Attachment("", empty_postgres_url, "", "").database(place) as url:
            assert "/tabserve_0a1b" in url
            assert migrate.revision(url) is None
        with pytest.raises(Exception, match='database "tabserve_0a1b" does not exist'):
            migrate.revision(url)


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
        assert "does not answer: what it keeps of the stack stays there" in ownership.forget(mine)[0]


DOCKER = """#!/bin/sh
echo "$COMPOSE_PORTS $*" >> {said}
case "$*" in
  "compose version --short") {compose} ;;
  "version "*) {engine} ;;
  *" up "*) {up} ;;
esac
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A `docker` of one's own; returns the file with what it was asked for."""

    def docker(compose: str = "echo 2.40.3", engine: str = "echo 28.2.2", up: str = ":") -> Path:
        folder, said = tmp_path / "bin", tmp_path / "said"
        folder.mkdir(exist_ok=True)
        program = folder / "docker"
        program.write_text(DOCKER.format(said=said, compose=compose, engine=engine, up=up))
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return said

    return docker


class TestDocker:
    @pytest.mark.parametrize(
        ("answers", "words"),
        [
            ({"compose": "exit 1"}, "`docker compose` is missing: install Docker's compose plugin"),
            ({"compose": "echo 2.5.0"}, r"`docker compose` 2\.5\.0 is too old: it must be 2\.23\.1 or newer"),
            (
                {"engine": "echo 'Cannot connect to the Docker daemon' >&2; exit 1"},
                r"The Docker engine does not run \(Cannot connect to the Docker daemon\)",
            ),
            (
                {"engine": "echo 'permission denied while trying to connect' >&2; exit 1"},
                "The Docker engine may not be used by this user",
            ),
        ],
    )
    def test_what_is_missing_is_named_with_the_way_out(self, docker: Any, answers: dict[str, str], words: str) -> None:
        docker(**answers)
        with pytest.raises(LocalCloudError, match=words):
            compose.check()

    def test_no_docker_at_all(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(LocalCloudError, match=r"there is no `docker` here: .*AWS_ENDPOINT_URL"):
            compose.check()

    def test_it_is_asked_for_the_cloud_first_then_for_the_rest_and_stopped_at_the_end(
        self, docker: Any, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = docker()
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        with clouds.on_localstack(place, silent) as cloud:
            assert cloud.aws == place.aws_endpoint
            assert cloud.functions_aws == f"http://localhost.localstack.cloud:{place.ports.emulator}"
            assert cloud.functions_database == "postgres:5432"
            assert cloud.with_page
            cloud.ready({"API_URL": f"{cloud.aws}/_aws/execute-api/abc/v1", "API_KEY": "key"})
        asked = [
            line.split(" --project-name ")[1] for line in said.read_text().splitlines() if "--project-name" in line
        ]
        name = compose.project(place)
        assert [line.removeprefix(f"{name} ") for line in asked] == [
            "up --detach --wait --build localstack postgres",
            "up --detach --wait --build page prometheus grafana",
            "down --remove-orphans --timeout 30",
        ]

    def test_what_fails_is_told_by_its_last_line_and_stopped(self, docker: Any, place: Place) -> None:
        place.logs.mkdir(parents=True)
        said = docker(up="echo 'Bind for 127.0.0.1:3000 failed: port is already allocated' >&2; exit 1")
        with (
            pytest.raises(LocalCloudError, match=r"failed: Bind for .*3000 failed: port is already allocated"),
            clouds._in_containers(place, silent),
        ):
            pass
        assert said.read_text().splitlines()[-1].endswith("down --remove-orphans --timeout 30")
