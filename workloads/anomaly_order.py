"""In which order a workload tells what is wrong: one anomaly of every kind before the second of any."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from harness.result import Anomaly, Result


def each_type_first(result: Result) -> Result:
    """The same result, its anomalies sorted by how many of their type stand before them: whoever reads only the first
    few learns of everything that is broken."""
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, Anomaly]] = []
    for anomaly in result.anomalies:
        ranked.append((seen[anomaly.type], anomaly))
        seen[anomaly.type] += 1
    return replace(result, anomalies=tuple(anomaly for _, anomaly in sorted(ranked, key=lambda entry: entry[0])))
