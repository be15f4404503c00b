"""Anomalies in a few transactions, by the name that each must be given, and the weakest levels that forbid it.

The notation is that of :func:`benchmarks.injected_anomalies.lines_of`. The levels follow from the definitions (tests
compare them with brute force): all that implies one of them must fail, and all else hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Data = Literal["list", "register"]


@dataclass(frozen=True, slots=True)
class Planted:
    """``types``: what is reported where everything is forbidden, nothing else; except that a cycle through sessions or
    real time may be found in real time once more, on other ways. ``open``: levels that may remain undecided."""

    name: str
    data: Data
    text: str
    types: tuple[str, ...]
    weakest: tuple[str, ...]
    open: tuple[str, ...] = ()

    @property
    def ordered(self) -> bool:
        """Whether sessions or real time are needed for it."""
        return all(level.startswith("strong-") or level == "causal" for level in self.weakest)


def planted(data: Data, table: str) -> Iterator[Planted]:
    """Of lines ``name: transactions`` and ``types -> weakest levels that fail ? levels that may remain undecided``."""
    lines = table.strip().splitlines()
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        name, _, text = first.partition(": ")
        types, _, levels = second.partition("->")
        weakest, _, undecided = levels.partition("?")
        forms = (form for each in undecided.split() for form in _forms(each))
        yield Planted(name, data, text, tuple(types.split()), tuple(weakest.split()), tuple(forms))


def _forms(level: str) -> Iterator[str]:
    """With an asterisk, its strong forms, too."""
    yield level.lstrip("*")
    yield from (form + level[1:] for form in ("strong-session-", "strong-") if level[0] == "*")


LISTS: Final = tuple(planted("list", """
garbage-read: ax1, rx[1 9]
    garbage-read -> read-uncommitted
duplicate-elements: ax1, rx[1 1]
    duplicate-elements -> read-uncommitted
internal: ax1, ax2 rx[1]
    internal -> read-uncommitted
future-read: rx[1] ax1
    future-read -> read-uncommitted
incompatible-order: ax1, ax2, rx[1 2], rx[2 1]
    incompatible-order -> read-committed ? *read-uncommitted
G1a: !ax1, rx[1]
    G1a -> read-committed
dirty-update: !ax1, ax2, rx[1 2]
    G1a dirty-update -> read-committed
G1b: ax1 ax2, rx[1]
    G1b G-single -> read-committed
G0: ax1 ay2, ax3 ay4, rx[1 3], ry[4 2]
    G0 -> read-uncommitted
G0-process: 0:ax1 | 0:ax2 | 1:rx[2 1]
    G0-process -> strong-session-read-uncommitted
G0-realtime: ax1 | ax2 | rx[2 1]
    G0-realtime -> strong-read-uncommitted
G1c: ax1 ry[2], ay2 rx[1]
    G1c -> read-committed
G1c-process: 0:rx[1] | 0:ax1
    G1c-process -> strong-session-read-committed
G1c-realtime: rx[1] | ax1
    G1c-realtime -> strong-read-committed
G-monotonic: ax1 ay1, rx[1] ry[]
    G-monotonic fractured-read G-single -> monotonic-atomic-view
fractured-read: ax1 ay1, ry[] rx[1]
    fractured-read G-single -> read-atomic repeatable-read
lost-update: rx[] ax1, rx[] ax2, rx[1 2]
    lost-update G-single -> cursor-stability
lost-update: rx[] ax1, rx[] ax2
    lost-update G2-item -> cursor-stability
G-cursor: rx[] ax1, ?ax2 rx_, rx[2 1]
    G-cursor G-single -> cursor-stability
G-cursor: rx[] ax1, ax2, rx[2 1]
    G-cursor G-single -> cursor-stability
G-single: ax1 ay1, ax2, ry[] rx[1 2]
    G-single -> consistent-view parallel-snapshot-isolation prefix repeatable-read
G-single-process: 0:ax1 | 0:rx[]
    G-single-process -> strong-session-read-atomic strong-session-repeatable-read
G-single-realtime: ax1 | rx[]
    G-single-realtime -> strong-read-atomic strong-repeatable-read
causal-reverse: *rx[] ry[1], ax1 | ay1
    causal-reverse G-single-realtime -> strong-causal strong-repeatable-read
causal-reverse: *rx[] ry[1], 0:ax1 | 0:ay1
    G-single-process causal-reverse -> causal strong-session-repeatable-read
long-fork: ax1, ay1, rx[1] ry[], rx[] ry[1]
    long-fork G-nonadjacent -> prefix repeatable-read
G-nonadjacent: ax1 aw3, aw4 ry[], ay5 az6, rx[] az2, rz[6 2], rw[3 4]
    G-nonadjacent -> snapshot-isolation repeatable-read update-serializable
G-nonadjacent-process: 0:ax1, 1:ay1, 2:rx[1], 3:ry[1] | 2:ry[], 3:rx[]
    G-nonadjacent-process -> strong-session-prefix strong-session-repeatable-read strong-read-atomic
G-nonadjacent-process: *ax1, *rx[1] ry[], 0:ay1 | 0:rx[]
    G-nonadjacent-process -> strong-session-prefix strong-session-repeatable-read
G-nonadjacent-realtime: *ax1, *rx[1] ry[], ay1 | rx[]
    G-nonadjacent-realtime -> strong-prefix strong-repeatable-read
write-skew: rx[] ay1, ry[] ax1
    write-skew G2-item -> repeatable-read update-serializable
G2-item: rx[] ay1, ry[] az1, rz[] ax1
    G2-item -> repeatable-read update-serializable
G2-item-process: *ax1 ry[], 0:ay1 | 0:rx[]
    G2-item-process -> strong-session-repeatable-read
G2-item-realtime: *ax1 ry[], ay1 | rx[]
    G2-item-realtime -> strong-repeatable-read
"""))  # fmt: skip
REGISTERS: Final = tuple(planted("register", """
garbage-read: wx1, rx9
    garbage-read -> read-uncommitted
internal: wx1 rx2, wx2
    internal -> read-uncommitted
future-read: rx1 wx1
    future-read -> read-uncommitted
G1a: !wx1, rx1
    G1a -> read-committed
dirty-update: !wx1, rx1 wx2, rx2
    G1a dirty-update -> read-committed
G1b: wx1 wx2, rx1
    G1b -> read-committed
G1c: wx1 ry2, wy2 rx1
    G1c -> read-committed
G1c-process: 0:rx1 | 0:wx1
    G1c-process -> strong-session-read-committed
G1c-realtime: rx1 | wx1
    G1c-realtime -> strong-read-committed
cyclic-versions: rx1 wx2, rx2 wx1
    cyclic-versions G1c -> read-committed
cyclic-versions: rx1 wx2, rx2 wx3, rx3 wx1
    cyclic-versions G1c -> read-committed
G-monotonic: wx1 wy1, rx1 ry_
    G-monotonic fractured-read G-single -> monotonic-atomic-view
G-monotonic: wx1, rx1 wx2, rx2 rx1
    G-monotonic fractured-read G-single -> monotonic-atomic-view
fractured-read: wx1 wy1, ry_ rx1
    fractured-read G-single -> read-atomic repeatable-read
fractured-read: wx1 wy2, wx3 wy4, rx3 ry2
    fractured-read G-single -> read-atomic repeatable-read
lost-update: wx1, rx1 wx2, rx1 wx3
    lost-update -> cursor-stability
lost-update: rx_ wx2, rx_ wx3
    lost-update -> cursor-stability
G-cursor: wx2, rx2 wy2, rx_ ry2 wx1
    G-cursor -> cursor-stability prefix causal
G-single: wx1 wy1, rx1 wx2, ry_ rx2
    G-single -> consistent-view parallel-snapshot-isolation prefix repeatable-read causal
G-single-process: 0:wx1 | 0:rx_
    G-single-process -> strong-session-read-atomic strong-session-repeatable-read
G-single-process: 0:wx1 | 0:wx2, 1:rx2 | 1:rx1
    G-single-process -> causal strong-session-repeatable-read strong-read-atomic
G-single-realtime: wx1 | rx_
    G-single-realtime -> strong-read-atomic strong-repeatable-read
causal-reverse: *rx_ ry1, wx1 | wy1
    causal-reverse G-single-realtime -> strong-causal strong-repeatable-read
causal-reverse: *rx_ ry1, 0:wx1 | 0:wy1
    G-single-process causal-reverse -> causal strong-session-repeatable-read
long-fork: wx1, wy1, rx1 ry_, rx_ ry1
    long-fork G-nonadjacent -> prefix repeatable-read
G-nonadjacent: wx1, rx1 wz2, rz2 ry_, wy1, ry1 rx_
    G-nonadjacent -> prefix repeatable-read
G-nonadjacent-process: 0:wx1, 1:wy1, 2:rx1, 3:ry1 | 2:ry_, 3:rx_
    G-nonadjacent-process -> strong-session-prefix strong-session-repeatable-read strong-read-atomic
G-nonadjacent-process: *wx1, *rx1 ry_, 0:wy1 | 0:rx_
    G-nonadjacent-process -> strong-session-prefix strong-session-repeatable-read
G-nonadjacent-realtime: *wx1, *rx1 ry_, wy1 | rx_
    G-nonadjacent-realtime -> strong-prefix strong-repeatable-read
write-skew: rx_ wy1, ry_ wx1
    write-skew G2-item -> repeatable-read update-serializable
G2-item: rx_ wy1, ry_ wz1, rz_ wx1
    G2-item -> repeatable-read update-serializable
G2-item-process: *wx1 ry_, 0:wy1 | 0:rx_
    G2-item-process -> strong-session-repeatable-read
G2-item-realtime: *wx1 ry_, wy1 | rx_
    G2-item-realtime -> strong-repeatable-read
"""))  # fmt: skip
PREDICATES: Final = tuple(planted("register", """
predicate-read-miss: wy1 pyz[]
    predicate-read-miss -> read-uncommitted
G1a: !wy1, pyz[y1]
    G1a -> read-committed
G1b: wy1 wy2, pyz[y1]
    G1b -> read-committed
garbage-read: wy1, pyz[y9]
    garbage-read -> read-uncommitted
future-read: pyz[y1] wy1
    future-read -> read-uncommitted
G1c: wy1 rx1, wx1 pyz[y1]
    G1c -> read-committed
G1c-process: 0:pyz[y1] | 0:wy1
    G1c-process -> strong-session-read-committed
G1c-realtime: pyz[y1] | wy1
    G1c-realtime -> strong-read-committed
fractured-read: pyz[] pyz[y1], wy1
    fractured-read G-single -> read-atomic
G-monotonic: pyz[y1] pyz[], wy1
    G-monotonic fractured-read G-single -> monotonic-atomic-view ? *repeatable-read
fractured-read: wy1 wx1, pyz[] rx1
    fractured-read G-single -> read-atomic
lost-update: pyz[] wy1, pyz[] wy2
    lost-update -> consistent-view parallel-snapshot-isolation
G-single: wy1, ry1 wx1, pyz[] rx1
    G-single -> consistent-view parallel-snapshot-isolation prefix causal
G-single-process: 0:wy1 | 0:pyz[]
    G-single-process -> strong-session-read-atomic ? strong-repeatable-read
G-single-realtime: wy1 | pyz[]
    G-single-realtime -> strong-read-atomic ? strong-repeatable-read
causal-reverse: *pyz[] rx1, wy1 | wx1
    causal-reverse G-single-realtime -> strong-causal ? strong-repeatable-read
long-fork: wy1, wx1, pyz[y1] rx_, pyz[] rx1
    long-fork G-nonadjacent -> prefix ? *repeatable-read
G-nonadjacent: wy1, ry1 wu2, ru2 rx_, wx1, rx1 pyz[]
    G-nonadjacent -> prefix ? *repeatable-read
write-skew: pyz[] wy1, pyz[] wz1
    write-skew G2 -> update-serializable
G2: pyz[] wx1, rx_ wy1
    write-skew G2 -> update-serializable ? *repeatable-read
G2: pyz[] wx1, rx_ wu1, ru_ wy1
    G2 -> update-serializable ? *repeatable-read
G2-process: *wy1 rx_, 0:wx1 | 0:pyz[]
    G2-process -> strong-session-serializable ? strong-repeatable-read strong-session-repeatable-read
G2-realtime: *wy1 rx_, wx1 | pyz[]
    G2-realtime -> strict-serializable ? strong-repeatable-read
"""))  # fmt: skip
