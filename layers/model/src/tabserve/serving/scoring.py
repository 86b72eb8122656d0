"""Score a request's valid rows: by the champion, and by the challenger on trial beside it, if there is one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from tabserve.core.derivation import with_derived
from tabserve.core.records import AnswerRole, Source
from tabserve.core.validation import Columns
from tabserve.serving.answers import Challenger, ClassAnswers, NumberAnswers, Served
from tabserve.serving.prediction import BesideBatch, PredictionBatch, new_ids, row_ids
from tabserve.serving.trial import canaries

if TYPE_CHECKING:
    from tabserve.serving.trials import Trials


@dataclass(frozen=True, slots=True)
class Rows:
    """Valid records of a request by column; every list has one entry a row, `places` where it stands in the request."""

    request_id: str
    use_case: str
    source: Source
    created_at: datetime
    columns: Columns
    places: Sequence[int]
    entity_ids: Sequence[str | None]
    file_id: str | None = None
    row_numbers: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(self.places)

    def keys(self) -> list[str]:
        """Return what tells each row's entity from all others: its id, or the row itself where it has none."""
        of, numbers = self.file_id or self.request_id, self.row_numbers or self.places
        return [id_ or f"{of}/{number}" for id_, number in zip(self.entity_ids, numbers, strict=True)]

    def at(self, rows: Sequence[int]) -> "Rows":
        """Return some of the rows."""
        return Rows(
            self.request_id,
            self.use_case,
            self.source,
            self.created_at,
            {name: [values[row] for row in rows] for name, values in self.columns.items()},
            [self.places[row] for row in rows],
            [self.entity_ids[row] for row in rows],
            self.file_id,
            [self.row_numbers[row] for row in rows] if self.row_numbers else None,
        )


class Scored(NamedTuple):
    """The answers to rows, with the places of the batch's own rows in the request and of its canary's."""

    batch: PredictionBatch
    places: Sequence[int]
    canary_places: Sequence[int] = ()


class Attempt(NamedTuple):
    """What a challenger said of those rows that it gave a finite answer, by their number, and what it was asked."""

    rows: Sequence[int]
    columns: Columns
    answers: ClassAnswers | NumberAnswers


def scored(rows: Rows, served: Served, trials: "Trials") -> Scored:
    """Score rows; raise what the champion raises, and nothing that a challenger does."""
    if served.challenger is None:
        return Scored(_by_champion(rows, served), rows.places)
    if served.challenger.kind == "canary":
        return _with_canary(rows, served, served.challenger, trials)
    batch = _timed(rows, served, served.challenger, trials)
    if said := _attempt(rows, served.challenger, trials):
        ids = [batch.ids[row] for row in said.rows]
        batch = replace(batch, shadow=BesideBatch("shadow", served.challenger.version, ids, said.answers))
    return Scored(batch, rows.places)


def _with_canary(rows: Rows, served: Served, canary: Challenger, trials: "Trials") -> Scored:
    """Let the champion answer all that does not fall to the canary, and what that gives no answer."""
    chosen = canaries(rows.use_case, rows.keys(), canary.share)
    said = _attempt(rows.at(chosen), canary, trials) if chosen else None
    if said is None:
        return Scored(_timed(rows, served, canary, trials), rows.places)
    answered = [chosen[row] for row in said.rows]
    own = rows.at(answered)
    batch = _batch(own, said.columns, said.answers, canary.version, "canary")
    if len(own) == len(rows):
        return Scored(batch, own.places)
    others = rows.at(sorted(set(range(len(rows))).difference(answered)))
    return Scored(replace(_timed(others, served, canary, trials), canary=batch), others.places, own.places)


def _timed(rows: Rows, served: Served, beside: Challenger, trials: "Trials") -> PredictionBatch:
    started = perf_counter()
    batch = _by_champion(rows, served)
    trials.observe(beside, "champion", served.version, len(rows), perf_counter() - started)
    return batch


def _by_champion(rows: Rows, served: Served) -> PredictionBatch:
    columns = with_derived(served.use_case, rows.columns)
    answers = served.answers(served.model.score(columns, len(rows)))
    return _batch(rows, columns, answers, served.version)


def _attempt(rows: Rows, challenger: Challenger, trials: "Trials") -> Attempt | None:
    """Return a challenger's answers, None where it has none at all; whatever it raises is counted and goes no further.

    What it raises may quote the rows, so that only the kind of error is told.
    """
    started, failure, said = perf_counter(), "", None
    try:
        said = _finite(rows, challenger)
    except Exception as error:  # noqa: BLE001  the champion answers
        failure = f"its scoring raised {type(error).__name__}"
    else:
        if len(said.rows) < len(rows):
            failure = "it answered with NaN or infinity"
    seconds = perf_counter() - started
    trials.observe(challenger, challenger.kind, challenger.version, len(rows), seconds, failure)
    return said if said and said.rows else None


def _finite(rows: Rows, challenger: Challenger) -> Attempt:
    import numpy as np  # models have it already; before the first one is loaded nobody needs it

    use_case = challenger.use_case
    columns = with_derived(use_case, rows.columns)
    scores = challenger.served.model.score(columns, len(rows))
    if scores.shape != (len(rows), 1 if use_case.is_regression else len(use_case.target.classes)):
        raise ValueError("a row of answers for each row is wanted")
    finite = np.flatnonzero(np.isfinite(scores).all(axis=1)).tolist()
    if len(finite) < len(rows):
        columns = {name: [values[row] for row in finite] for name, values in columns.items()}
        scores = scores[finite]
    return Attempt(finite, columns, challenger.served.answers(scores))


def _batch(
    rows: Rows,
    columns: Columns,
    answers: ClassAnswers | NumberAnswers,
    version: str,
    role: AnswerRole = "champion",
) -> PredictionBatch:
    numbers = rows.row_numbers
    ids = new_ids(rows.created_at, len(rows)) if not rows.file_id else row_ids(rows.file_id, numbers or (), version)
    return PredictionBatch(
        request_id=rows.request_id,
        use_case=rows.use_case,
        model_version=version,
        source=rows.source,
        created_at=rows.created_at,
        ids=ids,
        columns=columns,
        answers=answers,
        entity_ids=rows.entity_ids,
        file_id=rows.file_id,
        row_numbers=numbers,
        role=role,
    )
