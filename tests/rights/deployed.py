"""The template with names in place of references: what each function is told, and what its role may do."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

ACCOUNT, REGION = "123456789012", "us-east-1"
PSEUDO = {
    "AWS::StackName": "tabserve",
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
NAMES = ("BucketName", "FunctionName", "LogGroupName", "QueueName", "TableName", "TopicName")
ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{name}}",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{name}}",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{name}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{name}}:*",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{name}}",
    "AWS::Serverless::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{name}}",
}
REFS = ARNS | {"AWS::SQS::Queue": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{{name}}"}
REFERRED_TO_BY_ARN = {"AWS::SQS::Queue", "AWS::SNS::Topic"}


class Right(NamedTuple):
    """One action on one resource, as a policy names them."""

    action: str
    resource: str


class Deployed:
    """A template without conditions whose references have become texts."""

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        defaults = {name: str(each.get("Default", "")) for name, each in template["Parameters"].items()}
        self._texts: dict[str, str] = PSEUDO | defaults | dict(parameters)
        self._globals = template["Globals"]["Function"]["Environment"]["Variables"]
        self.resources: Mapping[str, Any] = template["Resources"]

    def of_type(self, kind: str) -> dict[str, Any]:
        """Return the properties of all resources of a type, by logical name."""
        there = self.resources.items()
        return {name: each.get("Properties", {}) for name, each in there if each["Type"] == kind}

    def name(self, logical: str) -> str:
        """Return what a resource is called; the logical name where the template gives none."""
        properties = self.resources[logical].get("Properties", {})
        given = next((properties[each] for each in NAMES if each in properties), logical)
        return self.text(given)

    def arn(self, logical: str) -> str:
        """Return a resource's ARN."""
        return ARNS[self.resources[logical]["Type"]].format(name=self.name(logical))

    def text(self, node: Any) -> str:
        """Return what a value becomes when it is deployed."""
        if not isinstance(node, dict):
            return str(node)
        ((function, argument),) = node.items()
        if function == "Fn::Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda found: self._reference(found[1]), str(argument))
        return self._reference(".".join(argument) if function == "Fn::GetAtt" else argument)

    def environment(self, function: str) -> dict[str, str]:
        """Return the variables that a function is given."""
        own = self.of_type("AWS::Serverless::Function")[function]["Environment"]["Variables"]
        return {name: self.text(value) for name, value in {**self._globals, **own}.items()}

    def granted(self, role: str) -> set[Right]:
        """Return what a role may do, one action on one resource each."""
        return {right for statement in statements(self.resources, role) for right in self.rights(statement)}

    def rights(self, statement: Mapping[str, Any]) -> Iterator[Right]:
        """Yield what one statement allows."""
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                yield Right(action, self.text(resource))

    def _reference(self, path: str) -> str:
        logical, _, attribute = path.partition(".")
        if logical in self._texts:
            return self._texts[logical]
        if attribute == "Arn":
            return self.arn(logical)
        kind = self.resources[logical]["Type"]
        if not attribute and kind in REFERRED_TO_BY_ARN:
            return REFS[kind].format(name=self.name(logical))
        return self.name(logical)


def statements(resources: Mapping[str, Any], role: str) -> list[dict[str, Any]]:
    """Return a role's statements, themselves and no copies."""
    policies = resources[role]["Properties"]["Policies"]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def as_list(value: Any) -> list[Any]:
    """Return a list, as policies write one value without one."""
    return value if isinstance(value, list) else [value]
