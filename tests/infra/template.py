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


def variables(function: str) -> set[str]:
    """Return the names of the variables that a function is given."""
    blocks = (load()["Globals"]["Function"], resources("AWS::Serverless::Function")[function])
    return {name for block in blocks for name in block["Environment"]["Variables"]}


def resolved(**parameters: str) -> dict[str, Any]:
    """Return the template as it is deployed with these parameters: without conditions, and what they leave out."""
    loaded = load()
    values = {name: parameter.get("Default", "") for name, parameter in loaded["Parameters"].items()} | parameters
    conditions = {name: _truth(condition, values) for name, condition in loaded["Conditions"].items()}
    there = {
        name: {key: value for key, value in resource.items() if key != "Condition"}
        for name, resource in loaded["Resources"].items()
        if conditions.get(resource.get("Condition", ""), True)
    }
    given = {"Resources": there, "Globals": loaded["Globals"]}
    return loaded | {name: _without_conditions(part, conditions) for name, part in given.items()}


def _truth(condition: Any, values: dict[str, str]) -> bool:
    ((function, arguments),) = condition.items()
    if function == "Fn::Not":
        return not _truth(arguments[0], values)
    assert function == "Fn::Equals"
    left, right = (values[side["Ref"]] if isinstance(side, dict) else side for side in arguments)
    return bool(left == right)


NO_VALUE = {"Ref": "AWS::NoValue"}


def _without_conditions(node: Any, conditions: dict[str, bool]) -> Any:
    if isinstance(node, list):
        return [item for each in node if (item := _without_conditions(each, conditions)) != NO_VALUE]
    if not isinstance(node, dict) or node == NO_VALUE:
        return node
    if "Fn::If" in node:
        condition, yes, no = node["Fn::If"]
        return _without_conditions(yes if conditions[condition] else no, conditions)
    found = {name: _without_conditions(value, conditions) for name, value in node.items()}
    return {name: value for name, value in found.items() if value != NO_VALUE}
