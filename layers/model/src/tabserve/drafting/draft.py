"""A draft: what each column is taken for, and the definition that says so, with a comment where that was a guess."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import polars as pl
from pydantic import TypeAdapter, ValidationError

from tabserve.core.csv_files import folded
from tabserve.core.dates import iso
from tabserve.core.errors import DraftError
from tabserve.core.features import DateFeature, Name
from tabserve.core.rules import BOOLEANS, MAX_ID
from tabserve.drafting.columns import Guess, guess
from tabserve.drafting.plain_yaml import flow, scalar
from tabserve.drafting.table import SomeTable
from tabserve.drafting.target import Target, find_target, gives_away

ID_NAME: Final = re.compile(r"(^|[\W_])(id|key|uuid|guid|nr|no|number|index|code)$|^id|[a-z]I[dD]$", re.IGNORECASE)
SLUG_SIGNS: Final = re.compile(r"[^a-z0-9_-]+")
SHOWN: Final = 5
NAMES: Final = TypeAdapter(Name)


@dataclass(frozen=True, slots=True)
class Draft:
    """A definition as text, what each column was taken for, and what somebody should know before training."""

    name: str
    text: str
    guesses: Sequence[Guess]
    target: Target
    id_column: str | None
    notes: Sequence[str]
    examples: Mapping[str, Sequence[str]]


def slug(text: str) -> str:
    """Return a name of a use case like a text, such as that of a file."""
    plain = SLUG_SIGNS.sub("_", text.lower()).strip("_-")[:40]
    return plain if plain[:1].isalpha() else f"table_{plain}"[:40]


def draft(table: SomeTable, name: str, data: str, target_name: str, id_column: str | None = None) -> Draft:
    """Draft the definition `name` of a table whose place is `data`; raise DraftError."""
    columns = [column for column in table.cells.columns if not column.startswith("\0")]
    for each in filter(None, (target_name, id_column)):
        if each in columns and not _can_be_named(each):
            raise DraftError(f"The name of column {each!r} cannot stand in a definition; rename it in the file.")
    notes = list(_notes_on(table, columns))
    decimal = table.format.decimal
    guesses = {column: guess(column, table.cells[column], decimal) for column in columns if column != target_name}
    of_target = guess(target_name, table.cells[target_name], decimal).marks if target_name in columns else frozenset()
    marks = sorted({"", *of_target, *(mark for each in guesses.values() for mark in each.marks)})
    target = find_target(table.path.name, target_name, columns, table.cells, decimal, set(marks))
    if unknown := len(table.cells) - len(target.texts):
        notes.append(f"{unknown:,} rows have no {target_name}: they are left out of training")
    identity = _id_column(table, guesses, id_column)
    chosen = [_judged(each, table, target, identity) for each in guesses.values()]
    chosen = list(_without_copies(chosen, table))
    used = [each for each in chosen if each.settings and each.name != identity]
    if not any(each.kind != "text" for each in used):
        raise DraftError(f"{table.path.name} has no column that {target_name!r} could be predicted from.")
    derived = list(_derived(used, {folded(column) for column in columns}))
    ignored = [each for each in chosen if each.settings is None and each.name != identity and _can_be_named(each.name)]
    text = "\n".join(_lines(table, name, data, (identity, marks, target), (used, derived, ignored))) + "\n"
    examples = {column: table.cells[column].head(SHOWN).to_list() for column in columns}
    return Draft(name, text, chosen, target, identity, notes, examples)


def _can_be_named(name: str) -> bool:
    try:
        NAMES.validate_python(name)
    except ValidationError:
        return False
    return True


def _notes_on(table: SomeTable, columns: Sequence[str]) -> Iterator[str]:
    if not table.is_whole:
        yield f"{table.path.name} is large: the guesses come from its first {len(table.cells):,} rows"
    if table.nameless:
        yield f"{table.nameless} column{'s' * (table.nameless > 1)} without a name: left out"
    if strange := [column for column in columns if not _can_be_named(column)]:
        yield f"column {strange[0]!r} has a name that no definition can hold: left out; rename it in the file to use it"


def _id_column(table: SomeTable, guesses: Mapping[str, Guess], asked: str | None) -> str | None:
    """Return the column that identifies a row; raise DraftError where the one that was asked for does not."""
    if asked is not None:
        if asked not in guesses:
            raise DraftError(f"{table.path.name} has no column {asked!r} to be the id; it has {', '.join(guesses)}.")
        cells = table.cells[asked]
        if twice := cells.filter(cells.is_duplicated()).head(1).to_list():
            raise DraftError(
                f"Column {asked!r} of {table.path.name} repeats the id {twice[0]!r}; an id stands for one row."
            )
        return asked
    for name in guesses:
        cells = table.cells[name]
        usable = _can_be_named(name) and not (cells == "").any() and cells.str.len_chars().to_numpy().max() <= MAX_ID
        if usable and ID_NAME.search(name) and cells.n_unique() == len(cells):
            return name
    return None


def _judged(each: Guess, table: SomeTable, target: Target, identity: str | None) -> Guess:
    """Leave out what cannot be named, what gives the target away and what is an id by its name and looks."""
    if each.settings is None or each.name == identity:
        return each
    if not _can_be_named(each.name):
        return replace(each, settings=None, seen="its name cannot stand in a definition")
    cells = table.cells[each.name]
    if ID_NAME.search(each.name) and each.kind == "integer" and cells.n_unique() > 0.95 * len(cells):
        return replace(each, settings=None, seen="a number of its own in nearly every row: an id")
    known = ~table.cells[str(target.settings["name"])].is_in(["", *_missing(table, target)])
    numbers = _numbers(cells, table.format.decimal) if each.kind in ("number", "integer") else None
    share = gives_away(cells, target, known, numbers)
    if share is None:
        return each
    why = f"it alone tells {share:.1%} of {target.settings['name']}: take it back if it is known before the prediction"
    return replace(each, settings=None, seen=why)


def _missing(table: SomeTable, target: Target) -> list[str]:
    known = set(target.texts.unique())
    return [text for text in table.cells[str(target.settings["name"])].unique() if text not in known]


def _numbers(cells: pl.Series, decimal: str) -> pl.Series:
    return (cells.str.replace(",", ".", literal=True) if decimal == "," else cells).cast(pl.Float64, strict=False)


def _without_copies(guesses: Sequence[Guess], table: SomeTable) -> Iterator[Guess]:
    seen: dict[int, str] = {}
    for each in guesses:
        if each.settings is None:
            yield each
            continue
        cells = table.cells[each.name]
        key = hash((cells.hash().sum(), cells[0], cells[-1]))
        other = seen.setdefault(key, each.name)
        is_copy = other != each.name and bool((table.cells[other] == cells).all())
        yield replace(each, settings=None, seen=f"a copy of {other}") if is_copy else each


def _derived(used: Sequence[Guess], taken: set[str]) -> Iterator[dict[str, Any]]:
    """Yield what is computed from dates and texts, which no model takes as they are."""
    dates = [each for each in used if each.kind in ("date", "datetime")]
    for each in dates:
        for unit in ("epoch_days", "month", "weekday", *(["hour"] if each.kind == "datetime" else [])):
            yield _named(f"{each.name} {unit.replace('_', ' ')}", taken, {"part": {"of": each.name, "unit": unit}})
    for first, second in pairwise(dates):
        yield _named(f"days {first.name} to {second.name}", taken, {"days_between": [first.name, second.name]})
    for each in used:
        if each.kind == "text" and each.missing:
            yield _named(f"has {each.name}", taken, {"present": each.name})


def _named(name: str, taken: set[str], how: Mapping[str, Any]) -> dict[str, Any]:
    while folded(name) in taken:
        name += " 2"
    taken.add(folded(name))
    return {"name": name[:100], **how}


def _lines(
    table: SomeTable,
    name: str,
    data: str,
    found: tuple[str | None, Sequence[str], Target],
    columns: tuple[Sequence[Guess], Sequence[Mapping[str, Any]], Sequence[Guess]],
) -> Iterator[str]:
    (identity, marks, target), (used, derived, ignored) = found, columns
    form = table.format.model_dump(exclude_defaults=True)
    yield "# Drafted from a table: read it, correct what was guessed wrong, then train it."
    yield "# yaml-language-server: $schema=./use-case.schema.json"
    yield f"name: {scalar(name)}"
    yield "version: 1"
    yield f"title: {scalar(name.replace('_', ' ').capitalize())}"
    yield f"task: {target.task}"
    if identity:
        yield f"id_column: {scalar(identity)}"
    if form:
        yield f"format: {flow(form)}"
    if list(marks) != [""]:
        yield f"missing_values: {flow(list(marks))}"
    yield "features:"
    yield from (_line(each) for each in used)
    if derived:
        yield "derived:"
        yield from (f"  - {flow(each)}" for each in derived)
    if ignored:
        yield "ignore:"
        yield from (f"  - {scalar(each.name)}  # {_comment(each.seen)}" for each in ignored)
    yield f"target: {flow(target.settings)}  # {_comment(target.doubt or target.seen)}"
    yield f"example: {flow(dict(_example(table, used)))}"
    yield f"training: {flow({'data': data})}"


def _line(each: Guess) -> str:
    missing = f"{each.missing:.1%} missing" if each.missing else ""
    remark = "; ".join(filter(None, (each.seen, missing, each.doubt)))
    return f"  - {flow({'name': each.name, **(each.settings or {})})}  # {_comment(remark)}"


def _comment(text: str) -> str:
    return " ".join(text.split())


def _example(table: SomeTable, used: Sequence[Guess]) -> Iterator[tuple[str, Any]]:
    """Yield the values of a row, of one without missing ones if there is one."""
    names = [each.name for each in used]
    marks = {mark for each in used for mark in each.marks} | {""}
    rows = table.cells.select(names).head(1_000).rows()
    row = next((row for row in rows if not marks.intersection(row)), rows[0])
    for each, cell in zip(used, row, strict=True):
        if cell not in marks:
            yield each.name, _value(each, cell, table.format.decimal)


def _value(each: Guess, cell: str, decimal: str) -> Any:  # noqa: ANN401  a value of any type
    settings = dict(each.settings or {})
    match each.kind:
        case "integer":
            return int(cell)
        case "number":
            return float(cell.replace(",", ".") if decimal == "," else cell)
        case "boolean":
            return BOOLEANS[cell.lower()]
        case "date" | "datetime":
            return iso(
                DateFeature.model_validate({"name": "x", **{k: v for k, v in settings.items() if k != "required"}}),
                cell,
            )
    return cell


def definition_path(folder: Path, name: str) -> Path:
    """Return where a definition belongs."""
    return folder / f"{name}.yaml"
