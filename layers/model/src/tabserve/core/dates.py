"""Dates and times: read as raw files write them, written as ISO 8601, as records hold them."""

from datetime import UTC, date, datetime, time

from tabserve.core.features import DateFeature


def iso(feature: DateFeature, cell: str) -> str:
    """Return a cell of a raw file as ISO 8601; raise ValueError when it is not in the feature's format."""
    if not feature.format:
        return canonical(feature, cell)
    moment = datetime.strptime(cell, feature.format)  # noqa: DTZ007  without offset it is in the feature's timezone
    return moment.date().isoformat() if feature.type == "date" else moment.isoformat()


def canonical(feature: DateFeature, text: str) -> str:
    """Return a date or a time in ISO 8601 as it is written here; raise ValueError for anything else."""
    if feature.type == "date":
        return date.fromisoformat(text).isoformat()
    return datetime.fromisoformat(text).isoformat()


def moment(feature: DateFeature, text: str) -> datetime:
    """Return the time that ISO 8601 stands for, on a clock of the feature's timezone; a day stands for its first."""
    if feature.type == "date":
        return datetime.combine(date.fromisoformat(text), time(), feature.zone)
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=feature.zone) if found.tzinfo is None else found.astimezone(feature.zone)


def instant(feature: DateFeature, text: str) -> datetime:
    """Return the same time in UTC: differences of clock times would forget when clocks are put back."""
    return moment(feature, text).astimezone(UTC)
