"""scripts/models.py as people type it, on a registry in a folder."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import models
from tabserve.registry.store import Registry
from tests.definitions import FOLDER
from tests.model.test_release import FIRST, NAME, SECOND, THIRD, registry

__all__ = ["registry"]
pytestmark = pytest.mark.parametrize("use_case", [NAME], indirect=True)
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def typed(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Type a command; return its exit code and what it says, on one line."""
    monkeypatch.setenv("USE_CASES_DIR", str(FOLDER))
    monkeypatch.setattr("stack_env.apply", lambda: False)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["models.py", *arguments, "--registry", str(tmp_path)])
        code = models.main()
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return run


def test_a_version_is_tried_promoted_and_taken_back(typed: Run, registry: Registry) -> None:
    assert typed("shadow", NAME, SECOND, "--by", "ann")[0] == 0
    assert f"│ {SECOND} │ shadow │" in typed("list", NAME)[1]
    assert "answers 0.25 of iris's entities" in typed("canary", NAME, SECOND, "--share", "0.25")[1]
    assert f"│ {SECOND} │ canary 0.25 │" in typed("list")[1]
    assert typed("promote", NAME, SECOND, "--by", "ann", "--reason", "agrees more") == (
        0,
        f"{SECOND} answers for iris within 30 seconds",
    )
    assert typed("rollback", NAME, "--reason", "wrong again")[1] == f"{FIRST} answers for iris again within 30 seconds"
    assert typed("retire", NAME)[0] == 0
    assert f"│ {FIRST} │ retired │" in typed("list", NAME)[1]
    code, history = typed("history", NAME)
    assert code == 0
    assert f"4 {SECOND} became champion in place of {FIRST} by ann at" in history
    assert "(agrees more)" in history
    assert "(wrong again)" in history
    assert registry.standing(NAME).retired


def test_two_who_decide_at_once_are_told_apart(typed: Run, registry: Registry) -> None:
    seen = str(registry.standing(NAME).number)
    assert typed("promote", NAME, SECOND, "--by", "ann", "--expected", seen)[0] == 0
    code, said = typed("promote", NAME, THIRD, "--by", "bob", "--expected", seen)
    assert code == 2
    assert f"error: iris was moved meanwhile: {SECOND} became champion in place of {FIRST} by ann" in said
    assert registry.standing(NAME).version == SECOND


def test_versions_are_shown_and_compared_with_their_figures(typed: Run) -> None:
    code, shown = typed("show", NAME, SECOND)
    assert code == 0
    assert "logistic_regression" in shown
    assert "importance of " in shown
    compared = typed("compare", NAME, SECOND)[1]  # with the champion
    assert compared.index(FIRST) < compared.index(SECOND)
    assert compared.count("logistic_regression") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("promote", NAME, "2026"), "'2026' names 3 versions of 'iris'; there are"),
        (("promote", NAME, "1999"), "'1999' names 0 versions of 'iris'; there are"),
        (("promote", NAME, FIRST), "is champion of iris already"),
        (("canary", NAME, SECOND, "--share", "2"), "a share above 0 and at most 1, such as 0.1; 2 is none"),
        (("stop", NAME), "iris has no shadow and no canary to stop"),
        (("rollback", NAME), "iris has had no other champion; promote a version by its name"),
        (("history", "nobody"), "knows no versions of 'nobody'; it knows iris"),
        (("retire", "nobody"), "knows no versions of 'nobody'; it knows iris"),
        (("list", "nobody"), "knows no versions of 'nobody'; it knows iris"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    typed: Run, registry: Registry, arguments: tuple[str, ...], message: str
) -> None:
    before = registry.history(NAME)
    code, said = typed(*arguments)
    assert code == 2
    assert said.startswith("error: ")
    assert message in said
    assert registry.history(NAME) == before


def test_a_definition_of_the_project_can_be_retired_before_it_has_a_version(typed: Run, registry: Registry) -> None:
    assert typed("retire", "titanic")[0] == 0
    assert registry.standing("titanic").retired


def test_a_version_that_lost_its_definition_is_refused(typed: Run, tmp_path: Path) -> None:
    (tmp_path / "models" / NAME / SECOND / "definition.json").unlink()
    code, said = typed("promote", NAME, SECOND)
    assert code == 2
    assert "'definition.json' of model" in said
