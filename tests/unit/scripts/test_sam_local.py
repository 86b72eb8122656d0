"""The addresses of this machine as a container sees them, and the lines to copy."""

from pathlib import Path

import pytest

import sam_local
from stack_env import write


@pytest.mark.parametrize(
    ("name", "here", "there"),
    [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566", "http://box:4566"),
        ("AWS_ENDPOINT_URL", "http://localhost", "http://box"),
        (
            "RESULTS_QUEUE_URL",
            "http://127.0.0.1:4566/000000000000/a-127.0.0.1",
            "http://box:4566/000000000000/a-127.0.0.1",
        ),
        (
            "DATABASE_URL",
            "postgresql://app:pa-ss_w@127.0.0.1:5442/tabserve",
            "postgresql://app:pa-ss_w@box:5442/tabserve",
        ),
        ("DATABASE_URL", "arn:aws:secretsmanager:us-east-1:1:secret:x", "arn:aws:secretsmanager:us-east-1:1:secret:x"),
        ("ALERT_WEBHOOK_URL", "https://localhost.example/hook", "https://localhost.example/hook"),
        ("UI_URL", "http://127.0.0.1:8501", "http://127.0.0.1:8501"),
        ("RAW_BUCKET", "tabserve-raw-000000000000", "tabserve-raw-000000000000"),
    ],
)
def test_addresses_of_this_machine_are_those_of_the_host_but_links_for_people_stay(
    name: str, here: str, there: str
) -> None:
    assert sam_local.seen_from("box", {name: here}) == {name: there}


def test_without_a_stack_the_way_to_one_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sam_local.main(["--env", str(tmp_path / "stack.env")]) == 2
    assert "start a stack with `make up`" in capsys.readouterr().err


def test_every_event_of_every_function_has_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    env, written = tmp_path / "stack.env", tmp_path / "sam-local.json"
    write(env, {"API_KEY": "k"})
    monkeypatch.setattr(sam_local, "functions", lambda stack, host: {"PredictFunction": {"API_KEY": stack["API_KEY"]}})
    assert sam_local.main(["--env", str(env)]) == 0
    assert written.stat().st_mode & 0o077 == 0
    lines = capsys.readouterr().out.splitlines()
    for function, events in sam_local.EVENTS.items():
        for event in events:
            (line,) = (
                line for line in lines if f"sam local invoke {function} " in line and f"tests/events/{event}" in line
            )
            assert f"--env-vars {written}" in line
    assert lines[-1].startswith("sam local start-api --env-vars")
