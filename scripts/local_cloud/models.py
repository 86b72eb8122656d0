"""Give every use case a champion before the stack is built, and put the registry into the deployed bucket."""

from collections.abc import Mapping

from filelock import FileLock

import stack_env
import training
from local_cloud.config import REGISTRY, LocalCloudError
from tabserve.core.errors import TabserveError
from tabserve.core.s3 import S3Store
from tabserve.registry.store import Registry


def train_missing() -> None:
    """Train the use cases that have no champion in the local registry, and bundle the champions in the layer.

    Raise LocalCloudError when a definition or its data are no good.
    """
    try:
        with FileLock(REGISTRY.with_suffix(".lock")):
            training.train_missing(training.folder_registry(REGISTRY))
    except TabserveError as error:
        raise LocalCloudError(str(error)) from error


def publish(env: Mapping[str, str]) -> None:
    """Copy the local registry's versions and aliases into the artifacts bucket."""
    training.publish(
        training.folder_registry(REGISTRY), Registry(S3Store(stack_env.client(env, "s3"), env["ARTIFACTS_BUCKET"]))
    )
