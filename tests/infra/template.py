"""Read the template as plain data: short-form intrinsic functions become {"Fn::Name": value}."""

from typing import Any

from cfnlint.decode import decode

from local_cloud.config import ROOT


def load() -> dict[str, Any]:
    template, problems = decode(str(ROOT / "infra/template.yaml"))
    assert not problems
    assert template is not None
    return dict(template)


def resources(kind: str) -> dict[str, Any]:
    return {
        name: resource.get("Properties", {})
        for name, resource in load()["Resources"].items()
        if resource["Type"] == kind
    }
