import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

import stack_env
from local_cloud import processes
from local_cloud.config import HOST, ROOT, Ports, free_ports
from tests.e2e.test_main_job import LIKELY, call

pytestmark = pytest.mark.timeout(400)
PATIENCE = 200  # what the functions had unpacked takes long to remove on a busy machine


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, str(ROOT / "scripts/stack.py"), *map(str, arguments)]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True)


def port_options(ports: Ports) -> list[str]:
    return [f"--{name}-port={port}" for name, port in asdict(ports).items()]


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """Where the stack of a test keeps its state, and on which ports it listens."""
    return ["--state", str(tmp_path), *port_options(free_ports())]


@pytest.fixture
def in_front(options: list[str]) -> Iterator[subprocess.Popen[str]]:
    """`stack.py up` as a terminal runs it: the leader of a process group; stopped whatever happens."""
    process = subprocess.Popen(
        command("up", *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        process.terminate()
    process.communicate(timeout=PATIENCE)


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    seen = ""
    while character := process.stdout.read(1):  # a step's line ends with the step
        seen += character
        if seen.endswith(text):
            return
    pytest.fail(f"never said {text!r}:\n{seen}")


def test_a_stack_runs_in_front_until_ctrl_c_and_its_data_outlive_it_until_they_are_purged(
    tmp_path: Path, options: list[str], in_front: subprocess.Popen[str]
) -> None:
    wait_for(in_front, "Ready.")
    env = stack_env.read(tmp_path / "stack.env")
    assert (tmp_path / "stack.env").stat().st_mode & 0o077 == 0
    assert env["API_URL"].startswith(env["AWS_ENDPOINT_URL"])
    (prediction,) = call(env, "/predict", LIKELY)[1]["predictions"]

    again = run("up", "--state", tmp_path, *port_options(free_ports()))
    assert again.returncode == 0
    assert f"already running (process {in_front.pid})" in again.stdout
    assert env["API_URL"] in again.stdout
    assert run("status", "--state", tmp_path).returncode == 0

    os.killpg(in_front.pid, signal.SIGINT)
    assert in_front.wait(timeout=PATIENCE) == 0
    assert processes.of_folder(tmp_path) == []
    assert not (tmp_path / "stack.env").exists()
    stopped = run("status", "--state", tmp_path)
    assert (stopped.returncode, "Nothing is running" in stopped.stdout) == (1, True)

    detached = run("up", "--detach", *options)
    assert detached.returncode == 0, detached.stdout
    assert stack_env.read(tmp_path / "stack.env")["API_KEY"] == env["API_KEY"]
    kept = call(env, "/past-predictions?limit=1000")[1]["predictions"]
    assert prediction["prediction_id"] in {each["prediction_id"] for each in kept}

    assert run("down", "--purge", "--state", tmp_path).returncode == 0
    assert processes.of_folder(tmp_path) == []
    assert not list(tmp_path.iterdir())


def test_ctrl_c_while_starting_leaves_nothing_running(tmp_path: Path, in_front: subprocess.Popen[str]) -> None:
    wait_for(in_front, "sam build")
    os.killpg(in_front.pid, signal.SIGINT)
    assert in_front.wait(timeout=PATIENCE) == 0
    assert processes.of_folder(tmp_path) == []


def test_down_cleans_up_after_a_killed_command(tmp_path: Path, in_front: subprocess.Popen[str]) -> None:
    wait_for(in_front, "sam build")
    in_front.kill()
    in_front.wait()
    assert processes.of_folder(tmp_path)

    assert "Stopped." in run("down", "--state", tmp_path).stdout

    assert processes.of_folder(tmp_path) == []


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    ports = free_ports()
    with socket.socket() as taken:
        taken.bind((HOST, ports.postgres))
        taken.listen()
        refused = run("up", "--state", tmp_path, *port_options(ports))
    assert refused.returncode == 1
    assert f"Port {ports.postgres} (postgres) is taken" in refused.stdout
    assert "make up POSTGRES_PORT=" in refused.stdout
