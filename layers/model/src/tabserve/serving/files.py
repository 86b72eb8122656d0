"""Let people without access to the buckets hand in raw files and read reports."""

from collections.abc import Callable
from dataclasses import dataclass

from tabserve.core.catalog import Catalog
from tabserve.core.errors import UnknownFileError
from tabserve.core.files import Ingestion
from tabserve.serving.ports import ObjectLinks

CSV = "text/csv"


@dataclass(frozen=True, slots=True)
class FilesDependencies:
    """What handing in and reading needs."""

    catalog: Catalog
    raw: ObjectLinks
    artifacts: ObjectLinks
    find: Callable[[str], Ingestion | None]


@dataclass(frozen=True, slots=True)
class UploadLink:
    """Where a raw file goes: its key, and the link that takes its bytes."""

    key: str
    url: str


def upload_link(use_case: str, name: str, size: int, deps: FilesDependencies) -> UploadLink:
    """Return a link to put a raw file; what becomes of it is the ingestion's to say. Raise UnknownUseCaseError."""
    key = f"{deps.catalog.get(use_case).name}/{name}"
    return UploadLink(key, deps.raw.to_put(key, CSV, size))


def raw_file_link(file_id: str, deps: FilesDependencies) -> str:
    """Return a link to the newest bytes under a raw file's key; raise UnknownFileError."""
    ingestion = deps.find(file_id)
    if ingestion is None:
        raise UnknownFileError(f"There is no file {file_id}.")
    return deps.raw.to_get(ingestion.key)


def report_link(file_id: str, deps: FilesDependencies) -> str:
    """Return a link to the report on a raw file; raise UnknownFileError."""
    ingestion = deps.find(file_id)
    if ingestion is None or ingestion.report_key is None:
        raise UnknownFileError(f"There is no report on a file {file_id}.")
    return deps.artifacts.to_get(ingestion.report_key)
