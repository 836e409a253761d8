"""Permits of clients."""

from __future__ import annotations

import pytest

from core.serve.request_rates import RequestRates


@pytest.fixture
def clock():
    now = [1000.0]

    def read() -> float:
        return now[0]

    read.go_on = lambda seconds: now.__setitem__(0, now[0] + seconds)
    return read


def test_two_seconds_worth_at_once_then_the_rate(clock):
    rates = RequestRates(5, clock=clock)
    assert [rates.seconds_to_wait("10.0.0.1") for _ in range(10)] == [0.0] * 10
    assert rates.seconds_to_wait("10.0.0.1") == pytest.approx(0.2)
    clock.go_on(0.25)
    assert rates.seconds_to_wait("10.0.0.1") == 0
    assert rates.seconds_to_wait("10.0.0.1") > 0
    clock.go_on(3600)
    assert sum(rates.seconds_to_wait("10.0.0.1") == 0 for _ in range(50)) == 10


def test_clients_do_not_share_but_networks_do(clock):
    rates = RequestRates(0.5, clock=clock)
    assert rates.seconds_to_wait("10.0.0.1") == 0
    assert rates.seconds_to_wait("10.0.0.1") == pytest.approx(2)
    assert rates.seconds_to_wait("10.0.0.2") == 0
    assert rates.seconds_to_wait("::ffff:10.0.0.2") > 0
    assert rates.seconds_to_wait("2001:db8:1:2::1") == 0
    assert rates.seconds_to_wait("2001:db8:1:2:ffff::9") > 0
    assert rates.seconds_to_wait("2001:db8:1:3::1") == 0
    assert rates.seconds_to_wait("a name") == 0


def test_it_forgets_those_that_were_silent_longest(clock, monkeypatch):
    monkeypatch.setattr("core.serve.request_rates._MOST_CLIENTS", 3)
    rates = RequestRates(0.1, clock=clock)
    for number in range(4):
        assert rates.seconds_to_wait(f"10.0.0.{number}") == 0
    assert rates.seconds_to_wait("10.0.0.3") > 0
    assert rates.seconds_to_wait("10.0.0.0") == 0
