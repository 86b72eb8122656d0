"""What a visitor may do with a version, and each move in a sentence."""

from typing import Any

import pytest

from ui import release
from ui.release import Action, Asked

OLD, NOW, NEW = "20260101T000000Z-00000000", "20260102T000000Z-11111111", "20260103T000000Z-22222222"
CANARY = {"kind": "canary", "version": NEW, "share": 0.1}
SHADOW = {"kind": "shadow", "version": NEW, "share": 1.0}


def seen(**changed: Any) -> dict[str, Any]:
    usual = {"use_case": "titanic", "champion": NOW, "challenger": NEW, "before": OLD, "trial": None}
    return usual | {"retired": False, "number": 4, "moves": []} | changed


def move(action: str, **changed: Any) -> dict[str, Any]:
    usual = {"number": 5, "action": action, "previous": OLD, "champion": NOW, "trial": None, "retired": False}
    return usual | {"at": "2026-01-02T11:00:00+00:00", "by": "Ann", "reason": "better"} | changed


@pytest.mark.parametrize(
    ("state", "version", "of_version", "of_use_case"),
    [
        ({}, NEW, ["promote", "shadow", "canary"], ["rollback", "retire"]),
        ({}, NOW, [], ["rollback", "retire"]),
        ({"before": None}, NOW, [], ["retire"]),
        ({"trial": CANARY}, NEW, ["promote", "shadow", "canary"], ["stop", "rollback", "retire"]),
        ({"trial": SHADOW}, NEW, ["promote", "canary"], ["stop", "rollback", "retire"]),
        ({"trial": CANARY}, OLD, ["promote"], ["stop", "rollback", "retire"]),
        ({"retired": True}, NOW, ["promote"], []),
        ({"retired": True}, NEW, ["promote"], []),
        ({"champion": None, "before": None}, NEW, ["promote"], []),
    ],
)
def test_only_what_is_possible_is_offered(
    state: dict[str, Any], version: str, of_version: list[str], of_use_case: list[str]
) -> None:
    assert release.of_a_version(seen(**state), version) == of_version
    assert release.of_the_use_case(seen(**state)) == of_use_case


@pytest.mark.parametrize(
    ("action", "state", "said"),
    [
        ("promote", {}, f"`{NEW}` answers for *Ships* in place of `{NOW}` within 30 seconds."),
        ("promote", {"retired": True}, "which takes records and files again"),
        ("promote", {"trial": CANARY | {"version": OLD}}, f"The canary of `{OLD}` ends."),
        ("rollback", {}, f"`{OLD}` answers for *Ships* again, in place of `{NOW}`"),
        ("retire", {"trial": SHADOW}, f"The shadow of `{NEW}` ends."),
        ("retire", {}, "promoting a version brings it back"),
        ("shadow", {}, "Nobody is answered by it."),
        ("canary", {}, f"answers 20 % of the entities in place of `{NOW}`, the same ones each time"),
        ("stop", {"trial": CANARY}, f"`{NOW}` answers everything within 30 seconds. The canary of `{NEW}` ends."),
    ],
)
def test_a_move_says_beforehand_what_it_will_do(action: Action, state: dict[str, Any], said: str) -> None:
    assert said in release.warning(Asked("titanic", action, seen(**state), NEW), "Ships", 0.2)


def test_what_was_moved_is_told_in_a_few_words() -> None:
    assert release.told(move("train")) == f"{NOW} was trained and became champion"
    assert release.told(move("promote")) == f"{NOW} became champion in place of {OLD}"
    assert release.told(move("promote", previous=NOW)) == f"{NOW} became champion"
    assert release.told(move("rollback")) == f"{NOW} answers again, in place of {OLD}"
    assert release.told(move("canary", trial=CANARY)) == f"{NEW} became canary beside {NOW}, for 10 %"
    assert release.told(move("shadow", trial=SHADOW)) == f"{NEW} became shadow of {NOW}"
    assert "stopped" in release.told(move("stop"))
    assert "retired" in release.told(move("retire"))
    assert release.told({**move("promote"), "action": None}) == f"{NOW} became champion in place of {OLD}"


def test_a_second_click_finds_the_move_made_and_another_visitor_does_not() -> None:
    body = Asked("titanic", "promote", seen(), NEW).body(" Ann ", "better", None)
    assert body == {"action": "promote", "by": "Ann", "reason": "better", "expected": 4, "version": NEW}
    assert release.is_made(move("promote"), body)
    assert not release.is_made(move("promote", by="Bob"), body)
    assert not release.is_made(move("promote", number=6), body)
    assert Asked("titanic", "canary", seen(), NEW).body("Ann", "try", 0.2)["share"] == 0.2


def test_roles_are_named() -> None:
    assert release.role(seen(), NOW) == "champion"
    assert release.role(seen(), NEW) == "challenger"
    assert release.role(seen(), OLD) == ""
    assert release.role(seen(trial=CANARY), NEW) == "canary, 10 %"
    assert release.role(seen(retired=True), NOW) == "retired"


def test_a_stopped_trial_is_told_until_the_next_move() -> None:
    assert release.ended([move("stop"), move("canary", trial=CANARY)]) == move("stop")
    assert release.ended([move("promote"), move("stop")]) is None
    assert release.ended([]) is None
