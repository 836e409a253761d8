"""Which images wait, and in which order they come."""

from __future__ import annotations

from core.watch.arrivals import Arrivals, Earlier
from core.watch.folder_scan import Stamp

A, B = Stamp(1, 1), Stamp(2, 2)


def ready(arrivals: Arrivals) -> list[str]:
    found = []
    while (arrival := arrivals.next_ready()) is not None:
        found.append(arrival.path)
    return found


def test_a_file_must_stay_as_it_is_for_a_while() -> None:
    arrivals = Arrivals(1.0, lambda path: None)
    arrivals.update({"a": A}, now=0.0, clock=100.0)
    assert ready(arrivals) == [] and len(arrivals) == 1
    arrivals.update({"a": B}, now=0.9, clock=101.0)
    arrivals.update({"a": B}, now=1.5, clock=102.0)
    assert ready(arrivals) == []
    arrivals.update({"a": B}, now=2.0, clock=50.0)
    arrival = arrivals.next_ready()
    assert arrival is not None and (arrival.stamp, arrival.arrived) == (B, 100.0)
    arrivals.finish(arrival)
    arrivals.update({"a": B}, now=9.0, clock=103.0)
    assert len(arrivals) == 0 and "a" in arrivals
    arrivals.update({}, now=9.5, clock=103.0)
    assert "a" not in arrivals


def test_first_come_first_served_names_in_their_natural_order() -> None:
    arrivals = Arrivals(0.0, lambda path: None)
    arrivals.update({"z": A}, now=0.0, clock=0.0)
    arrivals.update({"z": A, "10": A, "9": A}, now=1.0, clock=1.0)
    assert ready(arrivals) == ["z", "9", "10"]


def test_what_ended_the_program_twice_comes_last_and_what_is_done_not_at_all() -> None:
    known = {
        "done": Earlier(A, True, 1.0, 1),
        "begun": Earlier(A, False, 2.0, 1),
        "deadly": Earlier(A, False, 3.0, 2),
        "changed": Earlier(B, True, 4.0, 1),
    }
    arrivals = Arrivals(0.0, known.get)
    listing = dict.fromkeys([*known, "new"], A)
    arrivals.update(listing, now=0.0, clock=9.0)
    assert ready(arrivals) == ["begun", "changed", "new", "deadly"]
    assert len(arrivals) == 4


def test_what_cannot_be_read_is_tried_later_and_at_once_when_it_changes() -> None:
    arrivals = Arrivals(0.0, lambda path: None)
    arrivals.update({"a": A}, now=0.0, clock=0.0)
    arrival = arrivals.next_ready()
    assert arrival is not None
    pauses = []
    for _ in range(8):
        arrivals.postpone(arrival, now=0.0)
        pauses.append(arrival.not_before)
    assert pauses == sorted(pauses) and pauses[0] == 0.5 and pauses[-1] == 5.0
    arrivals.update({"a": A}, now=1.0, clock=0.0)
    assert ready(arrivals) == []
    arrivals.update({"a": B}, now=1.0, clock=0.0)
    assert ready(arrivals) == ["a"]
