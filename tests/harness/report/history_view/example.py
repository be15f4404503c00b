"""Histories to look at: a register on which a read is stale, with faults behind it, of any length."""

from __future__ import annotations

from array import array
from random import Random
from typing import Final

from harness.formats.record import Recording
from harness.history import NEMESIS, History, Op
from harness.result import Anomaly, Result

MS: Final = 1_000_000


def stale(count: int = 300, processes: int = 8, keys: int = 3, seed: int = 1) -> tuple[Recording, Result]:
    """``count`` operations, among them, in the middle, a write on the key "k1" and a read that does not see it."""
    random, now = Random(seed), 0
    ops: list[Op] = []
    busy: dict[int, Op] = {}
    names, value = list(range(processes)), 0
    while len(ops) < 2 * count:
        now += random.randrange(1, MS)
        thread = random.randrange(processes)
        if (begun := busy.pop(thread, None)) is not None:
            outcome = random.choices(["ok", "fail", "info"], (96, 3, 1))[0]
            answer = value if begun.f == "read" and outcome == "ok" else begun.value
            ops.append(Op(outcome, names[thread], begun.f, answer, now, key=begun.key))  # type: ignore[arg-type]
            names[thread] += processes if outcome == "info" else 0
            continue
        value += 1
        f, argument = ("read", None) if random.random() < 0.5 else ("write", value)
        busy[thread] = Op("invoke", names[thread], f, argument, now, key=f"k{random.randrange(keys)}")
        ops.append(busy[thread])
    middle = len(ops) // 2
    moments = [ops[middle].time + i for i in range(6)]
    strange = [("invoke", 9001, "write", "old"), ("ok", 9001, "write", "old"), ("invoke", 9002, "write", "new"),
               ("ok", 9002, "write", "new"), ("invoke", 9003, "read", None), ("ok", 9003, "read", "old")]  # fmt: skip
    ops[middle + 1 : middle + 1] = [
        Op(kind, process, f, argument, time, key="k1")  # type: ignore[arg-type]
        for (kind, process, f, argument), time in zip(strange, moments, strict=True)
    ]
    start, stop = (Op("info", NEMESIS, f"{verb}-partition", {"shape": "<b>half"}, 0) for verb in ("start", "stop"))
    ops[len(ops) // 4 : len(ops) // 4] = [start, start]
    ops[3 * len(ops) // 4 : 3 * len(ops) // 4] = [stop, stop]
    timed = [op if op.process != NEMESIS else _at(op, ops[i - 2].time) for i, op in enumerate(ops)]
    return recording(timed), result(timed)


def _at(op: Op, time: int) -> Op:
    return Op(op.type, op.process, op.f, op.value, time)


def recording(ops: list[Op]) -> Recording:
    return Recording(History(ops), "store/x/history.jsonl", "jsonl", array("q", range(2, len(ops) + 2)))


def witness(ops: list[Op]) -> tuple[int, ...]:
    return tuple(i for i, op in enumerate(ops) if op.type == "invoke" and op.process in (9001, 9002, 9003))


def result(ops: list[Op]) -> Result:
    """What a checker would say of it, and another anomaly elsewhere."""
    first, second, third = witness(ops)
    words = (
        f'process 9003\'s read of "old" (op {third}) began after process 9002\'s write of "new" (op {second}) had '
        'completed, and nothing left "old" again.'
    )
    found = Anomaly("non-linearizable", (first, second, third), words, {"minimal": True})
    other = Anomaly("lost", (0, third + 1), "Another one, of a write at the beginning.")
    return Result(False, "linearizable", "register", "search", anomalies=(found, other), operations=len(ops) // 2)
