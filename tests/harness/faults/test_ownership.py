"""Who owns a node: whoever was first, until healed; what strikes later takes what is free."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import catalog
from harness.faults.ownership import claim, owns_nodes
from harness.faults.target import FOLLOWERS, LEADER, resolve, resolve_role

NODES = ("n1", "n2", "n3", "n4", "n5")
ROLES = {"n1": "witness", "n2": "replica", "n3": "replica", "n4": "replica", "n5": "witness"}


def with_leader(action: dict[str, object]) -> dict[str, object]:
    word = next((word for word in (LEADER, FOLLOWERS) if word in cast(Any, action.get("nodes", ()))), None)
    return action if word is None else resolve(action, "n1", word)


@given(st.integers(1, 5), st.sets(st.sampled_from(NODES)), st.permutations(NODES))
def test_a_leader_is_struck_with_free_nodes_only_or_not_at_all(count: int, owned: set[str], spares: list[str]) -> None:
    owners = dict.fromkeys(sorted(owned), "kill (application 0)")
    action = {"shape": "leader", "nodes": ["leader"], "count": count, "spares": spares}
    made = claim(action, owners, with_leader)
    if "n1" in owned:
        assert made.action is None
        assert made.refusal == "n1 is held by kill (application 0)"
        return
    assert made.action is not None
    struck = made.action["nodes"]
    assert struck[0] == "n1"
    assert not set(struck) & owned
    assert len(struck) == min(count, 5 - len(owned))
    assert set(made.left_out) <= owned


@given(st.sets(st.sampled_from(NODES), min_size=1), st.sets(st.sampled_from(NODES)))
def test_of_named_nodes_those_are_struck_that_are_nobodys(named: set[str], owned: set[str]) -> None:
    action = {"shape": "one", "nodes": sorted(named)}
    made = claim(action, dict.fromkeys(owned, "pause (application 1)"), with_leader)
    assert (made.action or {}).get("nodes", []) == sorted(named - owned)
    assert set(made.left_out) == named & owned
    assert bool(made.refusal) is (named <= owned)


def test_followers_and_roles_leave_out_what_is_anothers() -> None:
    owners = {"n2": "kill (application 0)"}
    made = claim({"shape": FOLLOWERS, "nodes": [FOLLOWERS], "count": 2, "spares": list(NODES)}, owners, with_leader)
    assert made.action is not None
    assert made.action["nodes"] == ["n3", "n4"]
    role = {"shape": "role-witness", "nodes": ["role-witness"], "spares": list(NODES)}
    made = claim(role, {"n1": "x"}, lambda action: resolve_role(action, ROLES))
    assert made.action is not None
    assert (made.action["nodes"], made.left_out) == (["n5"], {"n1": "x"})
    made = claim(role, {"n1": "x", "n5": "y"}, lambda action: resolve_role(action, ROLES))
    assert (made.action, made.refusal) == (None, "n1 is held by x; n5 is held by y")
    strange = {**role, "nodes": ["role-broker"]}
    assert "expected one of replica, witness" in claim(strange, {}, lambda a: resolve_role(a, ROLES)).refusal


def test_links_have_no_owner() -> None:
    made = claim({"shape": "halves", "drops": {"n1": ["n2"]}}, {"n1": "kill"}, with_leader)
    assert made.action == {"shape": "halves", "drops": {"n1": ["n2"]}}


@pytest.mark.parametrize(
    ("name", "owns"),
    [("kill", True), ("restart", True), ("pause", True), ("power-loss", True), ("torn-write", True), ("bit-flip", True),
     ("eio", True), ("partition", False), ("delay", False), ("clock", False), ("slow-node", False)],
)  # fmt: skip
def test_who_starts_or_stops_programs_owns_their_nodes(name: str, owns: bool) -> None:
    assert owns_nodes(catalog.fault(name)) is owns
