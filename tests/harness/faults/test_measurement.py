"""Calm stretches between observations: the quiet with which an effect is compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cluster import Observation
from harness.faults.measurement import Observations


def stretches(calm: str) -> list[tuple[int, int]]:
    """Of observations at 0, 1, 2, ..., of which "c" is calm from then on."""
    observations = Observations()
    for time_ns, letter in enumerate(calm):
        observations.add(Observation(time_ns, {}, {}, {}), letter == "c")
    return [(first.time_ns, last.time_ns) for first, last in observations.calm()]


@pytest.mark.parametrize(
    ("calm", "expected"),
    [
        ("", []),
        ("c", []),
        ("cc", [(0, 1)]),
        ("cccx", [(0, 3)]),
        ("cxxcx", [(0, 1), (3, 4)]),
        ("xcxc", [(1, 2)]),
        ("cxcc", [(0, 1), (2, 3)]),
        ("xxx", []),
    ],
)
def test_stretches_are_as_long_as_can_be(calm: str, expected: list[tuple[int, int]]) -> None:
    assert stretches(calm) == expected


@given(st.text("cx", max_size=20))
def test_a_moment_is_in_a_stretch_exactly_if_it_was_calm(calm: str) -> None:
    found = stretches(calm)
    inside = {moment for first, last in found for moment in range(first, last)}
    assert inside == {moment for moment, letter in enumerate(calm[:-1]) if letter == "c"}


def test_a_fault_spoils_the_stretch_in_which_it_begins() -> None:
    observations = Observations()
    assert observations.latest is None
    for time_ns in range(3):
        observations.add(Observation(time_ns, {}, {}, {}), True)
    observations.spoil()
    observations.add(Observation(3, {}, {}, {}), True)
    assert [(first.time_ns, last.time_ns) for first, last in observations.calm()] == [(0, 2)]
    assert observations.latest is not None
    assert observations.latest.time_ns == 3
