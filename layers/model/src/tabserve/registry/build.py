"""The model registry of the artifacts bucket, and the use cases that it knows beside those of the project."""

from tabserve.core.catalog import Catalog, YamlCatalog
from tabserve.core.s3 import S3Store
from tabserve.core.service import aws_client
from tabserve.core.settings import Settings
from tabserve.registry.catalog import RegistryCatalog
from tabserve.registry.store import Registry


def registry(settings: Settings) -> Registry:
    """Return the model registry of the artifacts bucket."""
    settings.require("artifacts_bucket")
    return Registry(S3Store(aws_client(settings, "s3", patient=False), settings.artifacts_bucket))


def catalog(settings: Settings) -> Catalog:
    """Return the use cases of the folder that is set, and of the registry where there is one."""
    folder = YamlCatalog(settings.use_cases_dir)
    return RegistryCatalog(folder, lambda: registry(settings)) if settings.artifacts_bucket else folder
