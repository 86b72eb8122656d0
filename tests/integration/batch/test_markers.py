from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tabserve.batch.markers import KEEP, DynamoMarkers
from tabserve.batch.ports import Claim, Markers
from tabserve.core.errors import LeaseLostError, StorageUnavailableError
from tests.factories import NOON
from tests.fakes.scheduling import FakeMarkers
from tests.lambdas import emulated

TABLE = "markers"
LEASE = 60
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class Time:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def client() -> Iterator[Any]:
    with emulated(tables=(TABLE,)) as aws:
        yield aws.dynamodb


@pytest.fixture(params=["dynamodb", "fake"])
def markers(request: pytest.FixtureRequest, time: Time) -> Markers:
    if request.param == "dynamodb":
        return DynamoMarkers(request.getfixturevalue("client"), TABLE, time)
    fake = FakeMarkers()
    monkey = request.getfixturevalue("monkeypatch")
    monkey.setattr(FakeMarkers, "now", property(lambda _: time.now, lambda _, __: None))
    return fake


def claimed(markers: Markers, owner: str = "a") -> Claim:
    claim = markers.claim("f1", owner, LEASE)
    assert claim is not None
    return claim


def test_a_claim_has_a_fence_and_counts_attempts(markers: Markers) -> None:
    assert claimed(markers) == Claim("f1", fence=1, attempts=1)


def test_a_held_file_is_free_again_when_its_lease_has_run_out(markers: Markers, time: Time) -> None:
    claimed(markers)
    assert markers.claim("f1", "b", LEASE) is None
    time.now += timedelta(seconds=LEASE)
    assert markers.claim("f1", "b", LEASE) is None
    time.now += timedelta(milliseconds=1)

    second = claimed(markers, "b")

    assert second == Claim("f1", fence=2, attempts=2)


def test_a_lease_can_be_extended(markers: Markers, time: Time) -> None:
    claim = claimed(markers)
    time.now += timedelta(seconds=50)

    markers.extend(claim, LEASE)
    time.now += timedelta(seconds=LEASE)
    assert markers.claim("f1", "b", LEASE) is None
    time.now += timedelta(milliseconds=1)
    assert markers.claim("f1", "b", LEASE) is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda markers, claim: markers.extend(claim, LEASE),
        lambda markers, claim: markers.complete(claim),
        lambda markers, claim: markers.release(claim, "late", final=False),
        lambda markers, claim: markers.release(claim, "late", final=True),
        lambda markers, claim: markers.pause(claim),
    ],
)
def test_whoever_lost_the_lease_changes_nothing(
    markers: Markers, time: Time, change: Callable[[Markers, Claim], object]
) -> None:
    slow = claimed(markers, "slow")
    time.now += timedelta(seconds=LEASE + 1)
    quick = claimed(markers, "quick")

    with pytest.raises(LeaseLostError):
        change(markers, slow)

    markers.complete(quick)


@pytest.mark.parametrize("settle", ["complete", "fail"])
def test_a_settled_file_is_never_claimed_again_until_reopened(markers: Markers, time: Time, settle: str) -> None:
    claim = claimed(markers)
    markers.complete(claim) if settle == "complete" else markers.release(claim, "broken", final=True)
    time.now += timedelta(days=1)

    assert markers.claim("f1", "b", LEASE) is None
    markers.reopen("f1")
    again = claimed(markers)
    assert (again.attempts, again.fence > claim.fence) == (1, True)


def test_reopening_fences_out_whoever_works_on_the_file(markers: Markers) -> None:
    markers.reopen("never claimed")
    slow = claimed(markers)
    markers.reopen("f1")

    with pytest.raises(LeaseLostError):
        markers.complete(slow)


def test_a_released_file_is_free_at_once_and_a_paused_one_did_not_try(markers: Markers) -> None:
    markers.release(claimed(markers), "row 3 is refused", final=False)
    second = claimed(markers)
    markers.pause(second)
    third = claimed(markers)

    assert [second.attempts, third.attempts] == [2, 2]
    assert third.fence == 3


def test_failure_and_end_are_written_as_others_read_them(client: Any, time: Time) -> None:
    markers = DynamoMarkers(client, TABLE, time)
    markers.release(claimed(markers), "row 3 is refused", final=True)
    key = {"pk": {"S": "predict#f1"}}

    item = client.get_item(TableName=TABLE, Key=key)["Item"]

    assert item["status"] == {"S": "FAILED"}
    assert item["error"] == {"S": "row 3 is refused"}
    assert {"pk", "status", "owner", "lease_until", "fence", "attempts", "error", "ttl"} == set(item)


@pytest.mark.parametrize("left", ["at once", "extended", "paused", "released", "complete", "reopened"])
def test_a_marker_goes_some_time_after_the_last_claim_however_it_was_left(client: Any, time: Time, left: str) -> None:
    markers = DynamoMarkers(client, TABLE, time)
    claim = claimed(markers)
    changes: dict[str, Callable[[], object]] = {
        "at once": lambda: None,
        "extended": lambda: markers.extend(claim, LEASE),
        "paused": lambda: markers.pause(claim),
        "released": lambda: markers.release(claim, "because", final=False),
        "complete": lambda: markers.complete(claim),
        "reopened": lambda: markers.reopen("f1"),
    }
    changes[left]()

    item = client.get_item(TableName=TABLE, Key={"pk": {"S": "predict#f1"}})["Item"]

    assert int(item["ttl"]["N"]) == (NOON + KEEP).timestamp()


def test_the_fence_is_above_what_the_database_knows_even_when_the_table_was_lost(markers: Markers) -> None:
    claim = markers.claim("f1", "a", LEASE, floor=7)
    assert claim is not None
    assert (claim.fence, claim.attempts) == (8, 1)

    markers.pause(claim)
    again = markers.claim("f1", "b", LEASE, floor=8)

    assert again is not None
    assert again.fence == 9
    markers.complete(again)


def test_a_table_that_is_away_is_unavailable(client: Any, time: Time) -> None:
    markers = DynamoMarkers(client, "another", time)

    with pytest.raises(StorageUnavailableError, match="another"):
        markers.claim("f1", "a", LEASE)


@dataclass
class Model:
    """What a marker must be, in the simplest words."""

    status: str = "absent"
    fence: int = 0
    attempts: int = 0
    free_after: datetime = LONG_AGO
    holders: dict[str, Claim] = field(default_factory=dict)
    known: int = 0  # the newest fence in the database


class ClaimProtocol(RuleBasedStateMachine):
    """Workers claim, extend, settle, stall and wake up in any order; the marker does what the model says."""

    workers = st.sampled_from(["a", "b", "c"])

    def __init__(self) -> None:
        super().__init__()
        self.aws = emulated(tables=(TABLE,))
        self.time = Time()
        self.client = self.aws.__enter__().dynamodb
        self.markers = DynamoMarkers(self.client, TABLE, self.time)
        self.model = Model()

    def teardown(self) -> None:
        self.aws.__exit__(None, None, None)

    @rule(worker=workers, read=st.integers(0, 9))
    def claim(self, worker: str, read: int) -> None:
        """Claim with the fence that a run read at its start, and begin where the database knows no newer one."""
        floor = min(read, self.model.known)
        free = self.model.status == "absent" or (
            self.model.status == "INPROGRESS" and self.model.free_after < self.time.now
        )
        claim = self.markers.claim("f1", worker, LEASE, floor)
        assert (claim is not None) == free
        if claim is not None:
            self.model.status = "INPROGRESS"
            self.model.fence = max(self.model.fence, floor) + 1
            self.model.attempts += 1
            self.model.free_after = self.time.now + timedelta(seconds=LEASE)
            self.model.holders.pop(worker, None)
            if claim.fence > self.model.known:
                self.model.holders[worker], self.model.known = claim, claim.fence
            assert (claim.fence, claim.attempts) == (self.model.fence, self.model.attempts)

    @precondition(lambda self: self.model.holders)
    @rule(worker=workers, how=st.sampled_from(["extend", "complete", "release", "fail", "pause"]))
    def change(self, worker: str, how: str) -> None:
        claim = self.model.holders.get(worker)
        if claim is None:
            return
        holds = self.model.status == "INPROGRESS" and claim.fence == self.model.fence
        try:
            self._apply(claim, how)
        except LeaseLostError:
            assert not holds
            return
        assert holds
        if how == "extend":
            self.model.free_after = self.time.now + timedelta(seconds=LEASE)
        elif how in ("complete", "fail"):
            self.model.status = {"complete": "COMPLETED", "fail": "FAILED"}[how]
        else:
            self.model.free_after = LONG_AGO
            self.model.attempts -= how == "pause"

    def _apply(self, claim: Claim, how: str) -> None:
        if how == "extend":
            self.markers.extend(claim, LEASE)
        elif how == "complete":
            self.markers.complete(claim)
        elif how == "pause":
            self.markers.pause(claim)
        else:
            self.markers.release(claim, "because", final=how == "fail")

    @rule()
    def lose_the_table(self) -> None:
        self.client.delete_item(TableName=TABLE, Key={"pk": {"S": "predict#f1"}})
        self.model = Model(holders=self.model.holders, known=self.model.known)

    @rule(seconds=st.sampled_from([1, 59, 60, 61]))
    def wait(self, seconds: int) -> None:
        self.time.now += timedelta(seconds=seconds)

    @invariant()
    def at_most_one_worker_holds_the_newest_fence(self) -> None:
        assert sum(claim.fence == self.model.fence for claim in self.model.holders.values()) <= 1


ClaimProtocol.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestClaimProtocol = pytest.mark.timeout(120)(ClaimProtocol.TestCase)
