"""A file's identity and its severity, at every border."""

import pytest

from tabserve.core.files import RawFile
from tabserve.core.limits import SeverityLimits
from tabserve.ingestion.severity import severity
from tabserve.ingestion.validation_result import Issue, ValidationResult

DEFAULT = SeverityLimits()
STRICT = SeverityLimits(high=0.2, medium=0.01)
CRITICAL = SeverityLimits(critical_rules=("duplicated_id",), critical_rule_share=0.05)


@pytest.mark.parametrize(
    ("limits", "bad", "by_rule", "expected"),
    [
        (DEFAULT, 0, {}, "none"),
        (DEFAULT, 1, {}, "low"),
        (DEFAULT, 99, {}, "low"),
        (DEFAULT, 100, {}, "medium"),
        (DEFAULT, 499, {}, "medium"),
        (DEFAULT, 500, {}, "high"),
        (DEFAULT, 1000, {}, "high"),
        (STRICT, 9, {}, "low"),
        (STRICT, 10, {}, "medium"),
        (STRICT, 199, {}, "medium"),
        (STRICT, 200, {}, "high"),
        (CRITICAL, 50, {"duplicated_id": 49}, "low"),
        (CRITICAL, 50, {"duplicated_id": 50}, "medium"),
        (CRITICAL, 50, {"not_a_number": 50}, "low"),
    ],
)
def test_severity_rises_exactly_at_its_limits(
    limits: SeverityLimits, bad: int, by_rule: dict[str, int], expected: str
) -> None:
    issues = tuple(Issue("", rule, rows, ()) for rule, rows in by_rule.items())
    assert severity(limits, ValidationResult(1000, 1000 - bad, bad, issues)) == expected


def test_a_file_without_a_usable_row_is_high() -> None:
    assert severity(DEFAULT, ValidationResult(0, 0, 0, ())) == "high"
    assert severity(SeverityLimits(high=1.0, medium=1.0), ValidationResult(1, 0, 1, ())) == "high"


def test_a_version_of_an_object_has_an_identity_of_its_own() -> None:
    versions = [
        RawFile("b", "k", "e"),
        RawFile("b", "k", "e", "v1"),
        RawFile("b", "k", "e", "v2"),
        RawFile("b", "l", "e"),
    ]
    assert len({file.file_id for file in versions}) == 4
    assert RawFile("b", "k", "other etag", "v1").file_id == versions[1].file_id
    assert RawFile("b", "k", "e", size=5).file_id == versions[0].file_id
