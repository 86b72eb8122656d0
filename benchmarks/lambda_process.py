"""What the Lambda runtime does: import a handler, answer one event, then as often again as each line of input says.

Lines that begin with the mark are for whoever asked; everything else is the handler's log.
"""

import importlib
import json
import statistics
import sys
import time
import types

MARK = "@benchmark "


def main() -> None:
    """Answer, say so, and go on as told."""
    paths, handler_name, event = json.loads(sys.stdin.readline())
    sys.path[:0] = paths
    module, _, name = handler_name.rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    context = types.SimpleNamespace(
        function_name="bench",
        function_version="1",
        memory_limit_in_mb=1024,
        aws_request_id="request-1",
        invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:bench",
        log_group_name="",
        log_stream_name="",
        get_remaining_time_in_millis=lambda: 900_000,
    )
    print(f"\n{MARK}{json.dumps(handler(event, context))}", flush=True)
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            started = time.perf_counter()
            handler(event, context)
            seconds.append(time.perf_counter() - started)
        print(f"\n{MARK}{statistics.median(seconds)}", flush=True)


if __name__ == "__main__":
    main()
