"""Layers against a simple model: what is in force on the cluster is what the applications in force come to, whatever
the order in which they begin and end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from harness.cluster import Cluster
from harness.cluster_faults import Link
from harness.faults.layers import Layers, latest, union
from tests.harness.faults.model import run

NODES = ("n1", "n2", "n3")
Amount = Mapping[str, float]


@dataclass
class Strict:
    """A cluster whose verbs mean what their docstrings say, and no more."""

    cut: dict[str, list[str]] = field(default_factory=dict)
    degraded: dict[str, dict[Link, Amount]] = field(default_factory=dict)
    slowed: dict[str, tuple[float, float]] = field(default_factory=dict)
    bends: dict[str, list[tuple[str, Amount]]] = field(default_factory=dict)
    drifting: dict[str, float] = field(default_factory=dict)
    limits: dict[tuple[str, str], float] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)

    async def start(self, nodes: Sequence[str]) -> None:
        self.started += nodes

    async def partition(self, drops: Mapping[str, Sequence[str]]) -> None:
        self.cut = {receiver: list(senders) for receiver, senders in drops.items()}

    async def heal(self) -> None:
        self.cut = {}

    async def degrade(self, kind: str, links: Sequence[Link], amount: Amount) -> None:
        self.degraded[kind] = dict.fromkeys(links, amount)

    async def degrade_each(self, kind: str, amounts: Mapping[Link, Amount]) -> None:
        self.degraded[kind] = dict(amounts)

    async def restore(self, kind: str) -> None:
        self.degraded[kind] = {}

    async def slow(self, nodes: Sequence[str], factor: float, delay_ms: float) -> None:
        self.slowed |= dict.fromkeys(nodes, (factor, delay_ms))

    async def unslow(self) -> None:
        self.slowed = {}

    async def clock_bend(self, nodes: Sequence[str], kind: str, amount: Amount) -> None:
        for node in nodes:
            self.bends.setdefault(node, []).append((kind, amount))

    async def clock_unbend(self, nodes: Sequence[str]) -> None:
        for node in nodes:
            self.bends.pop(node, None)

    async def drift(self, nodes: Sequence[str], factor: float) -> None:
        self.drifting |= dict.fromkeys(nodes, factor)

    async def undrift(self, nodes: Sequence[str]) -> None:
        for node in nodes:
            self.drifting.pop(node, None)

    async def limit_cpu(self, nodes: Sequence[str], share: float) -> None:
        self.limits |= {("limit_cpu", node): share for node in nodes}

    async def limit_fds(self, nodes: Sequence[str], spare: int) -> None:
        self.limits |= {("limit_fds", node): spare for node in nodes}

    async def unlimit(self, nodes: Sequence[str]) -> None:
        self.limits = {key: amount for key, amount in self.limits.items() if key[1] not in nodes}


nodes = st.lists(st.sampled_from(NODES), min_size=1, max_size=3, unique=True)
links = st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), min_size=1, max_size=5, unique=True)
figures = st.sampled_from((1.0, 2.0, 3.0))
asked = st.one_of(
    st.tuples(st.just("partition"), st.tuples(st.dictionaries(st.sampled_from(NODES), nodes, max_size=3))),
    st.tuples(
        st.just("degrade"), st.tuples(st.sampled_from(("delay", "loss")), links, figures.map(lambda x: {"x": x}))
    ),
    st.tuples(st.just("slow"), st.tuples(nodes, figures, figures)),
    st.tuples(st.just("clock_bend"), st.tuples(nodes, st.just("jump"), figures.map(lambda x: {"offset_ms": x}))),
    st.tuples(st.just("drift"), st.tuples(nodes, figures)),
    st.tuples(st.sampled_from(("limit_cpu", "limit_fds")), st.tuples(nodes, figures)),
)
Asked = tuple[str, tuple[Any, ...]]


def ended(verb: str, given_: tuple[Any, ...]) -> Asked:
    """The verb that ends another."""
    return {
        "partition": ("heal", ()),
        "degrade": ("restore", given_[:1]),
        "slow": ("unslow", ()),
        "clock_bend": ("clock_unbend", given_[:1]),
        "drift": ("undrift", given_[:1]),
    }.get(verb, ("unlimit", given_[:1]))


def expected(in_force: Sequence[Asked]) -> Strict:
    """Every application in force, one after another, on a cluster where nothing ever ended."""
    state = Strict()
    for verb, words in in_force:
        if verb == "partition":
            state.cut = union([state.cut, words[0]])
        elif verb == "degrade":
            kind, on, amount = words
            state.degraded[kind] = {**state.degraded.get(kind, {}), **dict.fromkeys(on, amount)}
        else:
            run(getattr(state, verb)(*words))
    return state


@given(st.lists(asked, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_what_is_in_force_is_what_all_come_to(applications: list[Asked], random: Any) -> None:
    cluster, in_force = Strict(), dict[int, Asked]()
    layers = Layers(cast(Cluster, cluster))
    steps = [*range(len(applications))] * 2
    random.shuffle(steps)
    for number in steps:  # the first time it begins, the second time it ends
        verb, words = applications[number]
        if number in in_force:
            del in_force[number]
            verb, words = ended(verb, words)
        else:
            in_force[number] = applications[number]
        run(getattr(layers.of(number, tuple), verb)(*words))
        wanted = expected(list(in_force.values()))
        assert cluster.cut == wanted.cut
        assert {kind: on for kind, on in cluster.degraded.items() if on} == wanted.degraded
        assert (cluster.slowed, cluster.limits) == (wanted.slowed, wanted.limits)
        assert (cluster.bends, cluster.drifting) == (wanted.bends, wanted.drifting)
    assert (cluster.cut, cluster.slowed, cluster.limits, cluster.bends, cluster.drifting) == ({}, {}, {}, {}, {})


@given(st.lists(asked, min_size=1, max_size=4))
def test_to_heal_twice_is_to_heal_once(applications: list[Asked]) -> None:
    cluster = Strict()
    layers = Layers(cast(Cluster, cluster))
    for number, (verb, words) in enumerate(applications):
        run(getattr(layers.of(number, tuple), verb)(*words))
    for number, (verb, words) in enumerate(applications):
        for _ in range(2):
            end, of = ended(verb, words)
            run(getattr(layers.of(number, tuple), end)(*of))
    assert (cluster.cut, cluster.slowed, cluster.limits, cluster.bends, cluster.drifting) == ({}, {}, {}, {}, {})


def test_the_rest_of_the_cluster_is_as_it_was() -> None:
    cluster = Strict()
    layer = Layers(cast(Cluster, cluster)).of(7, lambda: {"n2"})
    run(layer.start(["n1", "n2"]))
    run(layer.start(["n2"]))
    assert cluster.started == ["n1"], "n2 is another's to start"
    assert cast(Any, layer).started is cluster.started


def test_unions_are_sorted_and_later_amounts_count() -> None:
    assert union([{"n2": ["n3"]}, {"n1": ["n2"], "n2": ["n1", "n3"]}, {"n3": []}]) == {"n1": ["n2"], "n2": ["n1", "n3"]}
    one, two = ("n1", "n2"), ("n2", "n1")
    assert latest([([one, two], {"x": 1}), ([one], {"x": 2})]) == {one: {"x": 2}, two: {"x": 1}}
