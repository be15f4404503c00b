"""Long histories: large sets by what is on cycles, counters by a serial order; and the limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from time import process_time
from typing import Any

import pytest

from checkers.transactional import MODELS, check
from checkers.transactional.composite.reading import read_composite
from checkers.transactional.composite.scope import CONDENSED_MIN, TIED_MAX, answers
from harness.history import History, Op

WRITES = {"set": "add", "counter": "inc", "range": "w"}


def traffic(kind: str, transactions: int, clients: int = 8, keys: int = 1) -> list[Op]:
    """What a store did that takes one transaction after the other, at some moment between its call and its answer."""
    random, held = Random(f"{kind} {transactions}"), dict[Any, Any]()
    waiting: dict[int, list[list[Any]]] = {}
    done: set[int] = set()
    lines: list[Op] = []
    begun = 0
    while begun < transactions or waiting:
        process = random.randrange(clients)
        if process not in waiting and begun < transactions:
            begun += 1
            waiting[process] = [_micro(random, kind, random.randrange(keys), 10 * begun + each) for each in range(2)]
            lines.append(Op("invoke", process, "txn", [list(micro) for micro in waiting[process]]))
        elif process in waiting and process not in done:
            done.add(process)
            for micro in waiting[process]:
                _do(held, micro)
        elif process in waiting:
            done.remove(process)
            lines.append(Op("ok", process, "txn", waiting.pop(process)))
    return lines


def _micro(random: Random, kind: str, key: int, number: int) -> list[Any]:
    if random.random() < 0.5:
        return ["rp", [0, 5], None] if kind == "range" else ["r", key, None]
    return [WRITES[kind], key, random.randint(1, 3) if kind == "counter" else number]


def _do(held: dict[Any, Any], micro: list[Any]) -> None:
    f, key, value = micro
    if f == "rp":
        micro[2] = [[each, held[each]] for each in sorted(held) if key[0] <= each <= key[1]]
    elif f == "r":
        micro[2] = list(held[key]) if isinstance(held.get(key), list) else held.get(key)
    elif f == "add":
        held.setdefault(key, []).append(value)
    else:
        held[key] = held.get(key, 0) + value if f == "inc" else value


def changed(lines: list[Op], change: Callable[[Any], Any]) -> History:
    """The last read that saw much says something else."""
    place = max(place for place, line in enumerate(lines) if line.type == "ok" and line.value[0][0] in ("r", "rp"))
    value = [[*lines[place].value[0][:2], change(lines[place].value[0][2])], *lines[place].value[1:]]
    return History([*lines[:place], replace(lines[place], value=value), *lines[place + 1 :]])


def without_first(elements: list[int]) -> list[int]:
    """What the first transaction added is lost."""
    return [each for each in elements if each // 10 != elements[0] // 10]


@pytest.mark.parametrize(("kind", "keys"), [("set", 1), ("counter", 1), ("counter", 5), ("range", 6)])
def test_what_a_serial_store_did_is_valid_and_certified(kind: str, keys: int) -> None:
    began = process_time()
    result = check(History(traffic(kind, 400, keys=keys)))
    assert (result.valid, result.details["strongest"]) == (True, ["strict-serializable"])
    assert result.details["certificate"]["transactions"] == 400
    assert process_time() - began < 5


def test_what_was_added_first_is_lost_from_a_large_set() -> None:
    history = changed(traffic("set", 150), without_first)
    result = check(history)
    assert result.valid is False
    assert "undecided" not in result.details
    assert all(len(anomaly.operations) <= 8 for anomaly in result.anomalies)
    assert check(history, expect="read-committed").valid is True


def test_where_too_much_is_on_cycles_a_few_short_ones_refute() -> None:
    lines = traffic("set", 500)
    reads, adds = (sum(micro[0] == f for line in lines for micro in line.value) // 2 for f in ("r", "add"))
    assert reads * adds > 2 * TIED_MAX
    history = changed(lines, without_first)
    result = check(history, expect="serializable")
    assert result.valid is False
    assert all(len(anomaly.operations) <= 8 for anomaly in result.anomalies)
    assert check(history, expect="read-committed").valid is True


def test_all_cycles_or_only_a_few_transactions_give_one_answer() -> None:
    history = changed(traffic("set", 40), lambda elements: elements[2:])
    whole = answers(read_composite(history), condensed_min=CONDENSED_MIN)
    condensed = answers(read_composite(history), condensed_min=0)
    assert {name: whole.of(model) for name, model in MODELS.items()} == {
        name: condensed.of(model) for name, model in MODELS.items()
    }
    assert len({whole.of(model) for model in MODELS.values()}) == 2


def test_a_total_below_what_had_completed() -> None:
    history = changed(traffic("counter", 200), lambda total: total - 40)
    result = check(history)
    assert (result.valid, result.anomalies[0].type) == (False, "G-single-realtime")
    assert "in all) had completed before it began" in result.anomalies[0].explanation
    plain = check(history, expect="serializable")
    assert (plain.valid, plain.reason) == ("unknown", "unsupported")
    assert "too many choices" in (plain.explanation or "")


def test_the_time_limit_is_kept() -> None:
    began = process_time()
    result = check(changed(traffic("counter", 300), lambda total: total - 1), time_limit_s=0.01)
    assert result.valid in ("unknown", True)
    assert process_time() - began < 5
