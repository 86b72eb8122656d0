"""`make up` with definitions of the user's own, its processes, and who owns a state folder."""

import os
import signal
import sys
from pathlib import Path

import pytest

from local_cloud import models, processes, samples, supervisor
from local_cloud.config import LocalCloudError, Place, free_ports
from tests.lambdas import REGION, emulated


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state", free_ports())


def test_a_malformed_definition_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    monkeypatch.setenv("USE_CASES_DIR", str(tmp_path))
    with pytest.raises(LocalCloudError, match=r"mine\.yaml: version: Field required"):
        models.train_missing()


def test_samples_are_made_of_use_cases_that_name_their_data(place: Place) -> None:
    with emulated(buckets=("raw",)) as aws:
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
        samples.feed(place, {"RAW_BUCKET": "raw", "AWS_ENDPOINT_URL": f"https://s3.{REGION}.amazonaws.com", **keys})
        found = {item["Key"].split("/")[0] for item in aws.s3.list_objects_v2(Bucket="raw")["Contents"]}
    assert found == {"iris", "titanic"}  # penguins names none


# A server with a worker; told twice, it stays: neither of them listens to SIGTERM.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"])
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def stubborn(place: Place, monkeypatch: pytest.MonkeyPatch) -> processes.Server:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    server = processes.start("stubborn", [sys.executable, "-c", STUBBORN], place, env={"PATH": os.defpath})
    server.wait_until(lambda: "ready" in server.log.read_text())
    assert len(processes.of_folder(place.folder)) == 2
    return server


def test_a_stopped_server_leaves_no_worker_behind(place: Place, stubborn: processes.Server) -> None:
    stubborn.stop()
    assert processes.of_folder(place.folder) == []


def test_what_a_killed_command_left_is_stopped_and_nothing_of_another_folder(
    place: Place, stubborn: processes.Server, tmp_path: Path
) -> None:
    assert not processes.stop_leftovers(tmp_path / "other")
    os.kill(stubborn.process.pid, signal.SIGKILL)  # the worker goes on, and nobody noted its id
    stubborn.process.wait()
    assert processes.stop_leftovers(place.folder)
    assert processes.of_folder(place.folder) == []


def test_one_command_owns_a_folder_and_a_stale_note_of_a_dead_one_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "owner.json").write_text('{"pid": 1, "ready": true}')
    assert supervisor.owner(tmp_path) is None
    with supervisor.owning(tmp_path):
        supervisor.say(tmp_path, ready=True)
        assert supervisor.is_ready(tmp_path, os.getpid())
        again = supervisor.owning(tmp_path)
        with pytest.raises(supervisor.AlreadyRunningError, match=f"already running \\(process {os.getpid()}"), again:
            pass
    assert supervisor.owner(tmp_path) is None
