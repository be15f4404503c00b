"""Sessions that change region: they ask nodes of one region at a time."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

from harness.history import Op
from systems_under_test.blocks.read_policy import AnyFollower
from systems_under_test.single_leader.travel import Travelling

REGIONS = {"n1": "eu", "n2": "eu", "n3": "us", "n4": "us"}
READ = Op("invoke", 0, "read", None, 0, key=1)


class Env:
    """As much of a client's environment as a session's place is made of."""

    nodes = ("n1", "n2", "n3", "n4")

    def __init__(self, regions: dict[str, str]) -> None:
        self.regions = regions

    def random(self, stream: str) -> Random:
        return Random(stream)


def asked(regions: dict[str, str], operations: int = 200) -> list[str]:
    env: Any = Env(regions)
    session = Travelling(env, AnyFollower)
    nodes = []
    for _ in range(operations):
        session.demand(READ)
        nodes.append(session.node("n1"))
    return nodes


def test_a_session_stays_in_a_region_and_moves_now_and_then() -> None:
    regions = [REGIONS[node] for node in asked(REGIONS)]
    moves = sum(before != after for before, after in pairwise(regions))
    assert {"eu", "us"} == set(regions)
    assert 2 <= moves <= 40


def test_in_the_leaders_region_it_reads_from_the_follower_there() -> None:
    assert "n1" not in asked(REGIONS)


def test_without_regions_all_nodes_are_near() -> None:
    assert set(asked({})) == {"n2", "n3", "n4"}


def test_who_refused_is_not_asked_again_for_the_same_read() -> None:
    env: Any = Env(REGIONS)
    session = Travelling(env, AnyFollower)
    session.demand(READ)
    first = session.node("n1")
    session.refused(first)
    other = session.node("n1")
    assert REGIONS[other] == REGIONS[first]
    assert other != first
