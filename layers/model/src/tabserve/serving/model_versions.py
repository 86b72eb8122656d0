"""Which model versions answer."""

from collections.abc import Sequence

from tabserve.core.catalog import Catalog
from tabserve.core.errors import NoModelError
from tabserve.serving.ports import Models


def reload(names: Sequence[str], catalog: Catalog, models: Models) -> dict[str, str | None]:
    """Read the registry now; return the version served afterwards by use case, None where there is no model.

    Raises UnknownUseCaseError.
    """
    return {name: _reloaded(name, catalog, models) for name in names}


def _reloaded(name: str, catalog: Catalog, models: Models) -> str | None:
    try:
        return models.reload(catalog.get(name)).version
    except NoModelError:
        return None
