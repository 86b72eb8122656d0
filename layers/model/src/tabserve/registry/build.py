"""The model registry of the artifacts bucket."""

from tabserve.core.s3 import S3Store
from tabserve.core.service import aws_client
from tabserve.core.settings import Settings
from tabserve.registry.store import Registry


def registry(settings: Settings) -> Registry:
    """Return the model registry of the artifacts bucket."""
    settings.require("artifacts_bucket")
    return Registry(S3Store(aws_client(settings, "s3", patient=False), settings.artifacts_bucket))
