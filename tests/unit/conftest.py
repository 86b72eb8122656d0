import pytest

from tests.definitions import FOLDER


@pytest.fixture(autouse=True)
def use_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever reads the settings find the tests' definitions."""
    monkeypatch.setenv("USE_CASES_DIR", str(FOLDER))
