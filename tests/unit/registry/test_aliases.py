"""Aliases move by compare-and-set: of two movers one wins, and every move is kept."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tabserve.core.buckets import ObjectStore
from tabserve.core.errors import AliasMovedError, IncompatibleModelError
from tabserve.core.folder import FolderStore
from tabserve.registry.aliases import Aliases
from tabserve.registry.release import Mover, Releases
from tabserve.registry.standing import Standing, Trial, champion_before
from tests.definitions import CATALOG
from tests.fakes.objects import FakeObjects
from tests.fakes.registry import UnloadedRegistry
from tests.unit.serving.test_document import CARD

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = "models/churn/aliases/champion.json"


def promoted(version: str, by: str = "ann") -> Any:
    return lambda now: now.moved("promote", version, at=AT, by=by, reason="better")


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return FolderStore(tmp_path) if request.param == "folder" else FakeObjects()


def test_every_move_is_kept_with_who_and_why(store: ObjectStore) -> None:
    aliases = Aliases(store)
    for version in ("a", "b", "c"):
        aliases.change("churn", "champion", promoted(version))
    history = aliases.history("churn", "champion")
    assert [(each.number, each.previous, each.version, each.by) for each in history] == [
        (1, None, "a", "ann"),
        (2, "a", "b", "ann"),
        (3, "b", "c", "ann"),
    ]
    assert history[-1] == aliases.standing("churn", "champion")
    assert history[0].sentence() == "a became champion in place of none by ann at 2026-01-02 03:04:05 UTC (better)"


def test_who_saw_an_older_move_is_told_what_changed(store: ObjectStore) -> None:
    aliases = Aliases(store)
    seen = aliases.change("churn", "champion", promoted("a"))
    aliases.change("churn", "champion", promoted("b", by="bob"))
    with pytest.raises(AliasMovedError, match=r"moved meanwhile: b became champion in place of a by bob .*\(better\)"):
        aliases.change("churn", "champion", promoted("c"), expected=seen.number)
    assert aliases.standing("churn", "champion").version == "b"


def test_of_movers_at_once_one_wins_and_the_others_are_told(tmp_path: Path) -> None:
    aliases = Aliases(FolderStore(tmp_path))
    seen = aliases.change("churn", "champion", promoted("a"))

    def move(number: int) -> str:
        try:
            aliases.change("churn", "champion", promoted(f"v{number}"), expected=seen.number)
        except AliasMovedError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(move, range(16)))
    winner = f"v{told.index('')}"
    assert [each.version for each in aliases.history("churn", "champion")] == ["a", winner]
    assert sum(f"{winner} became champion in place of a by ann" in each for each in told) == 15


def test_a_move_between_reading_and_writing_is_noticed() -> None:
    store = FakeObjects()
    aliases = Aliases(store)
    aliases.change("churn", "champion", promoted("a"))

    def overtaken(now: Standing) -> Standing:
        aliases.change("churn", "champion", promoted("b", by="bob"))
        return now.moved("promote", "c")

    with pytest.raises(AliasMovedError, match="b became champion"):
        aliases.change("churn", "champion", overtaken)
    assert aliases.standing("churn", "champion").version == "b"


def test_a_first_move_is_made_by_one_alone() -> None:
    aliases = Aliases(FakeObjects())

    def overtaken(now: Standing) -> Standing:
        aliases.change("churn", "champion", promoted("a"))
        return now.moved("promote", "b")

    with pytest.raises(AliasMovedError, match="a became champion"):
        aliases.change("churn", "champion", overtaken)


class LosesAnswers(FakeObjects):
    """Writes, and says that somebody else did: what a client sees that tries again after a lost answer."""

    def replace(self, key: str, body: bytes, etag: str, content_type: str = "") -> bool:
        super().replace(key, body, etag, content_type)
        return False


def test_a_move_whose_answer_got_lost_was_made() -> None:
    aliases = Aliases(LosesAnswers())
    aliases.change("churn", "champion", promoted("a"))
    assert aliases.change("churn", "champion", promoted("b")).version == "b"


class Overtaken(FakeObjects):
    """Has others move an alias while somebody reads its history."""

    def __init__(self) -> None:
        super().__init__()
        self.others: list[Any] = []

    def keys(self, prefix: str) -> Iterator[str]:
        others, self.others = self.others, []
        for move in others:
            Aliases(self).change("churn", "champion", move)
        return super().keys(prefix)


def test_a_history_has_no_gap_whoever_moves_meanwhile() -> None:
    store = Overtaken()
    aliases = Aliases(store)
    for version in "ab":
        aliases.change("churn", "champion", promoted(version))
    store.others = [promoted("c"), promoted("d")]
    assert [each.version for each in aliases.history("churn", "champion")] == ["a", "b"]


def test_a_rollback_that_is_overtaken_changes_nothing() -> None:
    store = Overtaken()
    registry = UnloadedRegistry(store)
    churn = CATALOG.get("titanic").model_copy(update={"name": "churn"})
    for version in "ab":
        registry.add(CARD.model_copy(update={"use_case": "churn", "version": version}))
        registry.change("churn", promoted(version))
    store.others = [promoted("c")]
    with pytest.raises(AliasMovedError, match="c became champion in place of b"):
        Releases(registry, lambda _: churn, lambda: AT).rollback("churn", Mover("bob"))
    assert registry.standing("churn").version == "c"


def test_a_crash_before_the_move_leaves_one_history() -> None:
    store = FakeObjects()
    aliases = Aliases(store)
    aliases.change("churn", "champion", promoted("a"))
    store.put("models/churn/moves/champion/000001.json", store.get(KEY))  # as far as it came
    assert [each.version for each in aliases.history("churn", "champion")] == ["a"]
    aliases.change("churn", "champion", promoted("b"))
    assert [each.version for each in aliases.history("churn", "champion")] == ["a", "b"]


@pytest.mark.parametrize(("last", "found"), [(1, "d"), (3, "bcd"), (4, "abcd"), (9, "abcd")])
def test_the_last_moves_are_read_alone(last: int, found: str) -> None:
    aliases = Aliases(FakeObjects())
    for version in "abcd":
        aliases.change("churn", "champion", promoted(version))
    assert "".join(str(each.version) for each in aliases.history("churn", "champion", last)) == found


def test_a_damaged_alias_can_be_moved_on_and_keeps_its_history() -> None:
    store = FakeObjects()
    aliases = Aliases(store)
    for version in ("a", "b"):
        aliases.change("churn", "champion", promoted(version))
    store.put(KEY, b"[1]")
    with pytest.raises(IncompatibleModelError, match="malformed"):
        aliases.standing("churn", "champion")
    aliases.change("churn", "champion", promoted("c"))
    assert [each.version for each in aliases.history("churn", "champion")] == ["a", "c"]
    aliases.change("churn", "champion", promoted("d"))
    assert [each.version for each in aliases.history("churn", "champion")] == ["a", "c", "d"]


def test_an_alias_of_an_older_tabserve_is_the_beginning_of_the_history() -> None:
    store = FakeObjects({KEY: b'{"version": "a"}'})
    aliases = Aliases(store)
    aliases.change("churn", "champion", promoted("b"))
    assert [(each.number, each.version) for each in aliases.history("churn", "champion")] == [(0, "a"), (1, "b")]


def stood(*moves: tuple[Any, str]) -> list[Standing]:
    now, history = Standing(), []
    for action, version in moves:
        now = now.moved(action, version, trial=Trial(kind="shadow", version="x") if action == "shadow" else None)
        history.append(now)
    return history


@pytest.mark.parametrize(
    ("moves", "before"),
    [
        ([], None),
        ([("train", "a")], None),
        ([("train", "a"), ("promote", "b")], "a"),
        ([("train", "a"), ("promote", "b"), ("shadow", "b"), ("stop", "b"), ("retire", "b")], "a"),
        ([("train", "a"), ("promote", "b"), ("promote", "c"), ("rollback", "b")], "a"),
        ([("train", "a"), ("promote", "b"), ("rollback", "a")], None),
        ([("train", "a"), ("promote", "b"), ("rollback", "a"), ("promote", "c")], "a"),
        ([("train", "a"), ("promote", "b"), ("promote", "a")], "b"),
    ],
)
def test_a_rollback_leads_to_the_champion_that_was_not_taken_back(
    moves: list[tuple[Any, str]], before: str | None
) -> None:
    assert champion_before(stood(*moves)) == before
