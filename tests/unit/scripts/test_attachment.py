"""The LocalStack and the database that `make up CLOUD=localstack` is told of, and what it refuses before it begins."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import migrate
from local_cloud import localstack, ownership
from local_cloud.attachment import Attachment, check_database
from local_cloud.config import LocalCloudError, Place, free_ports
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


@contextmanager
def answering(answer: bytes | Mapping[str, str], services: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the address of something that answers like LocalStack, with this about itself."""
    body = answer if isinstance(answer, bytes) else json.dumps({**answer, "services": services or {}}).encode()
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

    def test_a_stack_for_a_while_has_a_database_for_a_while(self, tmp_path: Path, empty_postgres_url: str) -> None:
        place = Place(tmp_path, free_ports(), durable=False, cloud="localstack", stack_name="tabserve-0a1b")
        with Attachment("", empty_postgres_url, "", "").database(place) as url:
            assert "/tabserve_0a1b" in url
            assert migrate.revision(url) is None
        with pytest.raises(Exception, match='database "tabserve_0a1b" does not exist'):
            migrate.revision(url)
