"""Read one file with pandas' own types, and nothing else: what validating can cost at least."""

import json
import resource
import sys
import time

import pandas as pd

pd.read_csv(sys.argv[1], low_memory=False, nrows=1000)
start = time.perf_counter()
frame = pd.read_csv(sys.argv[1], low_memory=False)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak_mb": peak, "bad": []}))
