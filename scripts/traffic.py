"""Send realistic predictions to the running stack, drifting on request, with outcomes that become known later."""

import argparse
import contextlib
import json
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

import command
import stack_env
from command import CommandError
from tabserve.core.errors import NoModelError
from tabserve.core.features import DateFeature, Feature, NumberFeature
from tabserve.core.records import Value
from tabserve.core.service import catalog
from tabserve.core.settings import read_settings
from tabserve.core.use_case import UseCase
from tabserve.reference.reference import Reference, ReferenceRows
from tabserve.registry.build import registry
from tabserve.registry.version import REFERENCE

CALLS_A_SECOND = 5
MOST_RECORDS = 5_000
TIMEOUT = 30

Record = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Drift:
    """What happens to one feature.

    A number moves by `amount`, a date by so many days; anything else becomes `towards` in that share of the rows.
    """

    feature: Feature
    amount: float
    towards: Value = None

    def apply(self, record: Record, strength: float, rng: random.Random) -> None:
        """Change a record; `strength` grows from 0 to 1."""
        value = record.get(self.feature.name)
        if isinstance(self.feature, DateFeature):
            if value is not None:
                kind = date if self.feature.type == "date" else datetime
                moment = kind.fromisoformat(str(value)) + timedelta(days=self.amount * strength)
                record[self.feature.name] = moment.isoformat()
        elif not isinstance(self.feature, NumberFeature):
            if rng.random() < self.amount * strength:
                record[self.feature.name] = self.towards
        elif isinstance(value, int | float):
            moved = min(self.feature.maximum, max(self.feature.minimum, value + self.amount * strength))
            record[self.feature.name] = round(moved) if self.feature.type == "integer" else round(moved, 4)


@dataclass
class Traffic:
    """Rows of a sample, sent at a rate; outcomes follow `truth_after` seconds behind."""

    use_case: UseCase
    sample: ReferenceRows
    client: httpx.Client
    drifts: Sequence[Drift] = ()
    ramp: float = 60
    truth_after: float = 60
    rng: random.Random = field(default_factory=random.Random)
    sent: int = 0
    known: int = 0
    failed: int = 0
    _due: deque[tuple[float, dict[str, str]]] = field(default_factory=deque)

    def keep_one_class(self) -> str:
        """Keep the sample rows that the model answers with its most common class, and return that class."""
        answers = self._post(
            "/predict", {"records": [self._record(place) for place in range(len(self.sample.actuals))]}
        )
        given = [each.get("prediction") for each in answers["predictions"]] if answers else []
        if not given:
            raise CommandError("the API gave no predictions")
        if self.use_case.is_regression:
            raise CommandError(f"--one-class: {self.use_case.name} predicts numbers")
        ((common, _),) = Counter(given).most_common(1)
        places = [place for place, answer in enumerate(given) if answer == common]
        columns = {name: [column[place] for place in places] for name, column in self.sample.columns.items()}
        self.sample = ReferenceRows(columns, [self.sample.actuals[place] for place in places])
        return str(common)

    def run(self, rate: float, seconds: float, console: Console) -> None:
        """Send `rate` rows a second, in calls of several where that is more than five a second."""
        calls = min(rate, CALLS_A_SECOND)
        start = time.monotonic()
        made = 0
        with console.status("") as status:
            while (elapsed := time.monotonic() - start) < seconds:
                wanted = int(elapsed * rate) + 1 - made
                records = min(MOST_RECORDS, wanted)
                strength = min(1.0, elapsed / self.ramp) if self.ramp else 1.0
                self._predict(records, strength, elapsed)
                made += wanted
                self._tell(elapsed)
                status.update(self.progress(strength, elapsed))
                time.sleep(max(0.0, 1 / calls - (time.monotonic() - start - elapsed)))

    def progress(self, strength: float, elapsed: float) -> str:
        """Say how far it is."""
        drifting = f", drift at {strength:.0%}" if self.drifts else ""
        failed = f", {self.failed} failed" if self.failed else ""
        done = f"{self.use_case.name}: {self.sent} rows sent, {self.known} outcomes told"
        return f"{done}{failed}{drifting}, {elapsed:.0f} s"

    def _predict(self, records: int, strength: float, elapsed: float) -> None:
        places = [self.rng.randrange(len(self.sample.actuals)) for _ in range(records)]
        rows = [self._record(place) for place in places]
        for row in rows:
            for drift in self.drifts:
                drift.apply(row, strength, self.rng)
        answers = self._post("/predict", {"records": rows, "source": "api"})
        if answers is None:
            self.failed += records
            return
        self.sent += records
        for place, answer in zip(places, answers["predictions"], strict=True):
            if "prediction_id" in answer:
                outcome = {"prediction_id": answer["prediction_id"], "actual": self.sample.actuals[place]}
                self._due.append((elapsed + self.truth_after, outcome))

    def _tell(self, elapsed: float) -> None:
        due: list[dict[str, str]] = []
        while self._due and self._due[0][0] <= elapsed and len(due) < MOST_RECORDS:
            due.append(self._due.popleft()[1])
        if due and self._post("/ground-truth", {"records": due}) is not None:
            self.known += len(due)

    def _record(self, place: int) -> Record:
        return {name: column[place] for name, column in self.sample.columns.items() if column[place] is not None}

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the API's answer; None when it is away or refuses."""
        try:
            response = self.client.post(path, json={"use_case": self.use_case.name, **body})
            response.raise_for_status()
        except httpx.HTTPError:
            return None
        answer: dict[str, Any] = response.json()
        return answer


def main() -> int:
    """Send until told to stop; exit 2 with one message when that is impossible."""
    arguments = parse_arguments()
    return command.ended(lambda: send(arguments, Console(highlight=False, soft_wrap=True)))


def send(arguments: argparse.Namespace, console: Console) -> None:
    """Send until the time is over or Ctrl-C."""
    traffic = prepare(arguments)
    with traffic.client:
        if arguments.one_class:
            console.print(f"only rows that the model answers with {traffic.keep_one_class()!r}")
        with contextlib.suppress(KeyboardInterrupt):
            traffic.run(arguments.rate, arguments.seconds, console)
        console.print(f"{traffic.use_case.name}: {traffic.sent} rows sent, {traffic.known} outcomes told")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--use-case", required=True, metavar="NAME", help="the definition in use_cases/NAME.yaml")
    parser.add_argument("--rate", type=float, default=10, metavar="R", help="rows a second (10)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="how long; until Ctrl-C by default")
    parser.add_argument(
        "--drift",
        action="append",
        default=[],
        metavar="FEATURE=AMOUNT",
        help="shift a number by AMOUNT of its unit or a date by AMOUNT days, or move that share (0 to 1) of the rows "
        "to the rarest value",
    )
    parser.add_argument("--ramp", type=float, default=60, metavar="SECONDS", help="until drift has its full size (60)")
    parser.add_argument("--one-class", action="store_true", help="send only rows that get the same answer")
    parser.add_argument("--truth-after", type=float, default=60, metavar="SECONDS", help="when outcomes are told (60)")
    parser.add_argument("--seed", type=int, help="for the same rows again")
    parser.add_argument("--env", default=str(stack_env.STACK_ENV), metavar="FILE", help="of the stack to send to")
    arguments = parser.parse_args()
    if arguments.rate <= 0:
        parser.error("--rate must be above 0")
    return arguments


def prepare(arguments: argparse.Namespace) -> Traffic:
    """Find the stack, the champion's sample and the drift asked for; raise CommandError."""
    if not stack_env.apply(Path(arguments.env)):
        raise CommandError("nothing is running; start it with make up")
    settings = read_settings()
    known = stack_env.read(Path(arguments.env))
    use_case = catalog(settings).get(arguments.use_case)
    sample = champion_sample(use_case)
    client = httpx.Client(base_url=known["API_URL"], headers={"x-api-key": known["API_KEY"]}, timeout=TIMEOUT)
    drifts = [parse_drift(use_case, sample, text) for text in arguments.drift]
    rng = random.Random(arguments.seed)  # noqa: S311  traffic needs no secret
    return Traffic(use_case, sample, client, drifts, arguments.ramp, arguments.truth_after, rng)


def champion_sample(use_case: UseCase) -> ReferenceRows:
    """Return the rows that came with the champion's reference; raise CommandError when there are none."""
    models = registry(read_settings())
    version = models.alias(use_case.name, "champion")
    if version is None:
        raise NoModelError(use_case.name)
    sample = Reference.from_dict(json.loads(models.file(use_case.name, version, REFERENCE))).sample
    if not sample.actuals:
        raise CommandError(f"{REFERENCE} of {version} holds no sample; train a new version with scripts/train.py")
    return sample


def parse_drift(use_case: UseCase, sample: ReferenceRows, text: str) -> Drift:
    """Read FEATURE=AMOUNT; raise CommandError naming what is wrong."""
    name, _, amount = text.partition("=")
    feature = next((each for each in use_case.features if each.name == name), None)
    if feature is None:
        raise CommandError(f"--drift {text}: {use_case.name} has the features {', '.join(use_case.feature_names)}")
    try:
        number = float(amount)
    except ValueError as error:
        raise CommandError(f"--drift {text}: AMOUNT must be a number") from error
    if isinstance(feature, NumberFeature | DateFeature):
        return Drift(feature, number)
    if not 0 <= number <= 1:
        raise CommandError(f"--drift {text}: AMOUNT is a share of the rows, 0 to 1, as {name} is a {feature.type}")
    seen: Counter[Value] = Counter(value for value in sample.columns[name] if value is not None)
    possible: Sequence[Value] = getattr(feature, "categories", ()) or list(seen)
    return Drift(feature, number, min(possible, key=lambda each: seen[each], default=None))


if __name__ == "__main__":
    sys.exit(main())
