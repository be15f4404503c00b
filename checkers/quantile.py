"""Quantiles of durations, as Jepsen gives them: 0 is the shortest, 1 the longest, in milliseconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

QUANTILES: Final = (0.0, 0.5, 0.95, 0.99, 1.0)


def quantiles_ms(durations_ns: Iterable[int]) -> dict[str, float]:
    """Each of QUANTILES, as text, with the element at that share of the durations in order; empty if there are none.

    The element at the share q of n is the one at position floor(q n), at most the last, as in Jepsen's
    ``frequency-distribution``.
    """
    in_order = sorted(durations_ns)
    if not in_order:
        return {}
    last = len(in_order) - 1
    return {f"{share:g}": round(in_order[min(last, int(len(in_order) * share))] / 1e6, 3) for share in QUANTILES}
