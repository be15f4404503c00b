"""What the book says of the ways to write a replication log, as experiments (SL-16 to SL-19).

Everything is judged by what each replica holds when all is over. Where a claim is about one reason to diverge, the
others are taken away: calls of functions are fixed by the leader where it is about order, or about triggers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.claim import (
    Claim,
    Converges,
    Curve,
    Experiment,
    Holds,
    Measured,
    Shape,
    Source,
    Thresholds,
    Variant,
    Violates,
)

_PLACE: Final = "ch. 5, Implementation of Replication Logs"
_DIVERGENCE: Final = ("divergence",)
_LOAD_S: Final = 6.0


def _source(section: str, page: int, quotation: str) -> Source:
    return Source("DDIA", f"{_PLACE}: {section}", page, quotation)


def _rows(options: Mapping[str, str], faults: str = "none", windows: tuple[tuple[float, float], ...] = (),
          probe_hz: float = 0.0) -> Experiment:  # fmt: skip
    return Experiment("rows", options, faults=faults, windows=windows, time_limit_s=_LOAD_S, probe_hz=probe_hz)


_STATEMENT: Final = {"log": "statement"}
_FIXED: Final = {"log": "statement", "nondeterminism": "fixed-by-leader"}
_WAL: Final = {"log": "wal"}
_CRASH: Final = "kill=followers"
_CRASH_S: Final = ((1.5, 3.5),)
_FOLLOWERS_FIRST: Final = "upgrade=followers"
_LEADER_FIRST: Final = "upgrade=leader:5"
_UPGRADE_S: Final = ((1.0, 4.5),)

_FUNCTIONS: Final = _source(
    "Statement-based replication",
    159,
    "such as NOW() to get the current date and time or RAND() to get a random number",
)
_FIXED_VALUE: Final = _source(
    "Statement-based replication",
    159,
    "the leader can replace any nondeterministic function calls with a fixed return value",
)
_ORDER: Final = _source(
    "Statement-based replication", 159, "they must be executed in exactly the same order on each replica"
)
_SIDE_EFFECTS: Final = _source(
    "Statement-based replication", 159, "may result in different side effects occurring on each replica"
)
_BYTES: Final = _source("Write-ahead log (WAL) shipping", 160, "which bytes were changed in which disk blocks")
_MISMATCH: Final = _source(
    "Write-ahead log (WAL) shipping",
    160,
    "it is typically not possible to run different versions of the database software on the leader and the followers",
)
_NO_DOWNTIME: Final = _source(
    "Write-ahead log (WAL) shipping", 160, "you can perform a zero-downtime upgrade of the database software"
)
_VERSIONS: Final = _source(
    "Logical (row-based) log replication",
    160,
    "allowing the leader and the follower to run different versions of the database software",
)
_CHANGE_TABLE: Final = _source(
    "Trigger-based replication",
    161,
    "log this change into a separate table, from which it can be read by an external process",
)
_OVERHEAD: Final = _source(
    "Trigger-based replication", 161, "typically has greater overheads than other replication methods"
)

_STATEMENT_CLAIMS: Final = (
    Claim(
        id="SL-16a",
        sentence="Replicas that execute statements with NOW, RAND or UUID come to hold different values.",
        source=_FUNCTIONS,
        experiment=_rows(_STATEMENT),
        expect=Violates(_DIVERGENCE),
    ),
    Claim(
        id="SL-16b",
        sentence="Where the leader replaces such calls by their values, replicas agree.",
        source=_FIXED_VALUE,
        experiment=_rows(_FIXED, _CRASH, _CRASH_S),
        expect=Holds(_DIVERGENCE),
        control=Variant("as-is", {"nondeterminism": "as-is"}),
    ),
    Claim(
        id="SL-16c",
        sentence="Auto-increment keys and conditional updates diverge where statements are applied in parallel.",
        source=_ORDER,
        experiment=_rows({**_FIXED, "apply": "parallel"}),
        expect=Violates(_DIVERGENCE),
    ),
    Claim(
        id="SL-16d",
        sentence="Executed in exactly the leader's order, the same statements do the same on every replica.",
        source=_ORDER,
        experiment=_rows({**_FIXED, "triggers": "deterministic"}, _CRASH, _CRASH_S),
        expect=Holds(_DIVERGENCE),
        control=Variant("parallel", {"apply": "parallel"}),
    ),
    Claim(
        id="SL-16e",
        sentence="Non-deterministic triggers diverge, even where the leader fixes what the statements call.",
        source=_SIDE_EFFECTS,
        experiment=_rows({**_FIXED, "triggers": "nondeterministic"}),
        expect=Violates(_DIVERGENCE),
    ),
    Claim(
        id="SL-16f",
        sentence="Side effects that are absolutely deterministic are the same on every replica.",
        source=_SIDE_EFFECTS,
        experiment=_rows({**_FIXED, "triggers": "deterministic"}, _CRASH, _CRASH_S),
        expect=Holds(_DIVERGENCE),
        control=Variant("nondeterministic", {"triggers": "nondeterministic"}),
    ),
    Claim(
        id="SL-16g",
        sentence="A log of rows needs no care: functions, triggers and parallel apply leave replicas the same.",
        source=_source(
            "Logical (row-based) log replication",
            160,
            "For an inserted row, the log contains the new values of all columns",
        ),
        experiment=_rows({"log": "row", "apply": "parallel", "triggers": "nondeterministic"}, _CRASH, _CRASH_S),
        expect=Holds(_DIVERGENCE),
        control=Variant("statement", {"log": "statement"}),
    ),
)

_VERSION_CLAIMS: Final = (
    Claim(
        id="SL-17a",
        sentence="A write-ahead log applied by another version of the storage engine corrupts its pages.",
        source=_BYTES,
        experiment=_rows({**_WAL, "version-check": "off"}, _FOLLOWERS_FIRST, _UPGRADE_S),
        expect=Violates(_DIVERGENCE),
    ),
    Claim(
        id="SL-17b",
        sentence="A follower that refuses a log of another version waits, and is whole when the versions agree again.",
        source=_MISMATCH,
        experiment=_rows(_WAL, _LEADER_FIRST, _UPGRADE_S),
        expect=Holds(),
        control=Variant("unchecked", {"version-check": "off"}),
        told=("version-refused",),
    ),
    Claim(
        id="SL-18a",
        sentence="With a logical log, leader and followers may run different versions during a rolling upgrade.",
        source=_VERSIONS,
        experiment=_rows({"log": "row"}, _LEADER_FIRST, _UPGRADE_S),
        expect=Holds(),
        control=Variant("wal", {"log": "wal", "version-check": "off"}),
        told=("mixed-versions",),
    ),
    Claim(
        id="SL-18b",
        sentence="In that upgrade nobody waits for a write for longer than one restart of the leader (1 s).",
        source=_NO_DOWNTIME,
        experiment=_rows({"log": "row"}, _LEADER_FIRST, _UPGRADE_S),
        expect=Measured(
            over="rolling upgrade",
            points=(Variant("row", {"log": "row"}),),
            curves=(Curve("outage-s:insert", Shape("at-most", bound=1.0)),),
        ),
        thresholds=Thresholds(runs=10),
    ),
)

_TRIGGER_CLAIMS: Final = (
    Claim(
        id="SL-19a",
        sentence="A process outside that reads what triggers wrote into a change table brings the others to the same.",
        source=_CHANGE_TABLE,
        experiment=_rows({"log": "trigger"}, "kill=role-replicator", _CRASH_S, probe_hz=4.0),
        expect=Converges(),
    ),
    Claim(
        id="SL-19b",
        sentence="Triggers make a write dearer than a logical log does.",
        source=_OVERHEAD,
        experiment=_rows({"log": "row"}),
        expect=Measured(
            over="the log",
            points=(Variant("row", {"log": "row"}), Variant("trigger", {"log": "trigger"})),
            curves=(Curve("median-ms:insert", Shape("rises", ratio=1.1)),),
        ),
        thresholds=Thresholds(runs=10),
        providers=("sim",),  # the service time of a row is a model's
    ),
)

CLAIMS: Final[tuple[Claim, ...]] = (*_STATEMENT_CLAIMS, *_VERSION_CLAIMS, *_TRIGGER_CLAIMS)
