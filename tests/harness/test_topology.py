"""Topologies: what is read, what is refused, and that regions are as far apart as they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import catalog
from harness.claims.finding import finding
from harness.claims.observed import Observed
from harness.cli import main
from harness.plan import Plan
from harness.search.trial import run_trial
from harness.search.worker import setup_of_plan
from harness.topology import TopologyError, read_topology, topology_of

NODES = ("n1", "n2", "n3")
DATA: dict[str, Any] = {"regions": {"eu": ["n1", "n2"], "us": ["n3"]}, "latency_ms": {"eu us": 40}}
EXAMPLE = Path(__file__).parents[2] / "examples" / "topologies" / "two_regions.toml"


def test_distances_hold_both_ways_and_not_within_a_region() -> None:
    topology = topology_of(DATA, NODES)
    assert set(topology.delays()) == {("n1", "n3"), ("n3", "n1"), ("n2", "n3"), ("n3", "n2")}
    assert topology.delays()["n3", "n1"]["delay_ms"] == 40
    assert topology.region_of == {"n1": "eu", "n2": "eu", "n3": "us"}
    assert topology_of(topology.as_json(), NODES) == topology


def test_regions_stand_for_their_nodes_in_faults() -> None:
    topology = topology_of(DATA, NODES)
    assert topology.named("partition=isolate-region-us, kill=region-eu") == "partition=isolate-n3, kill=n1+n2"
    with pytest.raises(TopologyError, match="read 'region-asia'; expected a region of eu, us"):
        topology.named("kill=region-asia")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"regions": {"eu": ["n1", "n2"]}}, "expected each of n1, n2, n3 once"),
        ({"regions": {"eu": ["n1", "n2", "n3"], "us": ["n3"]}}, "expected each of n1, n2, n3 once"),
        ({"regions": {"e u": ["n1", "n2", "n3"]}}, "letters and digits"),
        ({"regions": {"eu": "n1"}}, "expected a list of nodes"),
        ({"regions": [1]}, "letters and digits"),
        ({"latency_ms": {"eu": 40}}, "expected two of eu, us"),
        ({"latency_ms": {"eu eu": 40}}, "expected two of eu, us"),
        ({"latency_ms": {"eu asia": 40}}, "expected two of eu, us"),
        ({"latency_ms": {"eu us": -1}}, "milliseconds up to"),
        ({"latency_ms": {"eu us": True}}, "milliseconds up to"),
        ({"latency_ms": {"eu us": "40"}}, "milliseconds up to"),
        ({"latency_ms": []}, "such as"),
        ({"more": 1}, r"expected \[regions\] and \[latency_ms\]"),
    ],
)
def test_what_is_no_topology_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(TopologyError, match=words):
        topology_of({**DATA, **change}, NODES)


def test_a_file_is_read_and_one_that_is_none_refused(tmp_path: Path) -> None:
    assert read_topology(EXAMPLE, ("n1", "n2", "n3", "n4", "n5")).region_of["n5"] == "us"
    (tmp_path / "x.toml").write_text("[regions")
    with pytest.raises(TopologyError, match="no TOML"):
        read_topology(tmp_path / "x.toml", NODES)
    assert main(["run", "raft", "--provider", "sim", "--topology", str(tmp_path / "none.toml")]) == 254


def write_ms(topology: dict[str, Any] | None) -> float:
    """The median latency of writes that all nodes must have."""
    plan = Plan("single-leader", "register", faults="none", provider="sim", nodes=3, rate_hz=20, time_limit_s=5,
                topology=topology, options=_options(replication="sync", failover="none"))  # fmt: skip
    trial = run_trial(setup_of_plan(plan, catalog.system(plan.system), catalog.faults()))
    run = Observed(plan, trial.setup.system, trial.verdict.as_json(), trial.history, trial.events)
    found = finding(run, ["median-ms:write"]).figures["median-ms:write"]
    assert found is not None
    return found


def _options(**given: str) -> dict[str, str]:
    return {name: option.default for name, option in catalog.system("single-leader").options.items()} | given


def test_a_write_that_crosses_an_ocean_takes_as_long_as_that() -> None:
    near, far = write_ms(None), write_ms(DATA)
    assert near < 40
    assert 75 <= far <= 75 + 2 * near + 20, "there and back, with a tenth of jitter"


def test_a_plan_with_a_topology_is_repeated_with_it() -> None:
    plan = replace(Plan("raft", "register"), topology=DATA)
    assert Plan.from_json(plan.as_json()).topology == DATA
