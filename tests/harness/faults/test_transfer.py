"""The fault ``transfer``: to whom the leader is told to hand over, what comes of it, and who cannot have it."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from harness import catalog
from harness.cluster import Observation
from harness.fault import FaultSpec, FaultSyntaxError
from harness.faults.action import check_action
from harness.faults.profile import left_out
from harness.faults.transfer import FAULT, TO
from harness.setup import scheduled
from tests.harness.faults.test_profile import EVERYTHING
from tests.harness.faults.test_random_schedules import BASE, trial

NODES = ("n1", "n2", "n3", "n4", "n5")
HANDED_OVER = {"value": "handed over", "leader": None}
PAIRS = (Observation(0, {}, {}, {}), Observation(10**9, {}, {}, {}))


def done(answer: Any, leader: str = "n1", term: int = 3) -> dict[str, Any]:
    seen = {"n2": {"leader": leader, "term": term}}
    return {"nodes": ["n1"], "to": "n2", "term": 3, "answer": answer, "healed": {"seen": seen}}


@pytest.mark.parametrize("shape", [None, *FAULT.shapes])
def test_it_chooses_what_can_be_written_and_read(shape: str | None) -> None:
    for turn in range(5):
        action = FAULT.choose(FaultSpec("transfer", shape), turn, NODES, Random(turn))
        check_action(action, NODES, triggered=True)
        assert str(action["shape"]).removesuffix("-its-node") in TO


def test_it_bites_if_the_leader_obeys() -> None:
    assert FAULT.effect(done(HANDED_OVER), PAIRS, PAIRS).bit
    assert FAULT.effect(done({"error": "aborted"}), PAIRS, PAIRS).bit
    assert FAULT.effect(done(None, "n2", 4), PAIRS, PAIRS).bit
    assert not FAULT.effect(done(None, "n1", 3), PAIRS, PAIRS).bit
    assert not FAULT.effect(done({"error": "unavailable"}, "n2", 4), PAIRS, PAIRS).bit


def test_one_node_has_nobody_to_hand_over_to() -> None:
    with pytest.raises(FaultSyntaxError, match="at least 2 nodes"):
        FAULT.choose(FaultSpec("transfer"), 0, ("n1",), Random(1))


def test_only_who_knows_the_order_can_have_it_and_no_profile_gives_it() -> None:
    other = catalog.system("single-leader")
    with pytest.raises(FaultSyntaxError, match="single-leader can have"):
        scheduled(replace(BASE, faults="transfer"), other, catalog.faults(), EVERYTHING.capabilities)
    assert "transfer" in left_out(EVERYTHING)


@pytest.mark.parametrize("shape", ["any", "freshest"])
def test_somebody_else_leads(shape: str) -> None:
    found = trial(f"transfer={shape}", 1).verdict
    assert found.result.valid is True, found.result.explanation
    for line in found.record.applications:
        assert (line["errors"], line["bit"]) == ([], True)
        assert line["done"]["answer"]["value"] == "handed over"
        leaders = {told["leader"] for told in line["healed"]["seen"].values()}
        assert leaders.isdisjoint(line["done"]["nodes"]), line


def test_a_leader_gives_up_if_the_other_is_cut_off_and_serves_again() -> None:
    found = trial("transfer=cut-off", 1).verdict
    assert found.result.valid is True, found.result.explanation
    for line in found.record.applications:
        assert (line["errors"], line["bit"]) == ([], True)
        assert line["done"]["answer"] == {"error": "aborted"}
        assert {told["leader"] for told in line["healed"]["seen"].values()} >= set(line["done"]["nodes"])
