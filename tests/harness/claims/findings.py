"""Findings made by hand."""

from __future__ import annotations

from typing import Any

from harness.claim import Claim, Experiment, Source, Thresholds, Variant
from harness.claims.finding import Finding
from harness.claims.traffic import Traffic

SOURCE = Source("DDIA", "ch. 5, Leaders and Followers", 152, "asynchronous")
CONTROL = Variant("async", {"replication": "async"})


def claim(expect: Any, control: Variant | None = CONTROL, **thresholds: Any) -> Claim:
    experiment = Experiment("set", {"replication": "sync"}, faults="kill=leader")
    return Claim("SL-1", "a sentence", SOURCE, experiment, expect, control, Thresholds(**thresholds))


def good(seed: int = 1, **more: Any) -> Finding:
    """A valid run in which enough happened."""
    fields: dict[str, Any] = {"valid": True, "bit": {"kill": True}, "windows": 2, "disturbed": 120, "failovers": 1,
                              "carried": True, "operations": 300}  # fmt: skip
    return Finding(seed, **{**fields, **more})


def bad(seed: int = 1, anomaly: str = "lost", **more: Any) -> Finding:
    return good(seed, **{"valid": False, "anomalies": {anomaly: f"{anomaly}: element 7"}, **more})


def around(
    f: str, before: int = 50, asked: int = 40, answered: int = 0, after: int = 60, soon: int | None = None,
    asked_after: int = 60,
) -> dict[str, Traffic]:  # fmt: skip
    soon = after if soon is None else soon
    return {f: Traffic(before, asked, answered, asked_after, after, soon, 0.2 if after else None)}
