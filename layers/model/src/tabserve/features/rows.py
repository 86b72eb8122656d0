"""Turn the rows of a good file into what the feature store keeps: one entity's features and how old they are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from tabserve.core.csv_files import folded, places
from tabserve.core.entities import Entity
from tabserve.core.errors import FileRejectedError
from tabserve.core.good_rows import Records, Row
from tabserve.core.records import Features
from tabserve.core.use_case import UseCase
from tabserve.core.validation import validate

# An event of the far future, a mistyped year, would win over every true event after it.
CLOCKS_DIFFER_BY: Final = timedelta(days=1)
NOT_A_TIME: Final = "not_a_time"
NOT_A_ROW: Final = "not_a_row"


@dataclass(frozen=True, slots=True)
class Known:
    """What rows say about entities, one entry an entity, and the rule each refused row breaks, by its number."""

    entities: Sequence[Entity]
    refused: Mapping[int, str] = field(default_factory=dict)


class FeatureRows:
    """Reads the rows of one file by the use case's columns, wherever they stand."""

    def __init__(self, use_case: UseCase, header: Sequence[str], written_at: datetime, now: datetime) -> None:
        """Find the columns; raise FileRejectedError for a missing one.

        A row's event time is what the use case's `event_time_column` says, or `written_at` without any.
        """
        self._use_case = use_case
        try:
            self._records = Records(use_case, header)
        except ValueError as error:
            raise FileRejectedError("missing_column", f"{error}.") from error
        self._written_at = written_at
        self._latest = now + CLOCKS_DIFFER_BY
        self._time_place = _place(use_case.event_time_column, header)

    def read(self, rows: Iterable[Row]) -> Known:
        """Return what numbered rows of the file say; the later of two rows about one entity counts."""
        refused: dict[int, str] = {}
        read: list[tuple[int, Features, datetime]] = []
        for number, cells in rows:
            try:
                record = self._record(cells)
            except ValueError:
                refused[number] = NOT_A_ROW
                continue
            if (time := self._time(cells)) is None:
                refused[number] = NOT_A_TIME
            else:
                read.append((number, record, time))
        validated = validate(self._use_case, [record for _, record, _ in read])
        refused |= {read[place][0]: NOT_A_ROW for place in validated.errors}
        features = zip(*validated.columns.values(), strict=True)
        entities = [
            Entity(str(entity_id), dict(zip(validated.columns, values, strict=True)), read[place][2])
            for place, entity_id, values in zip(validated.indices, validated.entity_ids, features, strict=True)
        ]
        return Known(latest(entities), refused)

    def _record(self, cells: Sequence[str]) -> Features:
        record = self._records.read(cells)
        if "entity_id" not in record:
            raise ValueError("a row has no id")
        return record

    def _time(self, cells: Sequence[str]) -> datetime | None:
        if self._time_place is None:
            return self._written_at
        time = event_time(cells[self._time_place])
        return time if time is not None and time <= self._latest else None


def event_time(text: str) -> datetime | None:
    """Read a time in ISO 8601, in UTC where it names no zone; return None for anything else."""
    try:
        time = datetime.fromisoformat(text.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def latest(entities: Iterable[Entity]) -> list[Entity]:
    """Return one entry an entity: the one with the latest event time, the last of several."""
    found: dict[str, Entity] = {}
    for entity in entities:
        known = found.get(entity.entity_id)
        if known is None or known.event_time <= entity.event_time:
            found[entity.entity_id] = entity
    return list(found.values())


def _place(column: str | None, header: Sequence[str]) -> int | None:
    if column is None:
        return None
    place = places(header).get(folded(column))
    if place is None:
        raise FileRejectedError("missing_column", f"the file has no column {column}.")
    return place
