"""A plan as a few lines of data, and in words."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from harness.plan import Plan, ScheduledFault, ScheduledOperation
from harness.search.shrink_data import brief_json, text
from harness.search.shrink_words import plan_lines

NODES = ("n1", "n2", "n3")
ISOLATED = {"n1": ["n2", "n3"], "n2": ["n1"], "n3": ["n1"]}
PLAN = Plan(
    "raft",
    "register",
    bugs=("local-reads",),
    provider="sim",
    nodes=3,
    concurrency=2,
    time_limit_s=1.2,
    schedule=(
        ScheduledFault("partition", 400_000_000, 900_000_000, {"shape": "one", "drops": ISOLATED}),
        ScheduledFault(
            "kill", 0, 300_000_000, {"shape": "its-node", "nodes": ["its-node"]},
            {"on": "event", "name": "vote-granted", "count": 3},
        ),
    ),
    operations=(ScheduledOperation(300_000_000, 0, "write", 3, 0), ScheduledOperation(500_000_000, 1, "read")),
)  # fmt: skip

operations = st.builds(
    ScheduledOperation,
    time_ns=st.integers(0, 10**10),
    thread=st.integers(0, 9),
    f=st.sampled_from(["read", "write", "cas"]),
    value=st.none() | st.integers() | st.lists(st.integers(), max_size=2),
    key=st.none() | st.integers(),
)
plans = st.builds(
    Plan,
    system=st.just("raft"),
    workload=st.just("set"),
    options=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
    bugs=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    nodes=st.integers(1, 9),
    rare=st.booleans(),
    operations=st.none() | st.lists(operations, max_size=4).map(tuple),
    seed=st.integers(0, 9),
)


@given(plans)
def test_what_is_left_out_is_filled_in_again(plan: Plan) -> None:
    assert Plan.from_json(json.loads(text(plan))) == plan
    assert Plan.from_json(json.loads(json.dumps(brief_json(plan)))) == plan


def test_it_is_a_few_lines() -> None:
    lines = text(PLAN).splitlines()
    assert len(lines) < 25
    assert '    {"time_ns": 500000000, "thread": 1, "f": "read"}' in lines
    assert not any("client_timeout_s" in line or "rate_hz" in line for line in lines)
    assert Plan.from_json(json.loads(text(PLAN))) == PLAN


def test_it_is_told_in_words() -> None:
    assert list(plan_lines(PLAN, NODES)) == [
        "3 nodes, 2 clients, 1.2 s, bug local-reads, seed 0",
        "after 3rd vote-granted: kill its node, for 0.300 s",
        "0.300 s  c0 write 3 of key 0 -> n1",
        "0.400 s  partition n1 | n2 n3, until 0.900 s",
        "0.500 s  c1 read -> n2",
    ]


def test_every_kind_of_action_is_told() -> None:
    def told(fault: str, **action: object) -> str:
        plan = Plan("raft", "set", schedule=(ScheduledFault(fault, 0, 10**9, action),), operations=())
        return list(plan_lines(plan, NODES))[1].removeprefix(f"0.000 s  {fault} ").removesuffix(", until 1.000 s")

    assert told("partition", shape="some-links", drops={"n1": ["n2"]}) == "n1 hears not n2"
    assert told("delay", shape="link", links=[["n1", "n2"]], amount={"delay_ms": 50}) == "n1 to n2 (delay ms 50)"
    assert told("delay", shape="all", links=[["n1", "n2"]] * 9, amount={}) == "all (9 links)"
    assert told("kill", shape="leader", nodes=["leader"], count=3) == "the leader and 2 others"
    assert told("power-loss", shape="one", nodes=["n2"], torn=True, reordered=False) == "n2 (torn)"
    assert told("clock", shape="one", nodes=["n2"], kind="jump", amount={"offset_ms": -9.0}) == (
        "n2 (jump, offset ms -9)"
    )
