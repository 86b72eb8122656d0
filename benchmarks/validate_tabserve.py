"""Split one file as a warm ingestion function does; print seconds, peak memory and the numbers of the bad rows."""

import io
import json
import resource
import sys
import time
from itertools import islice
from pathlib import Path

from tabserve.core.limits import FileFormat
from tabserve.core.service import catalog
from tabserve.core.settings import read_settings
from tabserve.ingestion.quarantine import read_bad_rows
from tabserve.ingestion.validator import validate_rows

path, dialect = Path(sys.argv[2]), FileFormat.model_validate_json(sys.argv[3])
use_case = catalog(read_settings()).get(sys.argv[1]).model_copy(update={"format": dialect})
good, bad = path.with_suffix(".good"), path.with_suffix(".bad")
with path.open("rb") as head:
    # Lines of another dialect cannot be told apart here.
    first = b"".join(islice(head, 1000)) if dialect == FileFormat() else head.read()
validate_rows(io.BytesIO(first), use_case, io.BytesIO(), io.BytesIO())
start = time.perf_counter()
with path.open("rb") as raw, good.open("wb") as good_rows, bad.open("wb") as bad_rows:
    validate_rows(raw, use_case, good_rows, bad_rows)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
with bad.open("rb") as written:
    numbers = [row.row_number for row in read_bad_rows(written)]
print(json.dumps({"seconds": seconds, "peak_mb": peak, "bad": numbers}))
