"""Which links a network fault takes: by shape, with the leader's known only when it strikes."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cluster_faults import Link
from harness.fault import FaultSpec, FaultSyntaxError
from harness.faults.links import CLIENTS, SHAPES, choose_links, links_of
from tests.harness.faults.bench import NODES, resolved

EVERY = set(permutations(NODES, 2))


def links(shape: str, size: int | None = None, seed: int = 0) -> set[Link]:
    """The links of a shape, with n2 for the leader."""
    action = choose_links(FaultSpec("delay", shape, size), 0, NODES, Random(seed))
    found = links_of(resolved(action), NODES)
    assert len(found) == len(set(found)), "a link named twice"
    return set(found)


def of(node: str) -> set[Link]:
    return {link for link in EVERY if node in link}


def test_all_are_the_links_between_nodes() -> None:
    assert links("all") == EVERY


def test_the_leaders_are_those_to_and_from_it_and_no_client() -> None:
    assert links("leader") == links("its-node") == of("n2")


def test_one_node_has_its_links_and_it_is_not_always_the_same_node() -> None:
    found = [links("one", seed=seed) for seed in range(30)]
    assert all(any(entry == of(node) for node in NODES) for entry in found)
    assert len({frozenset(entry) for entry in found}) > 1


def test_more_nodes_bring_all_of_their_links() -> None:
    pairs = [of(a) | of("n2") for a in NODES if a != "n2"]
    assert links("leader", 2) in pairs
    assert links("leader", 5) == EVERY
    assert links("majority") < EVERY


def test_one_way_takes_what_they_hear_or_what_they_say() -> None:
    heard = {link for link in EVERY if link[1] == "n2"}
    said = {link for link in EVERY if link[0] == "n2"}
    found = [links("leader-one-way", seed=seed) for seed in range(30)]
    assert {frozenset(entry) for entry in found} == {frozenset(heard), frozenset(said)}


def test_clients_are_cut_off_from_no_node_but_each_link_to_one_is_taken() -> None:
    to, back = {(CLIENTS, node) for node in NODES}, {(node, CLIENTS) for node in NODES}
    assert links("clients") == to | back
    assert {frozenset(links("clients-one-way", seed=seed)) for seed in range(30)} == {frozenset(to), frozenset(back)}


@pytest.mark.parametrize(("size", "count"), [(None, 1), (3, 3), (20, 20)])
def test_single_links_are_as_many_as_asked_for(size: int | None, count: int) -> None:
    found = links("link", size)
    assert len(found) == count
    assert found <= EVERY


@given(st.sampled_from(sorted(SHAPES)), st.integers(2, 9), st.integers(0, 1000), st.data())
def test_every_shape_fits_every_cluster(shape: str, count: int, seed: int, data: st.DataObject) -> None:
    nodes = tuple(f"n{i}" for i in range(count))
    spec = FaultSpec("delay", shape)
    action = choose_links(spec, 0, nodes, Random(seed))
    assert action == choose_links(spec, 0, nodes, Random(seed)), "the same draws choose the same"
    found = links_of(resolved(action, data.draw(st.sampled_from(nodes))), nodes)
    assert found
    assert all(a != b and {a, b} <= {*nodes, CLIENTS} for a, b in found)


@pytest.mark.parametrize(
    ("shape", "size", "count"),
    [
        ("all", 2, 5),
        ("clients", 2, 5),
        ("link", 21, 5),
        ("leader", 6, 5),
        ("minority", 2, 5),
        ("all", None, 1),
        ("one", None, 1),
    ],
)
def test_what_does_not_fit_is_refused(shape: str, size: int | None, count: int) -> None:
    with pytest.raises(FaultSyntaxError, match=r"read .* expected"):
        choose_links(FaultSpec("delay", shape, size), 0, NODES[:count], Random(0))


def test_the_leader_is_not_known_before_it_strikes() -> None:
    action = choose_links(FaultSpec("delay", "leader"), 0, NODES, Random(0))
    with pytest.raises(ValueError, match="resolve it first"):
        links_of(action, NODES)
