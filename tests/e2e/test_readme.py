"""The commands that README shows for a running stack, run as they stand there."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import stack_env
from local_cloud.config import ROOT

pytestmark = pytest.mark.timeout(120)

README = ROOT / "README.md"
LOADED = "set -a; . .local/stack.env"
# `aws s3 cp FILE s3://BUCKET/KEY`, for machines without the AWS command line.
AWS = f"""#!{sys.executable}
import sys, boto3
assert sys.argv[1:3] == ["s3", "cp"], sys.argv
bucket, _, key = sys.argv[4].removeprefix("s3://").partition("/")
boto3.client("s3").upload_file(sys.argv[3], bucket, key)
"""


def shown(text: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of a document's consoles, each with the output that is shown below it."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = command.splitlines()
            last = next(place for place in range(len(lines)) if _is_whole("\n".join(lines[: place + 1])))
            yield "\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :])


def _is_whole(command: str) -> bool:
    """Tell whether a command ends here, and not behind a backslash, an open quote or a here-document."""
    document = re.search(r"<<'(\w+)'", command)
    if document:
        return command.endswith(f"\n{document[1]}")
    return not command.endswith("\\") and command.count("'") % 2 == 0


COMMANDS = dict(shown(README.read_text()))
CURLS = [command for command in COMMANDS if command.startswith("curl ")]
COPIES = [command for command in COMMANDS if command.startswith("aws ")]


@pytest.fixture
def project(stack: dict[str, str], tmp_path: Path) -> Path:
    """A folder like the project's where a stack runs, with a home whose curl adds the status to what it prints."""
    (tmp_path / ".local").mkdir()
    stack_env.write(tmp_path / ".local/stack.env", stack)
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    (tmp_path / ".curlrc").write_text('write-out = "\\n%{http_code}"\n')
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/aws").write_text(AWS)
    (tmp_path / "bin/aws").chmod(0o755)
    return tmp_path


def run(project: Path, command: str) -> str:
    environment = {"PATH": f"{project / 'bin'}{os.pathsep}{os.defpath}", "HOME": str(project)}
    script = f"{LOADED}\n{command}\n"
    done = subprocess.run(["/bin/sh", "-c", script], cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def unlike(answer: Any, example: Any, path: str = "answer") -> Iterator[str]:
    """Yield where an answer is not as it is shown; an ellipsis stands for any text."""
    if isinstance(example, dict) and isinstance(answer, dict) and answer.keys() == example.keys():
        for name, value in example.items():
            yield from unlike(answer[name], value, f"{path}.{name}")
    elif isinstance(example, list) and isinstance(answer, list) and len(answer) == len(example):
        for place, value in enumerate(example):
            yield from unlike(answer[place], value, f"{path}[{place}]")
    elif example == "…" and isinstance(answer, str):
        return
    elif answer != (pytest.approx(example) if isinstance(example, float) else example):
        yield f"{path} is {answer!r}, shown is {example!r}"


def test_readme_shows_how_to_load_the_environment_to_call_the_api_and_where_a_raw_file_goes() -> None:
    assert LOADED in COMMANDS
    assert CURLS
    assert COPIES


@pytest.mark.parametrize("command", CURLS)
def test_a_call_in_readme_answers_as_readme_shows(project: Path, command: str) -> None:
    body, _, status = run(project, command).rpartition("\n")
    assert 200 <= int(status) < 300, body
    assert list(unlike(json.loads(body), json.loads(COMMANDS[command]))) == []


@pytest.mark.parametrize("command", COPIES)
def test_a_copy_in_readme_puts_the_file_where_raw_files_go(stack: dict[str, str], project: Path, command: str) -> None:
    run(project, command)
    _, _, _, source, target = command.split()
    key = target.removeprefix("s3://$RAW_BUCKET/")
    there = stack_env.client(stack, "s3").get_object(Bucket=stack["RAW_BUCKET"], Key=key)
    assert there["Body"].read() == (ROOT / source).read_bytes()


@pytest.mark.parametrize("document", [README, *(ROOT / "docs").glob("*.md")], ids=lambda path: path.name)
def test_every_call_with_a_body_says_its_content_type(document: Path) -> None:
    text = document.read_text().replace("\\\n", " ")
    calls = [line for line in text.splitlines() if re.search(r"\bcurl\b.* (-d|--data\S*) ", line)]
    assert not [line for line in calls if "-H 'content-type: application/json'" not in line]
