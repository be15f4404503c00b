"""The fault ``drift``: kinds, targets and amounts, what it asks of a cluster, and who cannot do it."""

from __future__ import annotations

import json
from random import Random

import pytest

from harness import catalog
from harness.clusters.docker.provider import PROVIDER as DOCKER
from harness.clusters.local.provider import PROVIDER as LOCAL
from harness.fault import FaultSpec, FaultSyntaxError
from harness.faults.action import check_action
from harness.faults.drift import FAULT, KINDS
from harness.faults.profile import Means, left_out
from harness.simulation.cluster import CAPABILITIES
from tests.harness.faults.bench import NODES, Bench, apply, choose, heal, seen


@pytest.mark.parametrize("shape", [None, *FAULT.shapes])
def test_choices_are_json_and_repeat_with_the_seed(shape: str | None) -> None:
    for turn in range(6):
        first, again = (FAULT.choose(FaultSpec("drift", shape), turn, NODES, Random(f"7:{turn}")) for _ in range(2))
        assert first == again == json.loads(json.dumps(first))
        assert first["kind"] in KINDS
        check_action(first, NODES, triggered=True)


@pytest.mark.parametrize(("shape", "least", "most"), [("slow-leader", 0.09, 0.91), ("fast-one", 1.1, 11.0)])
def test_what_is_drawn_is_more_than_a_bound_should_be_and_of_every_order(shape: str, least: float, most: float) -> None:
    factors = [choose(FAULT, shape, seed)["amount"]["factor"] for seed in range(300)]
    assert least <= min(factors) < least * 1.2
    assert most * 0.8 < max(factors) <= most
    assert 100 < sum(0.5 < factor < 2 for factor in factors) < 200


def test_oscillators_drift_and_run_true_again() -> None:
    bench = Bench()
    action = choose(FAULT, "slow-leader", size=2)
    assert apply(FAULT, bench, action)["nodes"] == action["nodes"]
    assert bench.drifting == dict.fromkeys(action["nodes"], action["amount"]["factor"])
    heal(FAULT, bench, action)
    heal(FAULT, bench, action)
    assert bench.calm


def test_it_bit_when_a_node_waited_or_measured_by_it() -> None:
    quiet = seen(0, "drift", 0), seen(1, "drift", 0)
    assert FAULT.effect({}, quiet, (seen(1, "drift", 0), seen(2, "drift", 7))).bit
    assert not FAULT.effect({}, quiet, (seen(1, "drift", 0), seen(2, "drift", 0))).bit


def test_a_number_that_fits_no_target_is_refused() -> None:
    with pytest.raises(FaultSyntaxError, match=r"read .* expected"):
        FAULT.choose(FaultSpec("drift", "slow", 6), 0, NODES, Random(0))


def test_only_the_simulated_world_has_it_and_no_profile_takes_it_unasked() -> None:
    assert FAULT.needs <= CAPABILITIES
    assert not FAULT.needs & (LOCAL.capabilities | DOCKER.capabilities)
    assert "drift" in left_out(Means(catalog.faults(), CAPABILITIES))
