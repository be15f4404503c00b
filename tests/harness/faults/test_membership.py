"""The fault ``membership``: what it wants of whom, that a system carries it out, and who cannot have it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from harness import catalog
from harness.fault import FaultSpec, FaultSyntaxError
from harness.faults.membership import FAULT, WANTED, Members
from harness.faults.profile import left_out
from harness.setup import scheduled
from tests.harness.faults.test_profile import EVERYTHING
from tests.harness.faults.test_random_schedules import BASE, trial

NODES = ("n1", "n2", "n3", "n4", "n5")
MEMBERS = Members(("n1", "n2", "n3"), "n2", ("n5", "n3", "n1", "n4", "n2"))


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ("remove-leader", ["n1", "n3"]),
        ("remove-one", ["n1", "n2"]),
        ("replace-one", ["n1", "n2", "n5"]),
        ("replace-leader", ["n1", "n3", "n5"]),
        ("replace-majority", ["n2", "n4", "n5"]),
        ("grow", ["n1", "n2", "n3", "n4", "n5"]),
        ("shrink-grow", ["n1", "n2"]),
    ],
)
def test_what_each_shape_wants(shape: str, wanted: list[str]) -> None:
    assert WANTED[shape][0](MEMBERS) == wanted


def test_it_never_wants_nobody() -> None:
    alone = Members(("n1",), "n1", NODES)
    assert all(WANTED[shape][0](alone) for shape in WANTED)
    assert WANTED["remove-leader"][0](alone) == ["n1"]


def test_one_node_has_no_members_to_change() -> None:
    with pytest.raises(FaultSyntaxError, match="at least 2 nodes"):
        FAULT.choose(FaultSpec("membership"), 0, ("n1",), Random(1))


def test_a_system_that_takes_no_such_order_refuses_it() -> None:
    other = catalog.system("single-leader")
    with pytest.raises(FaultSyntaxError, match="single-leader can have"):
        scheduled(replace(BASE, faults="membership"), other, catalog.faults(), EVERYTHING.capabilities)
    assert "membership" in left_out(replace(EVERYTHING, withstands=()))


@pytest.mark.parametrize("ways", ["single", "joint"])
def test_members_are_changed_and_come_back(ways: str) -> None:
    options = {**BASE.options, "voters": "3", "membership": ways}
    found = trial("membership=replace-one", 1, nodes=5, options=options).verdict
    assert found.result.valid is True, found.result.explanation
    for line in found.record.applications:
        assert line["errors"] == []
        assert line["done"]["answer"]["value"] != line["done"]["members"]["before"]
        assert sorted(line["healed"]["members"]) == ["n1", "n2", "n3"]
    assert all(line["bit"] for line in found.faults)
