"""The faults that make links worse: what they draw, what they ask of a cluster, what shows that they bit."""

from __future__ import annotations

import json
from random import Random

import pytest

from harness.fault import Fault, FaultSpec
from harness.faults import bandwidth, corrupt, delay, duplicate, loss, reorder, slow_link, slow_node
from harness.faults.action import check_action
from harness.faults.degradation import log_uniform
from harness.faults.links import SHAPES
from harness.faults.target import is_symbolic
from tests.harness.faults.bench import NODES, Bench, apply, choose, heal, seen

LINK_FAULTS: list[Fault] = [
    delay.FAULT,
    loss.FAULT,
    duplicate.FAULT,
    reorder.FAULT,
    corrupt.FAULT,
    bandwidth.FAULT,
    slow_link.FAULT,
]
FAULTS: list[Fault] = [*LINK_FAULTS, slow_node.FAULT]
BOUNDS: dict[str, dict[str, tuple[float, float]]] = {
    "delay": {"delay_ms": (5, 200), "jitter_ms": (0, 200)},
    "loss": {"probability": (0.05, 0.7)},
    "duplicate": {"probability": (0.05, 1)},
    "reorder": {"probability": (0.05, 0.8), "delay_ms": (2, 200)},
    "corrupt": {"probability": (0.05, 0.7)},
    "bandwidth": {"rate_kbit_s": (16, 512)},
    "slow-link": {"delay_ms": (200, 1000), "jitter_ms": (0, 100)},
    "slow-node": {"factor": (2, 50), "delay_ms": (5, 300)},
}
fault_by_name = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
link_fault_by_name = pytest.mark.parametrize("fault", LINK_FAULTS, ids=lambda fault: fault.name)


@fault_by_name
def test_choices_are_json_and_repeat_with_the_seed(fault: Fault) -> None:
    for shape in (None, *fault.shapes):
        for turn in range(6):
            spec = FaultSpec(fault.name, shape)
            first, again = (fault.choose(spec, turn, NODES, Random(f"7:{turn}")) for _ in range(2))
            assert first == again == json.loads(json.dumps(first))
            assert ("links" in first) != ("nodes" in first), "it says links, or whose"
            check_action(first, NODES, triggered=True)
            assert is_symbolic(first) or set(first.get("nodes", ())) <= set(NODES)
            assert is_symbolic(first) or "leader" not in first["shape"], "looked up when it strikes"


@fault_by_name
def test_amounts_are_drawn_within_their_bounds_and_over_all_of_them(fault: Fault) -> None:
    drawn = [choose(fault, None, seed)["amount"] for seed in range(300)]
    for name, (low, high) in BOUNDS[fault.name].items():
        figures = [amount[name] for amount in drawn]
        assert all(low <= figure <= high for figure in figures)
        assert min(figures) <= low + (high - low) / 10
        assert max(figures) >= high - (high - low) / 5
    assert all(amount.get("jitter_ms", 0) <= amount.get("delay_ms", 0) for amount in drawn), "no message arrives early"


@link_fault_by_name
def test_the_default_mix_takes_the_leaders_links_and_others(fault: Fault) -> None:
    shapes = [fault.choose(FaultSpec(fault.name), turn, NODES, Random(turn))["shape"] for turn in range(6)]
    assert set(shapes) <= set(SHAPES)
    assert any("leader" in shape for shape in shapes[:2])
    assert any("leader" not in shape for shape in shapes)


@link_fault_by_name
def test_it_is_applied_to_its_links_and_healed(fault: Fault) -> None:
    bench = Bench()
    action = choose(fault, "leader")
    done = apply(fault, bench, action)
    links, amount = bench.degraded[fault.name]
    assert amount == action["amount"]
    assert len(links) == 8
    assert done["links"] == [list(link) for link in links]
    assert done == json.loads(json.dumps(done)), "it stands in the history"
    heal(fault, bench, action)
    heal(fault, bench, action)
    assert bench.calm


def test_a_slow_link_and_a_delay_do_not_end_each_other() -> None:
    bench = Bench()
    apply(slow_link.FAULT, bench, choose(slow_link.FAULT, "link"))
    action = choose(delay.FAULT, "all")
    apply(delay.FAULT, bench, action)
    heal(delay.FAULT, bench, action)
    assert list(bench.degraded) == ["slow-link"]


@pytest.mark.parametrize(
    ("fault", "level"), [(duplicate.FAULT, "packets"), (reorder.FAULT, "packets"), (loss.FAULT, "messages")]
)
def test_the_other_level_is_a_kind_of_its_own_on_every_link(fault: Fault, level: str) -> None:
    bench = Bench()
    action = choose(fault, level)
    assert action["shape"] == level
    apply(fault, bench, action)
    assert list(bench.degraded) == [f"{fault.name}-{level}"]
    assert len(bench.degraded[f"{fault.name}-{level}"][0]) == 20
    heal(fault, bench, action)
    assert bench.calm


@pytest.mark.parametrize("fault", [duplicate.FAULT, reorder.FAULT], ids=lambda fault: fault.name)
def test_what_a_connection_hides_is_measured_and_never_bites(fault: Fault) -> None:
    name = f"{fault.name}-packets"
    effect = fault.effect(
        {"shape": "packets"}, (seen(0, name, 4), seen(1, name, 4)), (seen(1, name, 4), seen(2, name, 9))
    )
    assert not effect.bit
    assert 5.0 in effect.measured.values()
    assert all("messages" not in figure for figure in effect.measured)
    assert "absorbed=tcp" in effect.explanation


def test_lost_messages_bite_as_lost_packets_do() -> None:
    name = "loss-messages"
    effect = loss.FAULT.effect(
        {"shape": "messages"}, (seen(0, name, 4), seen(1, name, 4)), (seen(1, name, 4), seen(2, name, 9))
    )
    assert effect.bit


def test_a_slow_link_needs_what_a_delay_needs() -> None:
    assert slow_link.FAULT.needs == delay.FAULT.needs == {"delay"}
    assert {fault.name: fault.needs for fault in FAULTS if fault.name != "slow-link"} == {
        name: {name} for name in ("delay", "loss", "duplicate", "reorder", "corrupt", "bandwidth", "slow-node")
    }


def test_slow_nodes_are_slowed_and_healed() -> None:
    bench = Bench()
    action = choose(slow_node.FAULT, "leader", size=2)
    apply(slow_node.FAULT, bench, action)
    nodes, factor, delay_ms = bench.slowed
    assert nodes[0] == "n2"
    assert len(nodes) == 2
    assert {"factor": factor, "delay_ms": delay_ms} == action["amount"]
    heal(slow_node.FAULT, bench, action)
    heal(slow_node.FAULT, bench, action)
    assert bench.calm


@fault_by_name
def test_it_bit_where_messages_met_it_and_only_then(fault: Fault) -> None:
    name = fault.name
    quiet = seen(0, name, 4), seen(1, name, 4)
    effect = fault.effect({}, quiet, (seen(1, name, 4), seen(2, name, 9)))
    assert effect.bit
    assert effect.absent_outside
    assert 5.0 in effect.measured.values()
    assert "5" in effect.explanation
    missed = fault.effect({}, quiet, (seen(1, name, 4), seen(2, name, 4)))
    assert not missed.bit
    assert "never met" in missed.explanation
    other = fault.effect({}, quiet, (seen(1, "other", 4), seen(2, "other", 9)))
    assert not other.bit, "what another fault did is not this one's effect"


def test_what_was_there_before_or_was_not_looked_at_shows_nothing() -> None:
    window = seen(1, "loss", 4), seen(2, "loss", 9)
    assert not loss.FAULT.effect({}, (seen(0, "loss", 3), seen(1, "loss", 4)), window).absent_outside
    assert not loss.FAULT.effect({}, (seen(1, "loss", 4), seen(1, "loss", 4)), window).absent_outside


def test_draws_favour_no_order_of_magnitude() -> None:
    random = Random(1)
    drawn = [log_uniform(random, 1, 10_000) for _ in range(4000)]
    for low in (1, 10, 100, 1000):
        assert 850 < sum(low <= figure < 10 * low for figure in drawn) < 1150
