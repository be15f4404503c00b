"""Shapes of partitions: what each one promises about who hears whom, for every size of cluster."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

from harness.faults.topology import (
    SHAPES,
    bridge,
    drops,
    halves,
    majorities_ring,
    majorities_ring_stochastic,
    majority,
    minority,
    minority_third,
)

SIZES = range(2, 12)


def names(count: int) -> list[str]:
    return [f"n{i}" for i in range(1, count + 1)]


def hears(nodes: list[str], dropped: dict[str, list[str]]) -> dict[str, frozenset[str]]:
    """Receiver -> the nodes it hears, itself among them."""
    return {node: frozenset(nodes) - set(dropped.get(node, [])) for node in nodes}


@pytest.mark.parametrize("count", SIZES)
def test_halves_are_disjoint_and_complete(count: int) -> None:
    nodes = names(count)
    groups = set(hears(nodes, drops(halves(nodes))).values())
    assert sorted(map(len, groups)) == ([count // 2, count - count // 2] if count % 2 else [count // 2] * 2)
    assert frozenset.union(*groups) == set(nodes)
    assert sum(map(len, groups)) == count


@pytest.mark.parametrize("count", range(3, 12))
def test_in_the_ring_every_node_hears_a_majority_and_no_two_the_same(count: int) -> None:
    nodes = names(count)
    heard = hears(nodes, drops(majorities_ring(nodes)))
    assert all(len(group) >= majority(count) for group in heard.values())
    assert len(set(heard.values())) == count
    assert all((a in heard[b]) == (b in heard[a]) for a, b in permutations(nodes, 2)), "links are symmetric"


@pytest.mark.parametrize("count", range(3, 12))
def test_the_stochastic_ring_leaves_everybody_a_majority_and_is_drawn_by_the_nodes_order(count: int) -> None:
    rings = []
    for seed in range(20):
        nodes = Random(seed).sample(names(count), count)
        rings.append(drops(majorities_ring_stochastic(nodes)))
        assert rings[-1] == drops(majorities_ring_stochastic(nodes)), "a function of the order"
        heard = hears(nodes, rings[-1])
        assert all(len(group) >= majority(count) for group in heard.values())
        assert all((a in heard[b]) == (b in heard[a]) for a, b in permutations(nodes, 2)), "links are symmetric"
        assert any(len(group) < count for group in heard.values()), "it cuts something"
    assert len({str(ring) for ring in rings}) > 2


@pytest.mark.parametrize("count", range(3, 12))
def test_the_bridge_is_the_only_way_between_the_halves(count: int) -> None:
    nodes = names(count)
    heard = hears(nodes, drops(bridge(nodes)))
    assert heard[nodes[0]] == set(nodes)
    left, right = nodes[1 : 1 + (count - 1) // 2], nodes[1 + (count - 1) // 2 :]
    assert all(heard[node] == {*left, nodes[0]} for node in left)
    assert all(heard[node] == {*right, nodes[0]} for node in right)


@pytest.mark.parametrize("count", SIZES)
def test_minority_third_leaves_two_thirds(count: int) -> None:
    nodes = names(count)
    smallest = min(map(len, hears(nodes, drops(minority_third(nodes))).values()))
    assert smallest == 1 or 3 * smallest < count


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", range(3, 12))
def test_one_way_cuts_exactly_one_direction_of_every_cut_link(shape: str, count: int) -> None:
    nodes = names(count)
    cuts = SHAPES[shape][0](nodes)
    both, single = (
        {(sender, receiver) for receiver, senders in drops(cuts, one_way).items() for sender in senders}
        for one_way in (False, True)
    )
    assert both, "every shape cuts something"
    assert all(((a, b) in single) != ((b, a) in single) for a, b in both)
    assert single < both
    assert all(a != b for a, b in both)


@pytest.mark.parametrize("count", range(3, 12))
def test_minority_and_majority_are_the_nearest_to_half(count: int) -> None:
    assert 2 * minority(count) < count <= 2 * (minority(count) + 1)
    assert 2 * majority(count) > count >= 2 * (majority(count) - 1)
