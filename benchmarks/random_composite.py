"""Random histories of sets, counters, registers and ranges: of a few transactions, near the border between right and
wrong, and what a store of some isolation level did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.random_transactions import Draft, Micro, interleaved
from harness.history import Op

KINDS = ("set", "counter", "range", "mixed")
_KEYS: dict[str, list[Any]] = {"set": ["s", "t"], "counter": ["c", "d"], "range": [1, 2, 3]}
_WRITES = {"set": "add", "counter": "inc", "range": "w"}
MODES = ("serial", "serial", "snapshot", "forked", "arbitrary")


def small(random: Random, transactions: int = 4, kind: str | None = None) -> list[Op]:
    """Up to that many transactions; mostly of one data type."""
    kind = kind or random.choice(KINDS)
    types = ["set", "counter", "range"] if kind == "mixed" else [kind]
    keys = {type_: _KEYS[type_][: random.randint(1 + (type_ == "range"), len(_KEYS[type_]))] for type_ in types}
    drafts = _plans(random, random.randint(2, transactions), keys)
    _fill(random, drafts, random.choice(MODES))
    if random.random() < 0.2:
        _spoil(random, drafts)
    return interleaved(random, drafts, random.choice((0.0, 0.3, 0.7, 1.0)))


def _plans(random: Random, count: int, keys: dict[str, list[Any]]) -> list[Draft]:
    drafts: list[Draft] = []
    reads = random.choice((0.4, 0.5, 0.6))
    again, removals = random.random() < 0.25, random.random() < 0.3
    for number in range(count):
        micros: list[Micro] = []
        for place in range(random.choice((1, 1, 2, 2, 3))):
            type_ = random.choice(list(keys))
            key = random.choice(keys[type_])
            value: Any = 10 * number + place if not again or type_ != "set" else random.randrange(3)
            if type_ == "range" and removals and random.random() < 0.3:
                value = None
            if type_ == "counter":
                value = random.choice((1, 1, 2, 3, -1))
            if random.random() >= reads:
                micros.append([_WRITES[type_], key, value])
            elif type_ == "range" and random.random() < 0.7:
                micros.append(["rp", sorted(random.choices((1, 2, 3), k=2)), None])
            else:
                micros.append(["r", key, None])
        outcome = random.choices(("ok", "info", "fail"), (14, 2, 1))[0]
        process = random.randrange(3) if outcome != "info" else 10 + number
        drafts.append(Draft(process, outcome, micros))
    return drafts


def _fill(random: Random, drafts: list[Draft], mode: str) -> None:
    """Reads see what came before in one order ("serial"), before some earlier moment ("snapshot"), some of what came
    before, for each transaction ("forked"), or anything, for each read ("arbitrary")."""
    order = [each for each in drafts if each.outcome == "ok" or (each.outcome == "info" and random.random() < 0.6)]
    random.shuffle(order)
    if random.random() < 0.1:
        order.extend(each for each in drafts if each.outcome == "fail")
    for place, draft in enumerate(order):
        before = order[:place]
        seen = before if mode == "serial" else before[: random.randint(max(0, place - 2), place)]
        if mode == "forked":
            seen = [each for each in before if random.random() < 0.7]
        for at, micro in enumerate(draft.micros):
            if mode == "arbitrary":
                seen = [each for each in order if each is not draft and random.random() < 0.6]
            if micro[0] in ("r", "rp"):
                micro[2] = _read(random, drafts, seen, draft.micros[:at], micro)


def _read(random: Random, drafts: list[Draft], seen: Sequence[Draft], own: list[Micro], micro: Micro) -> Any:
    done = [each for draft in seen for each in (draft.micros[:1] if random.random() < 0.03 else draft.micros)]
    done += own
    if micro[0] == "rp":
        first, last = micro[1]
        held = {each[1]: each[2] for each in done if each[0] == "w"}
        return [[key, held[key]] for key in sorted(held) if first <= key <= last and held[key] is not None]
    key = micro[1]
    if all(each[:2] != [_WRITES[type_], key] for draft in drafts for each in draft.micros for type_ in _WRITES):
        return None  # nothing tells what it would be
    if key in _KEYS["set"]:
        return list(dict.fromkeys(each[2] for each in done if each[0] == "add" and each[1] == key))
    if key in _KEYS["counter"]:
        return sum(each[2] for each in done if each[0] == "inc" and each[1] == key)
    held = {each[1]: each[2] for each in done if each[0] == "w"}
    return held.get(key)


def _spoil(random: Random, drafts: list[Draft]) -> None:
    """One read says something else."""
    reads = [micro for draft in drafts for micro in draft.micros if micro[0] in ("r", "rp") and draft.outcome == "ok"]
    if not reads:
        return
    read = random.choice(reads)
    if read[0] == "rp":
        pairs = read[2] or []
        read[2] = pairs[1:] if random.random() < 0.6 else [*pairs, [random.choice((1, 2, 3, 9)), random.randrange(30)]]
    elif isinstance(read[2], list):
        adds = [micro[2] for draft in drafts for micro in draft.micros if micro[0] == "add"]
        read[2] = read[2][1:] if random.random() < 0.5 else [*read[2], random.choice([*adds, 99])]
    elif read[1] in _KEYS["counter"]:
        read[2] = (read[2] or 0) + random.choice((-2, -1, 1, 2, 50))


LEVELS = ("strict-serializable", "strong-snapshot-isolation", "strong-read-committed")


@dataclass(slots=True)
class _Running:
    """A transaction of the store: what it was asked, its snapshot of the log, and whether it has committed."""

    micros: list[Micro]
    snapshot: int | None = None
    committed: bool | None = None


def stored(random: Random, level: str, kind: str, transactions: int = 60, clients: int = 5) -> list[Op]:
    """What a store of one of LEVELS did: everything at its commit; or reads of a snapshot, beside which at the second
    level the first to write a register wins. Some answers are lost; at the first level registers are removed, too."""
    store = _Store(random, level, ["set", "counter", "range"] if kind == "mixed" else [kind])
    return store.run(transactions, clients)


class _Store:
    def __init__(self, random: Random, level: str, types: Sequence[str]) -> None:
        self.random, self.level, self.types = random, level, types
        self.log: list[Sequence[Micro]] = []
        self.number = 0

    def run(self, transactions: int, clients: int) -> list[Op]:
        running: dict[int, _Running] = {}
        processes, lines = list(range(clients)), list[Op]()
        while self.number < transactions or running:
            slot = self.random.randrange(clients)
            process = processes[slot]
            each = running.get(slot)
            if each is None and self.number < transactions:
                running[slot] = _Running(self.asked())
                lines.append(Op("invoke", process, "txn", [list(micro) for micro in running[slot].micros]))
            elif each is not None and not self.step(each):
                del running[slot]
                unknown = self.random.random() < 0.05
                type_: Any = "info" if unknown else "ok" if each.committed else "fail"
                processes[slot] += clients * unknown
                lines.append(Op(type_, process, "txn", each.micros))
        return lines

    def asked(self) -> list[Micro]:
        self.number += 1
        return [self.micro(place) for place in range(self.random.choice((1, 2, 2, 3)))]

    def micro(self, place: int) -> Micro:
        type_ = self.random.choice(self.types)
        key = self.random.choice(_KEYS[type_]) if type_ == "range" else f"{type_[0]}{self.number // 20}"
        if self.random.random() < 0.5:
            return ["rp", [1, self.random.choice((2, 3))], None] if type_ == "range" else ["r", key, None]
        removed = type_ == "range" and self.level == "strict-serializable" and self.random.random() < 0.2
        value = self.random.randint(1, 4) if type_ == "counter" else 10 * self.number + place
        return [_WRITES[type_], key, None if removed else value]

    def step(self, each: _Running) -> bool:
        """Whether there is more to do before the answer."""
        if each.committed is not None:
            return False
        if each.snapshot is None:
            each.snapshot = len(self.log)
            if self.level != "strict-serializable":
                self.read(each)
                return True
        if self.level == "strict-serializable":
            each.snapshot = len(self.log)
            self.read(each)
        wrote = {micro[1] for micro in each.micros if micro[0] == "w"}
        since = {micro[1] for done in self.log[each.snapshot :] for micro in done if micro[0] == "w"}
        each.committed = self.random.random() > 0.05 and not (
            self.level == "strong-snapshot-isolation" and wrote & since
        )
        if each.committed:
            self.log.append([micro for micro in each.micros if micro[0] not in ("r", "rp")])
        return True

    def read(self, each: _Running) -> None:
        for place, micro in enumerate(each.micros):
            if micro[0] in ("r", "rp"):
                done = [one for several in self.log[: each.snapshot] for one in several]
                micro[2] = _held([*done, *(one for one in each.micros[:place] if one[0] not in ("r", "rp"))], micro)


def _held(done: Sequence[Micro], micro: Micro) -> Any:
    f, key, _ = micro
    if f == "rp":
        held = {each: value for write, each, value in done if write == "w" and key[0] <= each <= key[1]}
        return [[each, value] for each, value in sorted(held.items()) if value is not None]
    values = [value for _, each, value in done if each == key]
    if key not in _KEYS["range"]:
        return sum(values) if key[0] == "c" else values
    return values[-1] if values else None
