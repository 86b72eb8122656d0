"""What a state folder has put into a LocalStack and a database of somebody else, and how that goes again."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from alembic import command
from botocore.exceptions import ClientError, WaiterError
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

import database_roles
import migrate
import stack_env
from local_cloud import localstack
from local_cloud.config import CREDENTIALS, REGION, LocalCloudError, Place
from tabserve.core import database
from tabserve.core.connection import role_name

OWNER_TAG = "tabserve:state"
# Nothing can be deployed over a stack in one of these states.
BROKEN = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
GONE = {"NoSuchBucket", "ResourceNotFoundException"}  # with the stack


def remember(place: Place, aws: str, database_url: str) -> None:
    """Note in the state folder what `forget` is to take back, before any of it is made."""
    path = place.data / "attached.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    same = known.get("database_url") == database_url
    made = (same and known["made_tables"]) or bool(database_url and migrate.revision(database_url) is None)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps({"aws": aws, "database_url": database_url, "made_tables": made}))


@contextlib.contextmanager
def provisional(place: Place, aws: str) -> Iterator[Callable[[], object]]:
    """Delete the stack at the end, unless it was there before; what is yielded lets a lasting one stay."""
    stack = _stack(aws, place.stack_name)
    if stack is not None and stack["StackStatus"] in BROKEN:
        delete_stack(aws, place)
        stack = None
    with contextlib.ExitStack() as undo:
        if stack is None:
            undo.callback(delete_stack, aws, place)
        yield undo.pop_all if place.durable else lambda: None


def forget(place: Place) -> list[str]:
    """Delete the stack, its buckets and tables from where they were attached; return what stays, in sentences."""
    path = place.data / "attached.json"
    if not path.exists():
        return []
    known = json.loads(path.read_text())
    stays = []
    try:
        localstack.check(known["aws"])
        delete_stack(known["aws"], place)
    except LocalCloudError as error:
        stays.append(f"What LocalStack has of the stack stays there. {error}")
    if known["database_url"]:
        where = make_url(known["database_url"]).render_as_string(hide_password=True)
        if not known["made_tables"]:
            stays.append(f"The tables of {where} were there before and stay.")
        else:
            try:
                _drop_tables(known["database_url"])
            except SQLAlchemyError as error:
                stays.append(f"The tables of {where} stay: {str(error).strip().splitlines()[0]}")
    path.unlink()
    return stays


def _drop_tables(url: str) -> None:
    engine = database.create(url)
    try:
        with engine.begin() as connection:
            command.downgrade(migrate.config(connection), "base")
            connection.execute(text("DROP TABLE alembic_version"))
        for role in (migrate.READER, database_roles.LOGIN, *map(role_name, database_roles.GRANTS)):
            with contextlib.suppress(DBAPIError), engine.begin() as connection:  # another database may need it
                connection.execute(text(f"DROP OWNED BY {role}"))
                connection.execute(text(f"DROP ROLE {role}"))
    finally:
        engine.dispose()


def delete_stack(aws: str, place: Place) -> None:
    """Delete the stack that this state folder has deployed, and what the template keeps when its stack goes.

    Raise LocalCloudError when something of it stays.
    """
    stack = _stack(aws, place.stack_name)
    if stack is None or not _is_ours(stack, place):
        return
    formation = _client(aws, "cloudformation")
    pages = formation.get_paginator("list_stack_resources").paginate(StackName=place.stack_name)
    resources = [each for page in pages for each in page["StackResourceSummaries"] if "PhysicalResourceId" in each]
    gone = formation.get_waiter("stack_delete_complete")
    for _ in range(2):  # a second time without what was in the way, should the first one fail
        formation.delete_stack(StackName=place.stack_name)
        with contextlib.suppress(WaiterError):
            gone.wait(StackName=stack["StackId"], WaiterConfig={"Delay": 1})
        _delete_kept(aws, resources)
        if _stack(aws, place.stack_name) is None:
            return
    raise LocalCloudError(f"LocalStack at {aws} could not delete the stack {place.stack_name}; it stays there.")


def _delete_kept(aws: str, resources: Sequence[Mapping[str, Any]]) -> None:
    for each in resources:
        try:
            if each["ResourceType"] == "AWS::S3::Bucket":
                _delete_bucket(_client(aws, "s3"), each["PhysicalResourceId"])
            elif each["ResourceType"] == "AWS::DynamoDB::Table":
                _client(aws, "dynamodb").delete_table(TableName=each["PhysicalResourceId"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise LocalCloudError(f"{each['PhysicalResourceId']} could not be deleted: {error}") from error


def owner_tags(place: Place) -> dict[str, str]:
    """Return the tags by which a stack says which state folder has deployed it."""
    return {OWNER_TAG: place.secrets.state_id}


def refuse_foreign_stack(aws: str, place: Place) -> None:
    """Raise LocalCloudError when a stack of the same name is another state folder's."""
    stack = _stack(aws, place.stack_name)
    if stack is not None and not _is_ours(stack, place):
        raise LocalCloudError(
            f"LocalStack at {aws} has a stack named {place.stack_name} that {place.folder} did not deploy: "
            "use the state folder it came from (STATE_DIR=…), delete that stack, or take another LocalStack."
        )


def _stack(aws: str, name: str) -> dict[str, Any] | None:
    try:
        (stack,) = _client(aws, "cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # there is none
            return None
        raise LocalCloudError(f"LocalStack at {aws} does not tell which stacks it has: {error}") from error
    return None if stack["StackStatus"] in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"} else dict(stack)


def _is_ours(stack: dict[str, Any], place: Place) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", ())}
    return owner_tags(place).items() <= tags.items()


def _delete_bucket(s3: Any, name: str) -> None:  # noqa: ANN401  clients have no type
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        versions = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if versions:
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
            s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
    s3.delete_bucket(Bucket=name)


def _client(aws: str, service: str) -> Any:  # noqa: ANN401  clients have no type
    return stack_env.client({"AWS_ENDPOINT_URL": aws, "AWS_REGION": REGION, **CREDENTIALS}, service)
