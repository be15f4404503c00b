"""What one run says about a claim: its verdict, how much happened while something was broken, figures asked for.

A finding is plain JSON, since runs are made by other processes; it is taken from the run's history and verdict alone,
so that a simulated run and one on real nodes are judged by the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from harness.claims.figure import figure
from harness.claims.observed import Observed
from harness.claims.replicas import agreed_s, differed
from harness.claims.timed import load
from harness.claims.traffic import Traffic, carried, disturbed, traffic
from harness.history import NEMESIS

EXPLANATION_CHARACTERS_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One run. ``valid`` is True although some faults never bit, if others did. ``anomalies``: type -> explanation of
    the first one. ``decided`` and ``undecided`` are the guarantees of a checker of several that it did decide, and did
    not. ``told``: how often nodes told the events that the claim asks for. ``windows``: how many faults' windows there
    were; ``disturbed``: ok operations inside or soon after one; ``failovers``: leaders
    beyond the first one; ``carried``: whether after one of them had come an operation succeeded on data from before it.
    ``differed``: replicas were seen to hold different things while the load was on; ``agreed_s``: how long after the
    heal all held the same (None: they did not, or nobody looked). ``place``: the run's folder, if it has one."""

    seed: int
    valid: Any
    reason: str | None = None
    explanation: str = ""
    anomalies: Mapping[str, str] = field(default_factory=dict)
    decided: Sequence[str] = ()
    undecided: Sequence[str] = ()
    told: Mapping[str, int] = field(default_factory=dict)
    bit: Mapping[str, bool] = field(default_factory=dict)
    operations: int = 0
    windows: int = 0
    disturbed: int = 0
    failovers: int = 0
    carried: bool = False
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    differed: bool = False
    agreed_s: float | None = None
    longest_gap_s: float = 0.0
    figures: Mapping[str, float | None] = field(default_factory=dict)
    seconds: float = 0.0
    place: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Finding:
        return Finding(**{**data, "traffic": {f: Traffic(**entry) for f, entry in data.get("traffic", {}).items()}})


def failed(seed: int, explanation: str) -> Finding:
    """A run that came to no verdict."""
    return Finding(seed, "unknown", "harness-error", explanation[:EXPLANATION_CHARACTERS_MAX])


def finding(
    run: Observed, figures: Sequence[str] = (), told: Sequence[str] = (), seconds: float = 0.0, place: str | None = None
) -> Finding:
    """What a run comes to; ``figures`` and ``told`` are the names of the figures and events that are wanted."""
    results, operations, windows = run.results, run.operations, run.windows
    clients, guarantees = load(operations), _guarantees(results["details"])
    explained: dict[str, str] = {}
    for anomaly in results["anomalies"]:
        explained.setdefault(anomaly["type"], anomaly["explanation"][:EXPLANATION_CHARACTERS_MAX])
    healed = [op.time for op in run.history if op.process == NEMESIS]
    return Finding(
        seed=run.plan.seed,
        valid=run.valid,
        reason=results["reason"],
        explanation=(results["explanation"] or "")[:EXPLANATION_CHARACTERS_MAX],
        anomalies=explained,
        decided=tuple(name for name, valid in guarantees.items() if valid != "unknown"),
        undecided=tuple(name for name, valid in guarantees.items() if valid == "unknown"),
        told={name: sum(event.get("name") == name for event in run.events) for name in told},
        bit=run.bit,
        operations=results["ok"],
        windows=len(windows),
        disturbed=disturbed(clients, windows),
        failovers=len(run.elected_ns[1:]),
        carried=carried(clients, run.elected_ns[1:]),
        traffic=traffic(clients, windows, run.plan.client_timeout_s),
        differed=differed(operations, run.end_ns),
        agreed_s=agreed_s(operations, max([run.end_ns, *healed])),
        longest_gap_s=max((entry["longest_gap_s"] for entry in results["availability"]), default=0.0),
        figures={name: figure(name, run) for name in figures},
        seconds=round(seconds, 3),
        place=place,
    )


def _guarantees(details: Mapping[str, Any]) -> dict[str, Any]:
    """What a checker of several guarantees made of each."""
    return {name: entry["valid"] for name, entry in details.items() if isinstance(entry, Mapping) and "valid" in entry}
