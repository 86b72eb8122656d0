"""Say in the log and in alerts what becomes of versions: one cannot be served, or a trial was stopped."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from tabserve.alerts.alert import Alert, AlertState, alert_id
from tabserve.core.clock import Clock
from tabserve.core.errors import ModelError, UnavailableError
from tabserve.serving.answers import Challenger

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from tabserve.alerts.outbox import Outbox

Place = Literal["champion", "challenger"]
REFUSED: dict[Place, str] = {"champion": "model_refused", "challenger": "challenger_refused"}
STOPPED = "trial_stopped"


class ModelAlerts:
    """Writes each to the log and as an alert; where the alert cannot be stored, that is in the log, too."""

    def __init__(self, outbox: "Callable[[], Outbox]", log: "Logger", clock: Clock) -> None:
        self._outbox = outbox
        self._log = log
        self._clock = clock

    def report(self, use_case: str, version: str, error: ModelError | None, place: Place = "champion") -> None:
        """Report why a version is refused; without an error, that it is served."""
        state: AlertState = "firing" if error else "resolved"
        payload = {"use_case": use_case, "version": version, "error": str(error or "")}
        self._log.error(place, extra={"state": state, **payload})
        self._add(Alert("", REFUSED[place], use_case, use_case, state, "high", payload, self._clock()), version)

    def stopped(self, challenger: Challenger, reason: str) -> None:
        """Report that a trial was stopped, and why."""
        use_case, kind, version = challenger.use_case.name, challenger.kind, challenger.version
        payload = {
            "title": f"The {kind} {version} of {use_case} was stopped",
            "use_case": use_case,
            "version": version,
            "reason": f"{reason[:1].upper()}{reason[1:]}. The champion answers all.",
        }
        self._log.error("trial stopped", extra=payload)
        alert = Alert("", STOPPED, use_case, use_case, "firing", "high", payload, self._clock())
        self._add(alert, str(challenger.number))

    def _add(self, alert: Alert, cause: str) -> None:
        named = replace(alert, id=alert_id(alert.rule, alert.subject, alert.state, cause))
        try:
            self._outbox().add([named])
        except UnavailableError:
            self._log.exception("alert not stored")  # what is served goes on; that must not fail for it
