"""A graph kept acyclic, beside one that looks for cycles anew each time."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import networkx as nx

from checkers.transactional.register.polygraph.acyclic import CERTAIN, Acyclic, acyclic

NODES = 9


def drawn(random: Random) -> tuple[Acyclic, nx.DiGraph[int]]:
    order = random.sample(range(NODES), NODES)
    plain: nx.DiGraph[int] = nx.DiGraph()
    plain.add_nodes_from(range(NODES))
    before: list[list[int]] = [[] for _ in range(NODES)]
    for _ in range(6):
        first, second = sorted(random.sample(range(NODES), 2))
        plain.add_edge(order[first], order[second], label=CERTAIN)
        before[order[second]].append(order[first])
    return acyclic(before, order), plain


def fewest(plain: nx.DiGraph[int], start: int, end: int) -> int:
    return int(nx.shortest_path_length(plain, start, end, weight=lambda _a, _b, edge: int(edge["label"] != CERTAIN)))


def test_edges_that_close_a_cycle_are_refused_with_the_fewest_labels() -> None:
    refused = added = 0
    for seed in range(400):
        random = Random(seed)
        graph, plain = drawn(random)
        history: list[tuple[int, int]] = []
        for label in range(1, 30):
            if history and random.random() < 0.2:
                kept = random.randrange(len(history))
                graph.take_back(kept)
                plain.remove_edges_from(history[kept:])
                del history[kept:]
            source, target = random.choices(range(NODES), k=2)
            if plain.has_edge(source, target):
                continue
            labels = graph.add(source, target, label)
            assert bool(labels) is nx.has_path(plain, target, source), seed
            if labels:
                refused += 1
                assert label in labels
                assert len(labels) == 1 + fewest(plain, target, source)
                closed: nx.DiGraph[int] = nx.DiGraph([(source, target)])
                closed.add_edges_from(edge for edge in plain.edges if plain.edges[edge]["label"] in {CERTAIN, *labels})
                assert not nx.is_directed_acyclic_graph(closed)
            else:
                added += 1
                plain.add_edge(source, target, label=label)
                history.append((source, target))
            assert len(graph) == len(history)
            assert all(graph.rank[a] < graph.rank[b] for a, b in plain.edges), seed
    assert min(refused, added) > 1_000


def test_a_long_chain_is_turned_round() -> None:
    count = 200
    graph = acyclic([[] for _ in range(count)], range(count))
    for label, (later, earlier) in enumerate(pairwise(range(count)), 1):
        assert graph.add(earlier, later, label) == frozenset()
    assert sorted(graph.rank) == list(range(count))
    assert graph.add(0, count - 1, count) == frozenset(range(1, count + 1))
    graph.take_back(0)
    assert graph.add(0, count - 1, count) == frozenset()
