"""Give messages that ended in a dead-letter queue, and raw files without a result, another chance."""

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import boto3

import command
import stack_env
from command import CommandError

QUEUES = {
    "ingest": ("INGEST_QUEUE_URL", "INGEST_DEAD_LETTERS_URL"),
    "features": ("FEATURES_QUEUE_URL", "FEATURES_DEAD_LETTERS_URL"),
    "predict": ("PREDICT_QUEUE_URL", "PREDICT_DEAD_LETTERS_URL"),
}


def main(arguments: list[str] | None = None) -> int:
    """Move messages back to their queue, or list them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queue", choices=QUEUES, default="ingest", help="whose dead letters (default: ingest)")
    parser.add_argument("--list", action="store_true", help="show the dead letters and leave them where they are")
    parser.add_argument("--missing", action="store_true", help="also queue raw files that have no result or failed")
    parser.add_argument("--predictions", action="store_true", help="only try the files again that prediction gave up")
    options = parser.parse_args(arguments)
    stack_env.apply()
    return command.ended(retry_predictions if options.predictions else lambda: handle_dead_letters(options))


def handle_dead_letters(options: argparse.Namespace) -> None:
    """Move or list the dead letters of a queue; raise CommandError when its settings are missing."""
    names = QUEUES[options.queue]
    if absent := [name for name in names if not os.environ.get(name)]:
        raise CommandError(f"Missing setting {', '.join(absent)}: start the stack with make up, or set it.")
    queue, dead_letters = (os.environ[name] for name in names)
    sqs = boto3.client("sqs")
    if options.list:
        show(sqs, dead_letters)
        return
    print(f"{redrive(sqs, dead_letters, queue)} messages moved back to the {options.queue} queue")
    if options.missing:
        print(f"{queue_missing(sqs, queue)} raw files without a verdict, or a failed one, queued")


def show(sqs: Any, dead_letters: str) -> None:  # noqa: ANN401  boto3 clients have no static type
    """Print every dead letter."""
    for message in _received(sqs, dead_letters, hidden_seconds=5):
        print(f"{message['Attributes'].get('ApproximateReceiveCount', '?')} x  {message['Body']}")


def redrive(sqs: Any, dead_letters: str, queue: str) -> int:  # noqa: ANN401
    """Move every message; one that cannot be sent stays a dead letter. Return how many were moved."""
    moved = 0
    for message in _received(sqs, dead_letters, hidden_seconds=60):
        sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
        sqs.delete_message(QueueUrl=dead_letters, ReceiptHandle=message["ReceiptHandle"])
        moved += 1
    return moved


def queue_missing(sqs: Any, queue: str) -> int:  # noqa: ANN401
    """Queue every raw file, whatever its age, that ingestion has not finished or failed at; return how many."""
    from tabserve.core.database import Database
    from tabserve.core.events import raw_file_message
    from tabserve.ingestion.raw_bucket import S3RawBucket
    from tabserve.ingestion.store import Ingestions
    from tabserve.ingestion.sweep import not_ingested

    raw = S3RawBucket(boto3.client("s3"), os.environ["RAW_BUCKET"])
    ingestions = Ingestions(Database(os.environ["DATABASE_URL"]))
    failed = ingestions.failed()
    again = (found for found in raw.files() if found[0].file_id in failed)
    queued = 0
    for file, _ in chain(not_ingested(raw, ingestions, before=datetime.now(UTC)), again):
        sqs.send_message(QueueUrl=queue, MessageBody=raw_file_message(file).decode())
        queued += 1
    return queued


def retry_predictions() -> None:
    """Let the next scheduled run take up every file that was given up."""
    from tabserve.batch.build import retry_service
    from tabserve.batch.service import retry_given_up

    ingestions, markers = retry_service()
    files = retry_given_up(ingestions, markers, lambda: datetime.now(UTC))
    for file in files:
        print(f"{file.key} will be tried again")
    print(f"{len(files)} files reopened")


def _received(sqs: Any, url: str, hidden_seconds: int) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    seen: set[str] = set()
    while True:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=hidden_seconds, AttributeNames=["All"]
        )
        new = [message for message in answer.get("Messages", ()) if message["MessageId"] not in seen]
        if not new:
            return
        seen.update(message["MessageId"] for message in new)
        yield from new


if __name__ == "__main__":
    sys.exit(main())
