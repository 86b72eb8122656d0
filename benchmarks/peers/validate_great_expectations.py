"""Validate one file with Great Expectations, its numbers coerced before, and write its good and bad rows."""

import json
import logging
import resource
import sys
import time
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import great_expectations as gx  # noqa: E402
import great_expectations.expectations as gxe  # noqa: E402
import pandas as pd  # noqa: E402

path, columns = sys.argv[1], json.load(sys.stdin)
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
asset = context.data_sources.add_pandas("files").add_dataframe_asset("file")
batch = asset.add_batch_definition_whole_dataframe("all")
suite = context.suites.add(gx.ExpectationSuite("rules"))
for name, rule in columns.items():
    if rule.get("required") or "id" in rule:
        suite.add_expectation(gxe.ExpectColumnValuesToNotBeNull(column=name))
    if "id" in rule:
        suite.add_expectation(gxe.ExpectColumnValuesToBeUnique(column=name))
    elif "values" in rule:
        suite.add_expectation(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=rule["values"]))
    else:
        low, high = rule["range"]
        suite.add_expectation(gxe.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high))


def validate(rows: int | None = None):
    """Return the rows read and what the suite says about them."""
    types = {name: str for name, rule in columns.items() if "values" in rule}
    frame = pd.read_csv(path, dtype=types, low_memory=False, nrows=rows)
    for name, rule in columns.items():
        if "range" in rule:
            frame[name] = pd.to_numeric(frame[name], errors="coerce")
    return frame, batch.get_batch({"dataframe": frame}).validate(suite, result_format={"result_format": "COMPLETE"})


validate(1000)
start = time.perf_counter()
frame, result = validate()
bad: set[int] = set()
for each in result.results:
    bad.update(each.result.get("unexpected_index_list") or ())
mask = frame.index.isin(bad)
frame[~mask].to_csv(f"{path}.good", index=False)
frame[mask].to_csv(f"{path}.bad", index=False)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak_mb": peak, "bad": sorted(number + 1 for number in bad)}))
