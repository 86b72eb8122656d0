"""Validate records against a use case, column by column, and explain every refusal.

A column of well-typed values passes with a handful of set and range operations; only a column with a doubtful value
is looked at value by value. The result is the same as validating each record alone.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabserve.core import dates, rules
from tabserve.core.features import (
    BooleanFeature,
    CategoryFeature,
    DateFeature,
    Feature,
    NumberFeature,
    TextFeature,
)
from tabserve.core.records import FailureCase, Value
from tabserve.core.use_case import UseCase

Record = Mapping[str, object]
Columns = dict[str, list[Value]]
NoneType = type(None)
ENTITY = "entity_id"
ENTITY_ID = re.compile(rf"(?!.*[\ud800-\udfff]){rules.ID}")
NONE: Mapping[int, FailureCase] = {}
JSON_HINT = ", written as a JSON number"
SURROGATES = "\ud800-\udfff"  # halves of pairs, which no database takes
UNUSABLE_IN_CATEGORY = re.compile(f"[{rules.CONTROL}{SURROGATES}]")
UNUSABLE_IN_TEXT = re.compile(f"[\\x00{SURROGATES}]")


@dataclass(frozen=True, slots=True)
class Validated:
    """Which records are valid, their features by column, and why the others are refused.

    `indices` are the valid records' places in the request; every list in `columns` and `entity_ids` has their length.
    Columns hold values as the use case writes them: categories and numbers, None where optional and missing.
    """

    indices: Sequence[int]
    columns: Columns
    entity_ids: Sequence[str | None]
    errors: Mapping[int, tuple[FailureCase, ...]]


def validate(use_case: UseCase, records: Sequence[Record], refused: Mapping[int, FailureCase] = NONE) -> Validated:
    """Split records into valid ones, as columns, and refused ones, with all their failure cases.

    `refused` are the ones, by index, that are known to be no good.
    """
    failures: dict[int, list[FailureCase]] = {}
    columns, entity_ids = _by_column(use_case, records, failures)
    _refuse_entity_ids(entity_ids, failures)
    for feature in use_case.features:
        if not _all_valid(feature, columns[feature.name]):
            _explain(feature, columns[feature.name], failures)
    failures |= {index: [case] for index, case in refused.items()}
    valid: Columns = columns  # type: ignore[assignment]  # refused values are dropped
    ids: list[str | None] = entity_ids  # type: ignore[assignment]
    found = (
        _without_refused(len(records), valid, ids, failures)
        if failures
        else Validated(range(len(records)), valid, ids, {})
    )
    for feature in use_case.features:
        if isinstance(feature, DateFeature):
            texts = found.columns[feature.name]
            found.columns[feature.name] = [text and dates.canonical(feature, str(text)) for text in texts]
    return found


def _by_column(
    use_case: UseCase, records: Sequence[Record], failures: dict[int, list[FailureCase]]
) -> tuple[dict[str, list[object]], list[object]]:
    """Turn records into columns and entity ids; refuse those with unknown fields."""
    names = use_case.feature_names
    if set(map(len, records)) == {len(names)}:
        try:  # as many fields as features, all of them found: there is nothing else
            return {name: [record[name] for record in records] for name in names}, [None] * len(records)
        except KeyError:
            pass
    _refuse_unknown_fields(use_case, records, failures)
    columns = {name: [record.get(name) for record in records] for name in names}
    return columns, [record.get(ENTITY) for record in records]


def failure_cases(feature: Feature, value: object) -> list[FailureCase]:
    """Return the rules one value of one feature breaks; empty when it is valid."""
    if value is None:
        return [_case(feature, "missing_value", "is required")] if feature.required else []
    rule = _broken_rule(feature, value)
    hint = JSON_HINT if rule == "not_a_number" else ""
    return [_case(feature, rule, f"must be {wanted(feature)}{hint}")] if rule else []


def _broken_rule(feature: Feature, value: object) -> str | None:
    match feature:
        case CategoryFeature(is_open=False):
            known = any(type(value) is type(category) and value == category for category in feature.categories)
            return None if known else "unknown_category"
        case NumberFeature():
            return _broken_by_number(feature, value)
        case BooleanFeature():
            return None if isinstance(value, bool) else "not_a_boolean"
        case DateFeature():
            return None if isinstance(value, str) and _is_iso(feature, value) else "not_a_date"
        case _:
            return _broken_by_text(feature, value)


def _broken_by_number(feature: NumberFeature, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "not_a_number"
    if feature.type == "integer" and value != int(value):
        return "not_an_integer"
    if value < feature.minimum:
        return "below_minimum"
    return "above_maximum" if value > feature.maximum else None


def _broken_by_text(feature: CategoryFeature | TextFeature, value: object) -> str | None:
    most, unusable = rules.MAX_CATEGORY, UNUSABLE_IN_CATEGORY
    if isinstance(feature, TextFeature):
        most, unusable = feature.max_length, UNUSABLE_IN_TEXT
    if not isinstance(value, str) or not value or unusable.search(value):
        return "not_a_text"
    return "too_long_cell" if len(value) > most else None


def _is_iso(feature: DateFeature, text: str) -> bool:
    try:
        dates.canonical(feature, text)
    except ValueError:
        return False
    return True


def wanted(feature: Feature) -> str:
    """Say what a value of a record must be."""
    match feature:
        case CategoryFeature(is_open=False):
            return _one_of(feature)
        case NumberFeature():
            return _range_of(feature)
        case BooleanFeature():
            return "true or false"
        case DateFeature(type="date"):
            return 'a date in ISO 8601, such as "2026-01-31"'
        case DateFeature():
            return 'a time in ISO 8601, such as "2026-01-31T12:00:00"'
        case TextFeature():
            return f"a text of 1 to {feature.max_length} characters"
        case _:
            return f"a text of 1 to {rules.MAX_CATEGORY} characters, none of them a control character"


def _all_valid(feature: Feature, values: Sequence[object]) -> bool:
    types = set(map(type, values))
    if NoneType in types:
        if feature.required:
            return False
        types.discard(NoneType)
    match feature:
        case CategoryFeature(is_open=False):
            known = {*feature.categories, None}
            return types <= {type(category) for category in feature.categories} and set(values) <= known
        case NumberFeature():
            present = [value for value in values if value is not None]
            return types <= _number_types(feature) and _all_in_range(feature, present)
        case BooleanFeature():
            return types <= {bool}
        case _:
            return types <= {str} and not any(_broken_rule(feature, value) for value in set(values) - {None})


def _number_types(feature: NumberFeature) -> set[type]:
    return {int} if feature.type == "integer" else {int, float}


def _all_in_range(feature: NumberFeature, values: Sequence[object]) -> bool:
    numbers: Sequence[float] = values  # type: ignore[assignment]  # their types were checked
    return not numbers or (feature.minimum <= min(numbers) and max(numbers) <= feature.maximum)


def _explain(feature: Feature, values: Sequence[object], failures: dict[int, list[FailureCase]]) -> None:
    for index, value in enumerate(values):
        if cases := failure_cases(feature, value):
            failures.setdefault(index, []).extend(cases)


def _refuse_unknown_fields(
    use_case: UseCase, records: Sequence[Record], failures: dict[int, list[FailureCase]]
) -> None:
    allowed = {*use_case.feature_names, ENTITY}
    for index, record in enumerate(records):
        if not record.keys() <= allowed:
            failures[index] = [
                FailureCase(name, "unknown_field", f"{name} is not a feature of {use_case.name}")
                for name in sorted(record.keys() - allowed)
            ]


def _refuse_entity_ids(values: Sequence[object], failures: dict[int, list[FailureCase]]) -> None:
    if set(map(type, values)) == {NoneType}:
        return
    for index, value in enumerate(values):
        if value is not None and not (isinstance(value, str) and ENTITY_ID.fullmatch(value)):
            case = FailureCase(
                ENTITY,
                "not_an_id",
                f"entity_id must be a text of 1 to {rules.MAX_ID} characters, none of them a control character",
            )
            failures.setdefault(index, []).append(case)


def _without_refused(
    count: int, columns: Columns, entity_ids: list[str | None], failures: Mapping[int, list[FailureCase]]
) -> Validated:
    kept = [index for index in range(count) if index not in failures]
    return Validated(
        kept,
        {name: [values[index] for index in kept] for name, values in columns.items()},
        [entity_ids[index] for index in kept],
        {index: tuple(failures[index]) for index in sorted(failures)},
    )


def _case(feature: Feature, rule: str, what: str) -> FailureCase:
    return FailureCase(feature.name, rule, f"{feature.name} {what}")


def _one_of(feature: CategoryFeature) -> str:
    return "one of " + ", ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in feature.categories)


def _range_of(feature: NumberFeature) -> str:
    kind = "a whole number" if feature.type == "integer" else "a number"
    if feature.has_minimum and feature.has_maximum:
        return f"{kind} from {feature.minimum:g} to {feature.maximum:g}"
    if feature.has_minimum:
        return f"{kind} from {feature.minimum:g} on"
    return f"{kind} up to {feature.maximum:g}" if feature.has_maximum else kind
