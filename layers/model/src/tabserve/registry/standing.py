"""Where an alias stands: which version answers, which one is on trial, and the move that made it so."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

TrialKind = Literal["shadow", "canary"]
Action = Literal["train", "promote", "rollback", "retire", "shadow", "canary", "stop"]
CHAMPION_MOVES: Final[frozenset[Action | None]] = frozenset({None, "train", "promote"})


class Trial(BaseModel):
    """A challenger beside the champion.

    A shadow scores what the champion answers, and nobody is answered by it. A canary answers a share of the entities.
    """

    model_config = ConfigDict(frozen=True)

    kind: TrialKind
    version: str
    share: float = Field(default=1.0, gt=0, le=1)


class Standing(BaseModel):
    """What an alias says now, with the move that it was changed by; `number` counts moves.

    `previous` is the version before the move, `by` who made it, and `at` when.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str | None = None
    retired: bool = False
    trial: Trial | None = None
    number: int = 0
    action: Action | None = None
    previous: str | None = None
    at: datetime | None = None
    by: str = ""
    reason: str = ""

    def moved(
        self,
        action: Action,
        version: str | None,
        *,
        retired: bool = False,
        trial: Trial | None = None,
        at: datetime | None = None,
        by: str = "",
        reason: str = "",
    ) -> "Standing":
        """Return what the alias says after a move; who does not name a trial ends the one there is."""
        return Standing(
            version=version,
            retired=retired,
            trial=trial,
            number=self.number + 1,
            action=action,
            previous=self.version,
            at=at,
            by=by,
            reason=reason,
        )

    def sentence(self) -> str:
        """Return what the last move was."""
        when = f" at {self.at:%Y-%m-%d %H:%M:%S} UTC" if self.at else ""
        who = f" by {self.by}" if self.by else ""
        match self.action:
            case "shadow" | "canary":
                assert self.trial is not None  # noqa: S101  for the types
                share = f" for {self.trial.share:.3g} of the entities" if self.action == "canary" else ""
                what = f"{self.trial.version} became {self.action}{share} beside {self.version}"
            case "stop":
                what = f"the trial beside {self.version} was stopped"
            case "retire":
                what = "the use case was retired"
            case _:
                what = f"{self.version} became champion in place of {self.previous or 'none'}"
        return f"{what}{who}{when}{f' ({self.reason})' if self.reason else ''}"


def champion_before(history: list[Standing]) -> str | None:
    """Return the champion that a rollback leads to, from all moves of an alias, oldest first.

    A rollback takes back the promotion before it, so that two of them lead two champions back.
    """
    champions: list[str] = []
    for each in history:
        if each.action == "rollback" and champions:
            champions.pop()
        elif each.action in CHAMPION_MOVES and each.version and champions[-1:] != [each.version]:
            champions.append(each.version)
    return champions[-2] if len(champions) > 1 else None
