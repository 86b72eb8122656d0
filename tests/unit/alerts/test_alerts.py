"""What becomes of waiting alerts when channels are well, sick or slow: nothing is lost, nobody is told twice."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tabserve.alerts.alert import LONGEST_WAIT, Alert, AlertState, Notice, notice
from tabserve.alerts.service import KEPT_S, AlertDependencies, Delivery, send_alerts
from tabserve.core.errors import AlertDeliveryError
from tests.factories import NOON
from tests.fakes.alerts import FakeChannel, FakeOutbox

AWAY = AlertDeliveryError("The channel is away.")


@dataclass
class World:
    """Two channels and a clock that only moves when told to."""

    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    chat: FakeChannel = field(default_factory=FakeChannel)
    mail: FakeChannel = field(default_factory=FakeChannel)
    ui_url: str = ""

    def __post_init__(self) -> None:
        self.now = NOON
        self.made = 0

    def fire(self, subject: str, state: AlertState = "firing", **payload: object) -> None:
        at = NOON + timedelta(microseconds=self.made)
        self.made += 1
        self.outbox.add([Alert(f"{subject} {state}", "rule", subject, None, state, "high", payload, at)])

    def run(self, seconds_left: Callable[[], float] = lambda: 60) -> Delivery:
        channels = {"chat": self.chat, "mail": self.mail}
        delivery = send_alerts(AlertDependencies(self.outbox, channels, self.ui_url, lambda: self.now), seconds_left)
        self.now += timedelta(minutes=1)
        return delivery

    def run_until_sent(self, runs: int = 100) -> None:
        for _ in range(runs):
            self.run()
        assert all(alert.sent_at for alert in self.outbox.alerts.values())


def told(channel: FakeChannel) -> list[str]:
    return [f"{dict(notice.facts)['subject']} {notice.state}" for notice in channel.sent]


def test_every_alert_reaches_every_channel_once() -> None:
    world = World()
    for subject in "abc":
        world.fire(subject)
    assert world.run().sent == 3
    assert world.run().sent == 0
    assert told(world.chat) == told(world.mail) == ["a firing", "b firing", "c firing"]


@pytest.mark.parametrize("error", [AWAY, ValueError("unknown url type"), RuntimeError()])
def test_a_sick_channel_is_left_alone_for_the_run_and_the_other_gets_everything(error: Exception) -> None:
    world = World(mail=FakeChannel(error))
    for number in range(250):
        world.fire(f"{number:03}")
    delivery = world.run()
    assert (world.mail.tries, len(world.chat.sent), delivery.sent) == (2, 250, 0)
    assert delivery.errors == [f"mail: {error}" if str(error) else "mail: RuntimeError"] * 2


def test_nothing_is_given_up_and_each_is_told_once_when_the_channel_is_well_again() -> None:
    world = World(mail=FakeChannel(AWAY))
    for subject in "abcde":
        world.fire(subject)
    for _ in range(500):
        world.run()
    world.mail.error = None
    world.run_until_sent(runs=20)
    assert sorted(told(world.mail)) == sorted(told(world.chat)) == [f"{subject} firing" for subject in "abcde"]


def test_one_alert_that_is_refused_does_not_stop_the_others() -> None:
    class Picky(FakeChannel):
        def send(self, notice: Notice) -> None:
            self.error = AWAY if dict(notice.facts)["subject"] == "a" else None
            super().send(notice)

    world = World(mail=Picky())
    for subject in "abc":
        world.fire(subject)
    assert world.run().sent == 2
    assert told(world.mail) == ["b firing", "c firing"]


def test_attempts_are_made_later_and_later_and_counted_when_they_are_made() -> None:
    world = World(mail=FakeChannel(AWAY))
    world.fire("a")
    tries = []
    for minute in range(60):
        before = world.mail.tries
        world.run()
        tries += [minute] if world.mail.tries > before else []
    assert tries == [0, 1, 5, 13, 28, 43, 58]
    assert world.outbox.alerts["a firing"].attempts == len(tries) + 1, "one of them reached the chat"
    assert timedelta(minutes=tries[-1] - tries[-2]) == LONGEST_WAIT


def test_a_run_ends_in_time_and_the_next_one_goes_on() -> None:
    world = World()
    for number in range(10):
        world.fire(str(number))
    left = iter([60, 60, 60, 60, 60, KEPT_S, KEPT_S])
    world.run(lambda: next(left))
    assert len(world.chat.sent) + len(world.mail.sent) == 3
    world.run_until_sent(runs=3)
    assert sorted(told(world.chat)) == sorted(told(world.mail)) == [f"{number} firing" for number in range(10)]


def test_nobody_hears_of_the_end_before_the_beginning() -> None:
    world = World(mail=FakeChannel(AWAY))
    world.fire("a")
    for _ in range(5):
        world.run()
    world.fire("a", "resolved")
    world.run()
    assert told(world.chat) == ["a firing", "a resolved"], "the channel that is well need not wait"
    world.mail.error = None
    world.run_until_sent(runs=40)
    assert told(world.mail) == ["a firing", "a resolved"]


def test_two_senders_at_once_tell_nothing_twice() -> None:
    world = World()
    for number in range(5):
        world.fire(str(number))

    class Interrupting(FakeChannel):
        def send(self, notice: Notice) -> None:
            super().send(notice)
            if self.tries == 1:
                other = AlertDependencies(world.outbox, {"chat": self, "mail": world.mail}, "", lambda: world.now)
                send_alerts(other, lambda: 60)

    world.chat = Interrupting()
    world.run_until_sent(runs=2)
    assert sorted(told(world.chat)) == sorted(told(world.mail)) == [f"{number} firing" for number in range(5)]


def test_without_channels_alerts_wait_untouched() -> None:
    outbox = FakeOutbox()
    world = World(outbox)
    world.fire("a")
    send_alerts(AlertDependencies(outbox, {}, "", lambda: NOON), lambda: 60)
    assert (outbox.alerts["a firing"].attempts, outbox.next_attempts) == (0, {})


def test_a_files_alert_leads_to_the_page_and_without_a_page_to_the_api() -> None:
    for url, link in (("https://page", "https://page/data-quality?file=f1"), ("", None)):
        world = World(ui_url=url)
        world.fire("a", file_id="f1", report_key="reports/a.html")
        world.run()
        [notice] = world.chat.sent
        assert notice.link == link
        assert (("report", "GET /reports/f1") in notice.facts) is (link is None)


def test_any_other_alert_leads_to_what_is_wrong_with_its_use_case_unless_it_has_its_own_link() -> None:
    alert = Alert("1", "drift", "orders", "orders", "firing", "critical", {}, NOON)
    assert notice(alert, "https://page").link == "https://page/monitoring?use_case=orders"
    assert notice(replace(alert, use_case=None), "https://page").link == "https://page/monitoring"
    assert notice(replace(alert, payload={"link": "https://grafana"}), "https://page").link == "https://grafana"
    assert notice(alert).link is None
