"""The fault ``clock``: kinds, targets and amounts, and what it asks of a cluster."""

from __future__ import annotations

import json
from random import Random

import pytest

from harness.fault import FaultSpec, FaultSyntaxError
from harness.faults.action import check_action
from harness.faults.clock import BEYOND_MS, FAULT, KINDS, WITHIN_MS
from harness.faults.target import SYMBOLS, is_symbolic
from harness.simulation.clock import SimClock
from tests.harness.faults.bench import NODES, Bench, apply, choose, heal, seen


@pytest.mark.parametrize("shape", [None, *FAULT.shapes])
def test_choices_are_json_and_repeat_with_the_seed(shape: str | None) -> None:
    for turn in range(9):
        first, again = (FAULT.choose(FaultSpec("clock", shape), turn, NODES, Random(f"7:{turn}")) for _ in range(2))
        assert first == again == json.loads(json.dumps(first))
        assert first["kind"] in KINDS
        assert set(first["nodes"]) <= {*NODES, *SYMBOLS}
        check_action(first, NODES, triggered=True)


def test_the_default_mix_goes_through_kinds_and_targets_the_leader_first() -> None:
    chosen = [FAULT.choose(FaultSpec("clock"), turn, NODES, Random(turn)) for turn in range(9)]
    assert [action["kind"] for action in chosen] == ["jump", "strobe", "rate"] * 3
    assert [action["shape"] for action in chosen] == ["leader"] * 3 + ["one"] * 3 + ["minority"] * 3


@pytest.mark.parametrize(
    ("shape", "size", "kinds", "counts"),
    [
        ("jump", None, {"jump"}, {1, 2}),
        ("strobe", 2, {"strobe"}, {2}),
        ("leader", 3, {"jump", "strobe", "rate"}, {3}),
        ("rate-majority", None, {"rate"}, {3}),
        ("jump-all", None, {"jump"}, {5}),
        ("strobe-one", 4, {"strobe"}, {4}),
    ],
)
def test_a_shape_names_a_kind_a_target_or_both(shape: str, size: int | None, kinds: set[str], counts: set[int]) -> None:
    actions = [choose(FAULT, shape, seed, size, turn=seed) for seed in range(30)]
    assert {action["kind"] for action in actions} == kinds
    assert {len(action["nodes"]) for action in actions} == counts
    assert all(("leader" in action) == (action["shape"] == "leader") for action in actions), "looked up where named"


def test_offsets_are_within_and_beyond_in_both_directions() -> None:
    offsets = [choose(FAULT, "jump", seed)["amount"]["offset_ms"] for seed in range(400)]
    sizes = [abs(offset) for offset in offsets]
    assert WITHIN_MS[0] <= min(sizes)
    assert max(sizes) <= BEYOND_MS[1]
    assert 120 < sum(size <= WITHIN_MS[1] for size in sizes) < 280
    assert 120 < sum(offset < 0 for offset in offsets) < 280
    assert any(size > 3_600_000 for size in sizes), "hours"


def test_rates_are_fast_and_slow_and_strobes_have_a_period() -> None:
    factors = [choose(FAULT, "rate", seed)["amount"]["factor"] for seed in range(200)]
    assert 0.5 <= min(factors) < 0.8
    assert 1.5 < max(factors) <= 2
    assert any(1 < factor < 1.01 for factor in factors)
    assert 1.0 not in factors, "a rate that bends nothing"
    assert all(choose(FAULT, "strobe", seed)["amount"]["period_ms"] >= 1 for seed in range(200))


@pytest.mark.parametrize("shape", [shape for shape in FAULT.shapes if "-" in shape])
def test_a_simulated_clock_takes_what_is_drawn(shape: str) -> None:
    for seed in range(20):
        action = choose(FAULT, shape, seed)
        clock = SimClock(lambda: 0, 0, 10, lambda: None)
        clock.bend(action["kind"], action["amount"])


def test_clocks_are_bent_and_true_again() -> None:
    bench = Bench()
    action = choose(FAULT, "jump-leader", size=2)
    done = apply(FAULT, bench, action)
    assert list(bench.bent) == done["nodes"] == action["nodes"]
    assert set(map(str, bench.bent.values())) == {str(("jump", action["amount"]))}
    heal(FAULT, bench, action)
    heal(FAULT, bench, action)
    assert bench.calm


def test_it_bit_when_a_node_read_a_false_clock() -> None:
    quiet = seen(0, "clock", 0), seen(1, "clock", 0)
    effect = FAULT.effect({}, quiet, (seen(1, "clock", 0), seen(2, "clock", 7)))
    assert effect.bit
    assert effect.measured["false_readings"] == 7
    assert not FAULT.effect({}, quiet, (seen(1, "clock", 0), seen(2, "clock", 0))).bit


def test_a_number_that_fits_no_target_is_refused() -> None:
    for shape, size in (("jump", 6), ("minority", 2), ("rate-all", 5)):
        with pytest.raises(FaultSyntaxError, match=r"read .* expected"):
            FAULT.choose(FaultSpec("clock", shape, size), 0, NODES, Random(0))


def test_the_leader_stays_a_word_until_it_strikes() -> None:
    assert is_symbolic(FAULT.choose(FaultSpec("clock", "jump-leader"), 0, NODES, Random(0)))
