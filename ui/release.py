"""Which version answers and how that can be changed: what a visitor may do, and each move in one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ui.components.markup import percent

Action = Literal["promote", "rollback", "retire", "shadow", "canary", "stop"]
Json = Mapping[str, Any]
WITHIN: Final = "within 30 seconds"
LABELS: Final[Mapping[Action, str]] = {
    "promote": "Promote",
    "shadow": "Start as shadow",
    "canary": "Start as canary",
    "stop": "Stop the trial",
    "rollback": "Roll back",
    "retire": "Retire the use case",
}
ICONS: Final[Mapping[Action, str]] = {
    "promote": ":material/rocket_launch:",
    "shadow": ":material/visibility:",
    "canary": ":material/call_split:",
    "stop": ":material/stop_circle:",
    "rollback": ":material/undo:",
    "retire": ":material/archive:",
}


@dataclass(frozen=True)
class Asked:
    """A move that a visitor is about to make, by what they saw."""

    use_case: str
    action: Action
    seen: Json
    version: str | None = None

    def body(self, by: str, reason: str, share: float | None) -> dict[str, Any]:
        """Return what the API is told."""
        told = {"action": self.action, "by": by.strip(), "reason": reason.strip(), "expected": self.seen["number"]}
        more = {"version": self.version, "share": share if self.action == "canary" else None}
        return told | {name: value for name, value in more.items() if value is not None}


def is_made(move: Json, body: Json) -> bool:
    """Tell whether a move is what was asked for: a second click, or a try after a lost answer, finds it made."""
    said = ("action", "by", "reason")
    return move["number"] == body["expected"] + 1 and all(move[name] == body[name] for name in said)


def of_a_version(seen: Json, version: str) -> list[Action]:
    """Return what can be done with a version."""
    if version == seen["champion"]:
        return ["promote"] if seen["retired"] else []
    trial = seen["trial"] or {}
    if seen["retired"] or not seen["champion"] or (trial and trial["version"] != version):
        return ["promote"]
    return ["promote", "canary"] if trial.get("kind") == "shadow" else ["promote", "shadow", "canary"]


def of_the_use_case(seen: Json) -> list[Action]:
    """Return what can be done whatever version is looked at."""
    if seen["retired"] or not seen["champion"]:
        return []
    can: Mapping[Action, object] = {"stop": seen["trial"], "rollback": seen["before"], "retire": True}
    return [action for action, is_possible in can.items() if is_possible]


def warning(asked: Asked, title: str, share: float = 1.0) -> str:
    """Say in Markdown what a move will do."""
    seen, version = asked.seen, f"`{asked.version}`"
    champion, trial = f"`{seen['champion']}`", seen["trial"]
    ends = f" The {trial['kind']} of `{trial['version']}` ends." if trial else ""
    match asked.action:
        case "promote" if seen["retired"]:
            return f"{version} answers for *{title}*, which takes records and files again, {WITHIN}."
        case "promote":
            place = f" in place of {champion}" if seen["champion"] else ""
            return f"{version} answers for *{title}*{place} {WITHIN}.{ends if _is_other(trial, asked.version) else ''}"
        case "rollback":
            return f"`{seen['before']}` answers for *{title}* again, in place of {champion}, {WITHIN}.{ends}"
        case "retire":
            back = "Versions, files and predictions stay; promoting a version brings it back."
            return f"*{title}* takes no records and no files any more {WITHIN}.{ends} {back}"
        case "shadow":
            return f"{version} scores every record that {champion} answers, {WITHIN}. Nobody is answered by it."
        case "canary":
            return (
                f"{version} answers {percent(share)} of the entities in place of {champion}, the same ones each time, "
                f"{WITHIN}. It stops by itself when it fails."
            )
    return f"{champion} answers everything {WITHIN}.{ends}"


def told(move: Json) -> str:
    """Say what a move did, in a few words."""
    trial = move["trial"]
    match move["action"]:
        case "shadow":
            return f"{trial['version']} became shadow of {move['champion']}"
        case "canary":
            return f"{trial['version']} became canary beside {move['champion']}, for {percent(trial['share'])}"
        case "stop":
            return f"the trial beside {move['champion']} was stopped"
        case "retire":
            return "the use case was retired"
        case "rollback":
            return f"{move['champion']} answers again, in place of {move['previous']}"
        case "train":
            return f"{move['champion']} was trained and became champion"
    place = f" in place of {move['previous']}" if move["previous"] not in {None, move["champion"]} else ""
    return f"{move['champion']} became champion{place}"


def done(move: Json) -> str:
    """Say in Markdown what a move that was just made leads to."""
    champion, trial = f"`{move['champion']}`", move["trial"]
    match move["action"]:
        case "retire":
            return f"**Retired.** It takes no records and files any more {WITHIN}."
        case "shadow":
            return f"**Started.** `{trial['version']}` scores what {champion} answers {WITHIN}."
        case "canary":
            return f"**Started.** `{trial['version']}` answers {percent(trial['share'])} of the entities {WITHIN}."
        case "stop":
            return f"**Stopped.** {champion} answers everything {WITHIN}."
    return f"**Done.** {champion} answers everywhere {WITHIN}."


def role(seen: Json, version: str) -> str:
    """Name what a version is for."""
    trial = seen["trial"]
    if version == seen["champion"]:
        return "retired" if seen["retired"] else "champion"
    if trial and version == trial["version"]:
        return "shadow" if trial["kind"] == "shadow" else f"canary, {percent(trial['share'])}"
    return "challenger" if version == seen["challenger"] else ""


def ended(moves: Sequence[Json]) -> Json | None:
    """Return the move that stopped a trial, where it was the last one."""
    return moves[0] if moves and moves[0]["action"] == "stop" else None


def _is_other(trial: Json | None, version: str | None) -> bool:
    return trial is not None and trial["version"] != version
