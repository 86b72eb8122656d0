"""Give every use case a champion before the stack is built, and put the registry into the deployed bucket."""

from collections.abc import Mapping

import boto3
from filelock import FileLock

import training
from local_cloud.config import REGISTRY, LocalCloudError, Place
from tabserve.core.errors import TabserveError
from tabserve.core.s3 import S3Store
from tabserve.registry.store import Registry


def train_missing(place: Place) -> None:  # noqa: ARG001  one registry for all places of a checkout
    """Train the use cases that have no champion in the local registry, and bake the champions into the layer.

    Raise LocalCloudError when a definition or its data are no good.
    """
    try:
        with FileLock(REGISTRY.with_suffix(".lock")):
            training.train_missing(training.folder_registry(REGISTRY))
    except TabserveError as error:
        raise LocalCloudError(str(error)) from error


def publish(place: Place, env: Mapping[str, str]) -> None:  # noqa: ARG001
    """Copy the local registry's versions and aliases into the artifacts bucket."""
    client = boto3.client(
        "s3",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    training.publish(training.folder_registry(REGISTRY), Registry(S3Store(client, env["ARTIFACTS_BUCKET"])))
