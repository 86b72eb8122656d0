"""What the API reads: stored predictions, the versions that answer, and links to files for those without access."""

from collections.abc import Sequence

from tabserve.core.errors import NoModelError, UnknownFileError
from tabserve.serving.prediction import HistoryQuery, Page
from tabserve.serving.service import PredictDependencies

CSV = "text/csv"


def past_predictions(query: HistoryQuery, deps: PredictDependencies) -> Page:
    """Read stored predictions, newest first; raise UnknownUseCaseError."""
    if query.use_case is not None:
        deps.catalog.get(query.use_case)
    return deps.predictions.past(query)


def reload_models(names: Sequence[str], deps: PredictDependencies) -> dict[str, str | None]:
    """Read the registry now; return the version served afterwards by use case, None where there is no model.

    Raises UnknownUseCaseError.
    """
    return {name: _reloaded(name, deps) for name in names}


def _reloaded(name: str, deps: PredictDependencies) -> str | None:
    try:
        return deps.models.reload(name).version
    except NoModelError:
        return None


def upload_link(use_case: str, name: str, size: int, deps: PredictDependencies) -> tuple[str, str]:
    """Return a raw file's key and the link that takes its bytes; raise UnknownUseCaseError."""
    key = f"{deps.catalog.get(use_case).name}/{name}"
    return key, deps.raw_links.to_put(key, CSV, size)


def raw_file_link(file_id: str, deps: PredictDependencies) -> str:
    """Return a link to the newest bytes under a raw file's key; raise UnknownFileError."""
    ingestion = deps.find_file(file_id)
    if ingestion is None:
        raise UnknownFileError(f"There is no file {file_id}.")
    return deps.raw_links.to_get(ingestion.key)


def report_link(file_id: str, deps: PredictDependencies) -> str:
    """Return a link to the report on a raw file; raise UnknownFileError."""
    ingestion = deps.find_file(file_id)
    if ingestion is None or ingestion.report_key is None:
        raise UnknownFileError(f"There is no report on a file {file_id}.")
    return deps.artifact_links.to_get(ingestion.report_key)


def bad_rows_link(file_id: str, deps: PredictDependencies) -> str:
    """Return a link to all bad rows of a raw file with their reasons; raise UnknownFileError."""
    ingestion = deps.find_file(file_id)
    if ingestion is None or ingestion.bad_key is None:
        raise UnknownFileError(f"There are no bad rows of a file {file_id}.")
    return deps.bad_links.to_get(ingestion.bad_key)
