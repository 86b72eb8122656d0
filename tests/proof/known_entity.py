"""A Schemathesis hook: a record that is nothing but an entity's id asks for the one entity that the test has stored.

That an unknown one is refused (422) depends on what is stored, which a schema cannot say.
"""

import re
from typing import Any

import schemathesis

from functions.predict.request import ENTITY_ID

KNOWN = "known"


@schemathesis.hook
def before_call(_: Any, case: Any, __: Any) -> None:
    """Name the known entity wherever a record has nothing but the id of some entity."""
    wrong_on_purpose = case.meta is not None and case.meta.generation.mode.is_negative
    if case.path == "/predict" and isinstance(case.body, dict) and not wrong_on_purpose:
        records = case.body.get("records", [case.body])
        for record in records if isinstance(records, list) else ():
            if isinstance(record, dict) and record.keys() == {"entity_id"} and _is_id(record["entity_id"]):
                record["entity_id"] = KNOWN


def _is_id(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(ENTITY_ID, value) is not None
