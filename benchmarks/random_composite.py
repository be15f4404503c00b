"""Random histories of a few transactions on sets, counters, registers and ranges, near what is just right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
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
