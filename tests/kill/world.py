"""One world for the functions: their database, cloud, webhook and zygote, with SQS and the schedules played here."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Literal

from local_cloud.config import ROOT
from tabserve.core.events import raw_file_message
from tests.kill import models
from tests.kill.cloud import Cloud
from tests.kill.models import DEFINITIONS
from tests.kill.postgres import Postgres
from tests.kill.processes import Ending, Processes
from tests.kill.raw_files import Contract, Raw, Uploaded
from tests.kill.webhook import Webhook
from tests.kill.worker import Job

MAX_RECEIVES = 5  # then a message goes to the dead letters
MAX_COPIES = 5
IN_A_BATCH = 3
ROUNDS = 15
A_WHILE = timedelta(minutes=3)  # longer than any lease
A_WINDOW = timedelta(hours=2)  # longer than any window of the monitor's
Queue = Literal["ingest", "features"]


@dataclass
class Message:
    """One copy of a message."""

    queue: Queue
    id: str
    body: str
    receives: int = 0


class World:
    """Everything around the functions; a case begins with empty tables and with keys that no other case has."""

    def __init__(self, name: str, postgres: Postgres, emulator: str, folder: Path) -> None:
        self.postgres, self.cloud, self.webhook = postgres, Cloud(name, emulator), Webhook()
        self.later_definitions = folder / "later"
        self.contract: Contract = "first"  # that the champions go by
        settings = {
            **self.cloud.settings(),
            "DATABASE_URL": postgres.url,
            "USE_CASES_DIR": str(DEFINITIONS),
            "ALERT_WEBHOOK_URL": self.webhook.url,
            "API_KEY": "key",
            "POLARS_MAX_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self.log = folder / f"{name}.log"
        self._zygote = _zygote(folder / f"{name}.zygote", self.webhook.port, settings, self.log)
        self.processes = Processes(str(folder / f"{name}.zygote"))
        self.uploaded: list[Uploaded] = []
        self.messages: list[Message] = []
        self.dead_letters: list[Message] = []
        self._cases, self._ids = count(1), count(1)

    def begin(self, seed: int) -> None:
        """Forget the case before."""
        self.cloud.forget(each.file for each in self.uploaded)
        self.case, self.random, self.seed = next(self._cases), random.Random(seed), seed
        self.uploaded, self.messages, self.dead_letters = [], [], []
        self.later = timedelta()
        self.other_alerts: list[tuple[str, str]] = []  # than those about files: rule and subject
        self.webhook.begin()
        if self.contract != "first":
            models.restore_contract(self.cloud.registry)
        self.contract = "first"
        self.processes.interrupt()
        self.postgres.empty()
        self._new_messages()
        self.messages.clear()
        list(self.cloud.receive("told"))
        os.truncate(self.log, 0)

    def upload(self, raw: Raw) -> Message:
        """Put a raw file into its bucket; return the message about it, which is for the caller to deliver."""
        file = self.cloud.upload(f"{raw.use_case}/{self.case}-{raw.name}", raw.body)
        self.uploaded.append(Uploaded(raw, file))
        return self._message("ingest", raw_file_message(file).decode())

    def job(self, function: str, *messages: Message) -> Job:
        """Return the invocation of a function with messages of its queue, or by its schedule."""
        for message in messages:
            message.receives += 1
        records = [
            {
                "messageId": message.id,
                "body": message.body,
                "attributes": {"ApproximateReceiveCount": str(message.receives)},
                "eventSource": "aws:sqs",
            }
            for message in messages
        ]
        return Job(function, {"Records": records} if records else {}, seed=self.seed, later=self.later)

    def notifications(self) -> Sequence[Message]:
        """Return the messages about good objects that S3 has not sent yet."""
        return [self._message("features", body) for body in self.cloud.new_good_objects()]

    def settle(self) -> bool:
        """Let everything run until nothing is left to do; return whether that came to pass."""
        if self.later >= A_WINDOW:
            self.processes.run(self.job("monitor"))
        for _ in range(ROUNDS):
            self._new_messages()
            if not (self.messages or self._to_sweep() or self._to_predict() or self._to_tell()):
                return True
            self.later += A_WHILE
            self.postgres.end_copies()
            self._deliver()
            if self._to_sweep():
                self.processes.run(self.job("sweep"))
            if self._to_predict():
                self.processes.run(self.job("scheduled_predict"), self.job("scheduled_predict"))
            if self._to_tell():
                self.processes.run(self.job("alerts"))
        return False

    def again(self, *messages: Message) -> None:
        """Put messages back into their queues, as copies of any number."""
        for message in messages:
            copies = self.random.randint(1, MAX_COPIES)
            self.messages += [Message(message.queue, message.id, message.body, message.receives) for _ in range(copies)]

    def close(self) -> None:
        """End all of it."""
        self._zygote.terminate()
        self._zygote.wait()
        self.postgres.close()
        self.webhook.close()

    def _message(self, queue: Queue, body: str) -> Message:
        return Message(queue, f"message-{next(self._ids)}", body)

    def _new_messages(self) -> None:
        self.again(*self.notifications())
        for queue in ("ingest", "features"):
            self.again(*(self._message(queue, body) for body in self.cloud.receive(queue)))

    def _deliver(self) -> None:
        """Deliver all messages in batches, two at a time; what fails comes again in the next round."""
        messages, self.messages = self.messages, []
        self.random.shuffle(messages)
        jobs = [
            (self.job(queue, *batch), batch)
            for queue in ("ingest", "features")
            for batch in _batches([message for message in messages if message.queue == queue], self.random)
        ]
        for pair in (jobs[start : start + 2] for start in range(0, len(jobs), 2)):
            endings = self.processes.run(*(job for job, _ in pair))
            for ending in endings:
                batch = next(batch for job, batch in pair if job.event is ending.job.event)
                self.settled(ending, batch)

    def settled(self, ending: Ending, batch: Sequence[Message]) -> None:
        """Do with the messages of an invocation what SQS does."""
        failures = (ending.result or {}).get("batchItemFailures", ())
        failed = {failure["itemIdentifier"] for failure in failures}
        for message in batch:
            if ending.failed or message.id in failed:
                dead = message.receives >= MAX_RECEIVES
                (self.dead_letters if dead else self.messages).append(message)

    def _to_sweep(self) -> bool:
        return not self.messages and self.postgres.rows("SELECT count(*) FROM ingestions") != [(len(self.uploaded),)]

    def _to_predict(self) -> bool:
        waiting = """SELECT 1 FROM ingestions
            WHERE status = 'done' AND rows_good > 0 AND predicted_at IS NULL AND prediction_error IS NULL"""
        return bool(self.postgres.rows(waiting))

    def _to_tell(self) -> bool:
        return bool(self.postgres.rows("SELECT 1 FROM alerts WHERE sent_at IS NULL"))


def _batches(messages: Sequence[Message], at_random: random.Random) -> Iterator[Sequence[Message]]:
    start = 0
    while start < len(messages):
        end = start + at_random.randint(1, IN_A_BATCH)
        yield messages[start:end]
        start = end


def _zygote(address: Path, webhook_port: int, settings: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a zygote and wait until it has imported everything."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.zygote", str(address), str(webhook_port)],
            cwd=ROOT,
            env={"PATH": os.defpath, "HOME": str(log.parent), "TMPDIR": str(log.parent), **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    while not address.exists():
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            raise RuntimeError(log.read_text(errors="replace"))
    return process
