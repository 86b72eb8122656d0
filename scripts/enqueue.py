"""Send predictions to the predict queue and print their answers from the results queue: an example client.

Reads one JSON body of a `POST /predict` a line, from a file or standard input; prints one result a line, as they come.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import stack_env

WAIT_SECONDS = 5


def main() -> int:
    """Send all lines, then wait for their results; exit 1 when some did not come in time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=argparse.FileType("r"), default=sys.stdin, help="JSON lines")
    parser.add_argument("--timeout", type=float, default=60, help="seconds to wait for the results (60)")
    parser.add_argument("--stack-env", type=Path, default=stack_env.STACK_ENV, help="which stack (.local/stack.env)")
    arguments = parser.parse_args()
    env = stack_env.read(arguments.stack_env)
    if not env:
        parser.error("nothing is running; start it with make up")
    sqs = stack_env.client(env, "sqs")
    sent = {
        sqs.send_message(QueueUrl=env["PREDICT_QUEUE_URL"], MessageBody=line)["MessageId"]
        for line in filter(str.strip, arguments.file)
    }
    missing = _print_results(sqs, env["RESULTS_QUEUE_URL"], sent, time.monotonic() + arguments.timeout)
    if missing:
        print(f"No result yet for {len(missing)} of {len(sent)} messages.", file=sys.stderr)
    return 1 if missing else 0


def _print_results(sqs: Any, url: str, waiting: set[str], deadline: float) -> set[str]:  # noqa: ANN401
    """Print and delete the results of our messages; leave other clients' results where they are."""
    waiting = set(waiting)
    while waiting and time.monotonic() < deadline:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT_SECONDS)
        for message in answer.get("Messages", ()):
            result = json.loads(message["Body"])
            if result["message_id"] in waiting:
                print(json.dumps(result), flush=True)  # a large one tells where it lies: `answer_in`
                waiting.discard(result["message_id"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return waiting


if __name__ == "__main__":
    sys.exit(main())
