"""A run that is over, with all that evidence and figures are taken from: its plan, ``results.json``, history, events.

The same for a simulated run, which leaves no folder, and for one on real nodes, which leaves nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.claims.timed import Timed, timed
from harness.fault_window import FaultWindow, fault_windows
from harness.file import read_json
from harness.formats import read_history
from harness.history import History
from harness.node_failure import read_events
from harness.plan import Plan
from harness.result import Reason
from harness.store import HISTORY, NODES, RESULTS
from harness.system import System

ELECTED = "became-leader"
"""What nodes tell where the system promises nothing of its epochs."""


@dataclass(frozen=True)
class Observed:
    """``results`` are the fields of ``results.json``; ``events`` what the nodes told, each as in events.jsonl."""

    plan: Plan
    system: System
    results: Mapping[str, Any]
    history: History
    events: Sequence[Mapping[str, Any]]

    @cached_property
    def operations(self) -> Sequence[Timed]:
        return timed(self.history)

    @cached_property
    def windows(self) -> Sequence[FaultWindow]:
        return fault_windows(self.history)

    @property
    def start_ns(self) -> int:
        return int(self.results["main_start_ns"])

    @property
    def end_ns(self) -> int:
        """When the load was over."""
        return int(self.results["main_end_ns"])

    @property
    def bit(self) -> Mapping[str, bool]:
        return {line["name"]: bool(line["bit"]) for line in self.results["faults"]}

    @property
    def valid(self) -> Any:
        """The verdict; True although some faults never had an effect, if others had and nothing else is in doubt."""
        results = self.results
        idle = results["reason"] == Reason.FAULT_WITHOUT_EFFECT and any(self.bit.values())
        return True if idle and results["checked"] is True else results["valid"]

    @property
    def elected_ns(self) -> Sequence[int]:
        """When nodes became the leader, as far as the system's nodes tell it, on the run's clock; the first one first.
        Nodes on another machine have another monotonic clock: their times are not to be relied upon."""
        name, origin_ns = leader_event(self.plan, self.system), int(self.results.get("origin_ns", 0))
        told = [event for event in self.events if event.get("name") == name]
        return sorted(int(event["time_monotonic_ns"]) - origin_ns for event in told)


def leader_event(plan: Plan, system: System) -> str:
    election = system.leadership(plan.options)
    return ELECTED if election is None else election[0]


def recorded(plan: Plan, system: System, folder: Path, told: Sequence[str] = ()) -> Observed:
    """A run from its folder, with the events ``told`` besides those of elections. Raises OSError, ValueError and
    harness.formats.FormatError."""
    events = list(read_events(folder / NODES, (leader_event(plan, system), *told)))
    return Observed(plan, system, read_json(folder / RESULTS), read_history(folder / HISTORY, "jsonl"), events)
