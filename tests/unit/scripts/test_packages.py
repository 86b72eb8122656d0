"""What `sam build` wrote is zipped once for its content."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_cloud import packages

TEMPLATE = """
Resources:
  Layer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: Layer}}
  Function: {Type: AWS::Serverless::Function, Properties: {CodeUri: Function, Role: {Fn::GetAtt: [Role, Arn]}}}
  Queue: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 30}}
"""


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    folder = tmp_path / "artifacts"
    for name in ("Layer", "Function"):
        (folder / name / "deep").mkdir(parents=True)
        (folder / name / "deep" / "code.py").write_text(f"print('{name}')\n")
    (folder / "template.yaml").write_text(TEMPLATE)
    return folder


def packed(artifacts: Path) -> dict[str, Any]:
    packages.pack(artifacts, artifacts.parent / "packed")
    template = yaml.safe_load((artifacts.parent / "packed" / "template.yaml").read_text())
    return {name: resource["Properties"] for name, resource in template["Resources"].items()}


def test_the_template_names_the_zips_and_is_otherwise_the_same(artifacts: Path) -> None:
    named = packed(artifacts)
    with zipfile.ZipFile(artifacts.parent / "packed" / named["Layer"]["ContentUri"]) as archive:
        assert archive.namelist() == ["deep/code.py"]
        assert archive.read("deep/code.py") == b"print('Layer')\n"
    assert named["Function"]["Role"] == {"Fn::GetAtt": ["Role", "Arn"]}
    assert named["Queue"] == {"VisibilityTimeout": 30}


def test_only_what_changed_is_zipped_again_and_what_nobody_names_goes_away(artifacts: Path) -> None:
    before = packed(artifacts)
    zips = artifacts.parent / "packed"
    kept = (zips / before["Layer"]["ContentUri"]).stat().st_ino
    (artifacts / "Function" / "deep" / "code.py").write_text("print('changed')\n")

    after = packed(artifacts)

    assert after["Layer"] == before["Layer"]
    assert (zips / after["Layer"]["ContentUri"]).stat().st_ino == kept
    assert after["Function"]["CodeUri"] != before["Function"]["CodeUri"]
    assert {path.name for path in zips.glob("*.zip")} == {
        after["Layer"]["ContentUri"],
        after["Function"]["CodeUri"],
    }


def test_a_file_that_is_renamed_is_another_content(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = packages.digest(packages.files_in(tmp_path), tmp_path)
    assert packages.digest(packages.files_in(tmp_path), tmp_path) == before
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert packages.digest(packages.files_in(tmp_path), tmp_path) != before
