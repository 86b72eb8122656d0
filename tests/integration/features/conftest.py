import pytest

from tabserve.features import store


@pytest.fixture(autouse=True)
def _one_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto copies all of its tables for each transaction, and another one must not change them meanwhile."""
    monkeypatch.setattr(store, "WRITERS", 1)
