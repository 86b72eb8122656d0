"""The documents that are written from the code are those that the code writes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pictures
from local_cloud.config import ROOT


@pytest.mark.timeout(200)
def test_every_target_script_option_and_setting_is_documented_as_it_is() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts/document.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_variable_of_the_makefile_and_of_the_web_page_is_documented() -> None:
    variables = set(re.findall(r"\$\((?:if|or) \$\(([A-Z_]+)\)", (ROOT / "Makefile").read_text())) | {"ARGS"}
    told = (ROOT / "docs/commands.md").read_text()
    assert {name for name in variables if f"{name}=" not in told} == set()
    read = set(re.findall(r'(?:known|given)\.get\("([A-Z_]+)"', (ROOT / "ui/settings.py").read_text()))
    assert read
    assert {name for name in read if f"`{name}`" not in (ROOT / "docs/settings.md").read_text()} == set()


def test_the_pictures_show_the_code_as_it_is() -> None:
    renew = "take them again (docs/web-page.md), or say that they still hold: scripts/pictures.py"
    assert pictures.stale() == [], renew


TOLD = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", TOLD, ids=lambda path: path.name)
def test_every_command_and_link_of_a_document_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text)) - targets == set()
    assert [name for name in re.findall(r"scripts/\w+\.py", text) if not (ROOT / name).is_file()] == []
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [link for link in links if not (document.parent / link).exists()] == []
