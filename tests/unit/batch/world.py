"""The services that the scheduled function works with, in memory, and the files that wait for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

from tabserve.batch.ports import ScheduledDependencies
from tabserve.batch.service import Scored, score_pending
from tabserve.core.files import Ingestion
from tabserve.ingestion.validation_result import BadRow
from tests.definitions import CATALOG
from tests.factories import NOON, good_object, ingestion
from tests.fakes.alerts import FakeOutbox
from tests.fakes.ingestion import FakeIngestions
from tests.fakes.objects import FakeObjects
from tests.fakes.scheduling import FakeMarkers, FakePredictionService

HEADER = "PassengerId,Survived,Pclass,Name,Sex,Age,SibSp,Parch,Ticket,Fare,Cabin,Embarked"
FLOWER_HEADER = "Id,SepalLengthCm,SepalWidthCm,PetalLengthCm,PetalWidthCm,Species"


def line(number: int) -> str:
    return f'{number},0,3,"Braund, Mr. ""O""",male,22.5,1,0,A/5 21171,7.25,,S'


@dataclass
class World:
    ingestions: FakeIngestions = field(default_factory=FakeIngestions)
    markers: FakeMarkers = field(default_factory=FakeMarkers)
    good: FakeObjects = field(default_factory=FakeObjects)
    alerts: FakeOutbox = field(default_factory=FakeOutbox)
    seconds_left: float = 900
    calls: int = 1
    runs_again: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.service = FakePredictionService(self.ingestions)
        self.numbers = count(1)

    def file(self, file_id: str, rows: int = 3, bad: Sequence[int] = (), **changes: object) -> Ingestion:
        """Put a split file there: rows are numbered as in the raw file, ids are 100 more."""
        verdict = ingestion(file_id, rows_total=rows + len(bad), rows_good=rows, rows_bad=len(bad), **changes)
        verdict = replace(verdict, finished_at=NOON + timedelta(seconds=next(self.numbers)))
        self.ingestions.save(verdict, [], [BadRow(number, number + 1, "", ()) for number in bad])
        good = {number: line(100 + number) for number in range(1, rows + len(bad) + 1) if number not in bad}
        self.good.put(str(verdict.good_key), good_object(HEADER, good))
        return verdict

    def flower(self, file_id: str) -> None:
        """Put a split file of another use case there, of one row."""
        verdict = self.file(file_id, rows=1, use_case="iris")
        self.good.put(str(verdict.good_key), good_object(FLOWER_HEADER, {1: "1,5.1,3.5,1.4,0.2,Iris-setosa"}))

    def deps(self) -> ScheduledDependencies:
        return ScheduledDependencies(
            catalog=CATALOG,
            files=self.ingestions,
            markers=self.markers,
            good=self.good,
            service=self.service,
            alerts=self.alerts,
            clock=lambda: self.markers.now,
            new_id=lambda: f"run-{next(self.numbers)}",
            run_again=lambda function, hop: self.runs_again.append((function, hop)),
            calls=self.calls,
        )

    def run(self) -> Scored:
        scored = score_pending(self.deps(), "worker", lambda: self.seconds_left)
        self.markers.now += timedelta(minutes=5)
        return scored


def fails(times: int, error: Callable[[], Exception], file_id: str = "") -> Callable[[str, Sequence[int]], None]:
    left = iter(range(times))

    def trouble(asked: str, _rows: Sequence[int]) -> None:
        if (not file_id or asked == file_id) and next(left, None) is not None:
            raise error()

    return trouble
