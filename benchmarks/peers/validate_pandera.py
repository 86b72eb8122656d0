"""Validate one file with a typed, lazy pandera schema and write its good and bad rows."""

import contextlib
import json
import resource
import sys
import time

import pandas as pd
import pandera.pandas as pa

path, columns = sys.argv[1], json.load(sys.stdin)


def column(rule: dict) -> pa.Column:
    """Return the column a pandera user would write."""
    if "id" in rule:
        return pa.Column(unique=True, nullable=False)
    if "values" in rule:
        return pa.Column(str, pa.Check.isin(rule["values"]), nullable=not rule["required"])
    return pa.Column(float, pa.Check.in_range(*rule["range"]), nullable=not rule["required"])


schema = pa.DataFrameSchema({name: column(rule) for name, rule in columns.items()})
categories = {name: str for name, rule in columns.items() if "values" in rule}
with contextlib.suppress(pa.errors.SchemaErrors):
    schema.validate(pd.read_csv(path, dtype=categories, low_memory=False, nrows=1000), lazy=True)
start = time.perf_counter()
frame = pd.read_csv(path, dtype=categories, low_memory=False)
bad: set[int] = set()
try:
    schema.validate(frame, lazy=True)
except pa.errors.SchemaErrors as error:
    bad = set(error.failure_cases["index"].dropna().astype(int))
mask = frame.index.isin(bad)
frame[~mask].to_csv(f"{path}.good", index=False)
frame[mask].to_csv(f"{path}.bad", index=False)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak_mb": peak, "bad": sorted(number + 1 for number in bad)}))
