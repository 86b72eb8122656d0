"""JSON built by column: a batch's rows are encoded a column at a time, many times faster than a row at a time."""

from collections.abc import Sequence

import orjson

Texts = list[str]
Value = str | float | int | None


def texts(values: Sequence[Value]) -> Texts:
    """Return each value as JSON; a column of numbers takes one call, one of categories has few distinct values."""
    types = set(map(type, values))
    if types <= {int, float, type(None)}:
        return orjson.dumps(values)[1:-1].decode().split(",") if values else []
    if types <= {str, type(None)}:
        known = {value: text(value) for value in set(values)}
        return list(map(known.__getitem__, values))
    return list(map(text, values))  # 1, 1.0 and True are one key of a dictionary


def objects(members: Sequence[tuple[str, Texts]], rows: int) -> Texts:
    """Return one JSON object a row, of names and encoded values."""
    if not members:
        return ["{}"] * rows
    names, columns = zip(*members, strict=True)
    return list(map(template(names).__mod__, zip(*columns, strict=True)))


def template(names: Sequence[str]) -> str:
    """Return an object with these names, to be filled in with `%` and encoded values."""
    return "{" + ",".join(text(name).replace("%", "%%") + ":%s" for name in names) + "}"


def text(value: Value) -> str:
    """Return one value as JSON."""
    return orjson.dumps(value).decode()
