"""The addresses of this machine as a container sees them, and the lines to copy."""

from pathlib import Path

import pytest

import sam_local
from stack_env import write

HERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "DATABASE_URL": "postgresql://owner:p@localhost:5442/tabserve"}
ELSEWHERE = {"AWS_ENDPOINT_URL": "http://cloud", "DATABASE_URL": "postgresql://owner:p@db.example:5432/tabserve"}
GIVEN = {
    "AWS_ENDPOINT_URL": "http://localhost.localstack.cloud:4566",
    "RESULTS_QUEUE_URL": "http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/results",
    "DATABASE_URL": "postgresql://app:pa-ss_w@postgres:5432/tabserve",
    "UI_URL": "http://127.0.0.1:8501",
    "ALERT_WEBHOOK_URL": "https://localhost.example/hook",
    "RAW_BUCKET": "tabserve-raw-000000000000",
}


@pytest.mark.parametrize(
    ("stack", "cloud", "database"),
    [(HERE, "http://box:4566", "box:5442"), (ELSEWHERE, "http://cloud", "db.example:5432")],
)
def test_functions_find_cloud_and_database_where_commands_do_and_links_stay(
    stack: dict[str, str], cloud: str, database: str
) -> None:
    assert sam_local.seen_from("box", stack, GIVEN) == GIVEN | {
        "AWS_ENDPOINT_URL": cloud,
        "RESULTS_QUEUE_URL": f"{cloud}/000000000000/results",
        "DATABASE_URL": f"postgresql://app:pa-ss_w@{database}/tabserve",
    }


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
