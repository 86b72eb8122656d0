"""What really happened, handed in as a CSV file: read, compared with what is stored, sent in pieces."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from ui import csv_tables, features, numbers, queries
from ui.context import label_of
from ui.database import ReaderDatabase
from ui.errors import UiError

PIECE = 1_000
PREDICTION, ENTITY = "prediction_id", "entity_id"
ACTUAL = "what happened"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNKNOWN = "there is no prediction with this id"
Json = Mapping[str, Any]
Judge = Callable[[str], tuple[str | float | None, str]]  # what a text means, or what is wrong with it


@dataclass(frozen=True)
class Outcome:
    """What one row says really came, a class or a number, of a prediction or of the latest one about an entity."""

    row: int
    kind: str  # PREDICTION or ENTITY
    id: str
    text: str
    actual: str | float | None  # None where the text is no class, or no number
    wrong: str = ""
    stored: str | None = None  # what is stored for the prediction, as text
    several: bool = False  # the entity has more than one prediction

    @property
    def is_new(self) -> bool:
        """Whether saving it changes something."""
        if isinstance(self.actual, float) and self.stored is not None:
            return not self.wrong and self.actual != float(self.stored)
        return not self.wrong and str(self.actual) != self.stored

    def record(self) -> dict[str, Any]:
        """Return it as the API takes it."""
        return {self.kind: self.id, "actual": self.actual}


@dataclass(frozen=True)
class OutcomeFile:
    """The outcomes of a file, one an id: where an id stands twice, its last row counts."""

    outcomes: Sequence[Outcome]
    rows: int
    empty: int  # rows without an outcome
    repeated: int  # rows whose id comes again further down
    read_as: str

    @property
    def to_save(self) -> list[Outcome]:
        """The outcomes that change something."""
        return [each for each in self.outcomes if each.is_new]


def read(file: BinaryIO, definition: Json, most: int) -> OutcomeFile:
    """Read a file of at most `most` rows; raise UiError with what is wrong with it as a whole."""
    entity, names = definition["id_column"], (ACTUAL, "actual", definition["target"]["name"])
    table = csv_tables.read(file, [PREDICTION, ENTITY, entity, *names], most)
    actual = next((name for name in names if name in table.header), None)
    if actual is None:
        raise UiError(f"The file lacks the column “{ACTUAL}”.", "Name it so in the first line; the template shows how.")
    if not {PREDICTION, ENTITY, entity} & {*table.header}:
        raise UiError(
            f"The file lacks the column {PREDICTION} or {entity}.", "One of them says which prediction a row is about."
        )
    judge = _number(definition) if numbers.is_regression(definition) else _class(definition)
    read = [_outcome(row, cells, entity, actual, judge) for row, cells in enumerate(table.rows, start=1)]
    told = [outcome for outcome in read if outcome.text]
    last = {(outcome.kind, outcome.id): outcome for outcome in told}
    return OutcomeFile(list(last.values()), len(read), len(read) - len(told), len(told) - len(last), table.separated)


def compare(file: OutcomeFile, use_case: str, database: ReaderDatabase) -> OutcomeFile:
    """Look up the predictions the outcomes are about, and what is stored of them; raise UiError."""
    asked = {kind: [each.id for each in file.outcomes if each.kind == kind] for kind in (PREDICTION, ENTITY)}
    known = {
        PREDICTION: queries.outcomes_of_predictions(database, use_case, [*filter(UUID.fullmatch, asked[PREDICTION])]),
        ENTITY: queries.outcomes_of_entities(database, use_case, asked[ENTITY]),
    }
    return replace(file, outcomes=[_compared(each, known[each.kind]) for each in file.outcomes])


def template(predictions: Sequence[Json], definition: Json) -> tuple[list[str], list[list[Any]]]:
    """Return header and rows of a file to fill in, about these predictions."""
    header = [PREDICTION, definition["id_column"], "prediction", ACTUAL]
    said = "prediction" if numbers.is_regression(definition) else "label"
    return header, [[each[PREDICTION], each["entity_id"], each[said], ""] for each in predictions]


def _outcome(row: int, cells: Mapping[str, str], entity: str, actual: str, judge: Judge) -> Outcome:
    prediction = (cells.get(PREDICTION) or "").strip().lower()
    id_ = prediction or (cells.get(ENTITY) or cells.get(entity) or "").strip()
    text = (cells.get(actual) or "").strip()
    meant, wrong = judge(text)
    return Outcome(row, PREDICTION if prediction else ENTITY, id_, text, meant, wrong if id_ else "the row has no id")


def _class(definition: Json) -> Judge:
    """Return what finds a class by the texts that may stand for it: as the data write it, and its label."""
    known = definition["target"]["classes"]
    classes = {**{label_of(definition, each): each for each in known}, **{str(each): each for each in known}}
    words = " or ".join(label for label, value in classes.items() if label != str(value)) or " or ".join(classes)
    return lambda text: (classes.get(text), "" if text in classes else f"“{text}” is none of {words}")


def _number(definition: Json) -> Judge:
    """Return what reads a number, with a decimal point or as the use case's files write it, within the limits."""
    target, decimal = definition["target"], definition["format"]["decimal"]

    def judge(text: str) -> tuple[float | None, str]:
        written = text.replace(decimal, ".")
        if not features.NUMBER.fullmatch(written):
            return None, f"“{text}” is no number"
        number = float(written)
        if target["minimum"] is not None and number < target["minimum"]:
            return None, f"{text} is less than {target['minimum']:g}"
        if target["maximum"] is not None and number > target["maximum"]:
            return None, f"{text} is more than {target['maximum']:g}"
        return number, ""

    return judge


def _compared(outcome: Outcome, known: Mapping[str, tuple[str | None, bool]]) -> Outcome:
    if outcome.wrong:
        return outcome
    if outcome.id not in known:
        return replace(outcome, wrong=UNKNOWN)
    stored, several = known[outcome.id]
    return replace(outcome, stored=stored, several=several)
