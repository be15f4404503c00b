"""A trace for the tests, told by hand: a leader is cut off and acknowledges a write, another is elected, it is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from harness.fault_window import FaultWindow, fault_windows
from harness.history import NEMESIS, History, Op, OpType
from harness.result import Anomaly
from harness.trace import Trace
from tests.harness.report.example import PLAN, write_run

MS: Final = 1000
NODES: Final = ("n1", "n2", "n3")


class Teller:
    """Writes a trace and its history; all times in milliseconds."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.ops: list[Op] = []
        self._sent = 0
        self._later: list[tuple[float, int]] = []

    def message(self, at: float, source: str, to: str, body: Mapping[str, Any], takes: float = 2, via: str = "send",
                lost: str | None = None) -> None:  # fmt: skip
        self._sent += 1
        self._arrivals(at)
        self.trace.send(int(at * MS), self._sent, source, to, via, body)
        if lost is None:
            self._later.append((at + takes, self._sent))
        else:
            self.trace.lost(int(at * MS), self._sent, lost)

    def _arrivals(self, until: float) -> None:
        """What has arrived by now: the trace is in order of time."""
        for time, number in sorted(entry for entry in self._later if entry[0] <= until):
            self.trace.recv(int(time * MS), number)
        self._later = [entry for entry in self._later if entry[0] > until]

    def event(self, at: float, node: str, name: str, **fields: Any) -> None:
        self._arrivals(at)
        self.trace.event(int(at * MS), node, name, fields)

    def node(self, at: float, what: str, node: str, why: str = "") -> None:
        self._arrivals(at)
        self.trace.node(int(at * MS), what, node, why, 1)

    def op(self, at: float, type_: OpType, process: int | str, f: str, value: Any = None, **more: Any) -> None:
        self._arrivals(at)
        op = Op(type_, process, f, value, int(at * 1_000_000), len(self.ops), **more)
        self.ops.append(op)
        if process == NEMESIS:
            self.trace.fault(int(at * MS), f, "done", value)
        else:
            self.trace.operation(int(at * MS), op)

    def heartbeats(self, at: float, leader: str, generation: int, lost: tuple[str, ...] = ()) -> None:
        for i, peer in enumerate(node for node in NODES if node != leader):
            body = {"type": "heartbeat", "generation": generation, "high_water": 12, "last": int(at)}
            self.message(at, leader, peer, body, 1 + i, lost="partition" if peer in lost else None)

    def end(self, at: float) -> None:
        self._arrivals(at)


def tell() -> Teller:
    """The story. A run has many heartbeats."""
    told = Teller()
    for node in NODES:
        told.node(0, "start", node)
    told.event(110, "n1", "became-leader", generation=1)
    for at in range(120, 1000, 40):
        told.heartbeats(at, "n1", 1)
    told.op(1000, "invoke", 0, "add", 12)
    told.message(
        1000,
        "c0",
        "n1",
        {"type": "request", "client": "c0", "sequence": 1, "f": "add", "key": None, "value": 12},
        1,
        "call",
    )
    told.message(1002, "n1", "c0", {"value": 12}, 2, "reply")
    ship = {
        "type": "ship",
        "generation": 1,
        "high_water": 11,
        "previous": [1, 11],
        "entries": [{"generation": 1, "command": {"f": "add", "key": None, "value": 12}}],
    }
    told.message(1002, "n1", "n2", ship, 2, "call")
    told.message(1002, "n1", "n3", ship, 3, "call")
    told.op(1004, "ok", 0, "add", 12, node="n1")
    told.message(1005, "n2", "n1", {"outcome": "stored"}, 1, "reply")
    told.message(1006, "n3", "n1", {"outcome": "stored"}, 2, "reply")
    for at in range(1040, 1200, 40):
        told.heartbeats(at, "n1", 1)
    done = {"shape": "isolate-leader", "nodes": ["n1"], "leader": "n1"}
    told.op(1210, "info", NEMESIS, "start-partition", {"shape": "isolate-leader"})
    told.op(1211, "info", NEMESIS, "start-partition", done)
    told.heartbeats(1240, "n1", 1, lost=("n2", "n3"))
    told.op(1250, "invoke", 0, "add", 13)
    told.message(
        1250,
        "c0",
        "n1",
        {"type": "request", "client": "c0", "sequence": 2, "f": "add", "key": None, "value": 13},
        1,
        "call",
    )
    told.message(1253, "n1", "c0", {"value": 13}, 1, "reply")
    ship = {
        "type": "ship",
        "generation": 1,
        "high_water": 12,
        "previous": [1, 12],
        "entries": [{"generation": 1, "command": {"f": "add", "key": None, "value": 13}}],
    }
    told.message(1253, "n1", "n2", ship, 2, "call", lost="partition")
    told.message(1253, "n1", "n3", ship, 2, "call", lost="partition")
    told.op(1254, "ok", 0, "add", 13, node="n1")
    for at in range(1280, 1480, 40):
        told.heartbeats(at, "n1", 1, lost=("n2", "n3"))
    told.event(1480, "n2", "election-started", generation=2)
    vote = {"type": "vote", "generation": 2, "position": [1, 12]}
    told.message(1480, "n2", "n1", vote, 1, "call", lost="partition")
    told.message(1480, "n2", "n3", vote, 1, "call")
    told.event(1481, "n3", "vote-granted", generation=2, to="n2")
    told.message(1483, "n3", "n2", {"generation": 2, "granted": True}, 1, "reply")
    told.event(1484, "n2", "became-leader", generation=2)
    told.op(1486, "invoke", 1, "add", 14)
    for at in range(1490, 1760, 40):
        told.heartbeats(at, "n2", 2, lost=("n1",))
        if at == 1490:
            told.message(
                1490,
                "c1",
                "n2",
                {"type": "request", "client": "c1", "sequence": 1, "f": "add", "key": None, "value": 14},
                2,
                "call",
            )
            told.message(1494, "n2", "c1", {"value": 14}, 1, "reply")
            told.op(1495, "ok", 1, "add", 14, node="n2")
            told.op(1520, "info", NEMESIS, "start-kill", {"shape": "minority"})
            told.op(1521, "info", NEMESIS, "start-kill", {"shape": "minority", "nodes": ["n3"]})
            told.node(1521, "stop", "n3", "kill")
    told.op(1780, "info", NEMESIS, "stop-partition", {"shape": "isolate-leader"})
    told.op(1781, "info", NEMESIS, "stop-partition", done)
    told.message(1790, "n2", "n3", {"type": "heartbeat", "generation": 2, "high_water": 13, "last": 9}, lost="down")
    told.message(1790, "n2", "n1", {"type": "heartbeat", "generation": 2, "high_water": 13, "last": 9}, 2)
    told.event(1792, "n1", "stepped-down", generation=1, newer=2)
    told.event(1793, "n1", "truncated", count=1, **{"from": 13})
    told.op(1850, "info", NEMESIS, "stop-kill", {})
    told.node(1851, "start", "n3")
    told.op(1852, "info", NEMESIS, "stop-kill", {})
    told.op(1900, "invoke", 1, "read")
    told.message(
        1900,
        "c1",
        "n2",
        {"type": "request", "client": "c1", "sequence": 2, "f": "read", "key": None, "value": None},
        2,
        "call",
    )
    told.message(1902, "n2", "c1", {"value": [12, 14]}, 2, "reply")
    told.op(1904, "ok", 1, "read", [12, 14], node="n2")
    told.heartbeats(1920, "n2", 2)
    told.end(2000)
    return told


def story() -> tuple[Trace, History, tuple[FaultWindow, ...], Anomaly]:
    """The arguments of ``draw``."""
    told = tell()
    history = History(told.ops)
    read = next(op.index for op in told.ops if op.f == "read" and op.type == "ok")
    acknowledged = next(op.index for op in told.ops if op.value == 13 and op.type == "ok")
    anomaly = Anomaly("lost", (acknowledged, read), "add 13 was acknowledged, but the last read does not have it")
    return told.trace, history, fault_windows(history), anomaly


def write_story(folder: Path, results: Mapping[str, Any] | None = None) -> Path:
    """A run's folder with the story in it."""
    trace, history, _, anomaly = story()
    found = {"valid": False, "expect": "set", "anomalies": [anomaly.as_json()], "operations": 4, **(results or {})}
    write_run(folder, list(history), found, json.loads(json.dumps(PLAN.as_json())), [])
    trace.write(folder / "trace.jsonl")
    return folder
