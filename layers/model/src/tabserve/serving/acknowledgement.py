"""Learn that somebody has seen alerts."""

from datetime import datetime

from tabserve.alerts.alert import Seen
from tabserve.serving.service import PredictDependencies


def acknowledge_alerts(
    rule: str,
    deps: PredictDependencies,
    *,
    subjects: tuple[str, ...] | None,
    use_case: str | None,
    until: datetime | None,
) -> int:
    """Note that the open alerts of a rule are seen, of some subjects or a use case where given; return how many.

    Without `until` that is all there are by now. Doing it again changes nothing. Raises UnknownUseCaseError.
    """
    if use_case is not None:
        deps.catalog.get(use_case)
    now = deps.clock()
    return deps.alerts().acknowledge(Seen(rule, until or now, subjects, use_case), now)
