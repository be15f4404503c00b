"""The levels nobody asked for: the same as if each had been, and as many as there is time for."""

from __future__ import annotations

from collections import Counter
from random import Random
from time import monotonic

import pytest

from benchmarks.random_registers import small
from benchmarks.register_transactions import lines
from checkers.guard import Unsupported
from checkers.transactional import check
from checkers.transactional.lattice import MODELS, STRICT, Family, implied
from checkers.transactional.register import levels
from checkers.transactional.register.levels import answered, following, search_until
from checkers.transactional.register.polygraph.decide import Polygraphs
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.register.saturation import POLYNOMIAL
from checkers.transactional.register.sources import histories
from checkers.transactional.register.verdict import Choices, verdicts
from harness.history import History


def choices(history: History) -> Choices:
    return Choices([verdicts(each) for each in histories(read_transactions(history))])


def spoiled(count: int, seed: int) -> History:
    """Of a store with serializable or snapshot isolation, with one anomaly or none."""
    random = Random(seed)
    store = random.choice(("serializable", "snapshot"))
    return History(
        lines(count, store, random.random() < 0.5, random.choice(("none", "lost-update", "write-skew")), seed)
    )


def test_each_level_is_what_it_is_when_asked_alone() -> None:
    seen: Counter[tuple[str, bool]] = Counter()
    for seed in range(80):
        history = spoiled(25, seed) if seed % 5 == 0 else History(small(Random(f"levels {seed}"), 4))
        try:
            answers = answered(choices(history), None, None)
        except Unsupported:
            continue
        for name, model in MODELS.items():
            alone = choices(history).of(model)
            assert answers[name] is alone, (seed, name)
            seen[name, alone] += 1
    assert all(seen[name, answer] > 5 for name in ("read-atomic", "prefix", "serializable") for answer in (True, False))


@pytest.mark.parametrize("expect", ["causal", "snapshot-isolation", "serializable"])
def test_a_long_history_has_none_undecided(expect: str) -> None:
    history = History(lines(600, "snapshot", zipf=False))
    details = check(history, expect=expect, time_limit_s=60).details
    assert "undecided" not in details
    assert details["strongest"] == ["strong-snapshot-isolation"]
    assert details["weakest_failing"] == ["repeatable-read", "update-serializable"]


def test_past_its_time_a_search_is_left_and_the_others_are_not() -> None:
    found = choices(History(lines(100, "snapshot", zipf=False)))
    answers = answered(found, monotonic() - 1, None)
    assert {name for name in MODELS if answers[name] == "unknown"} == {
        name for name, model in MODELS.items() if model.family not in POLYNOMIAL
    }


def test_past_all_time_nothing_is_decided() -> None:
    late = monotonic() - 1
    assert set(answered(choices(History(lines(100, "snapshot", zipf=False))), late, late).values()) == {"unknown"}


def test_a_level_that_takes_too_much_memory_costs_no_other_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = Polygraphs._decide

    def without_memory(self: Polygraphs, family: Family, order: object) -> object:
        if family is Family.ANY:
            raise MemoryError("too many")
        return decide(self, family, order)  # type: ignore[arg-type]

    monkeypatch.setattr(Polygraphs, "_decide", without_memory)
    result = check(History(lines(60, "snapshot", zipf=False)), expect="snapshot-isolation")
    assert result.valid is True
    assert "strong-snapshot-isolation" in result.details["strongest"]
    assert set(result.details["undecided"]) <= {name for name in MODELS if MODELS[name].family is Family.ANY}


def test_what_refutes_one_level_is_asked_about_others() -> None:
    history = next(histories(read_transactions(History(lines(200, "serializable", zipf=False, anomaly="lost-update")))))
    graphs = Polygraphs(history)
    strict, weaker = MODELS[STRICT], MODELS["cursor-stability"]
    members = graphs.decide(strict.family, strict.order).members
    assert len(members) == 2
    assert graphs.refutes(weaker.family, weaker.order, members)
    assert not graphs.refutes(Family.PREFIX, weaker.order, members)
    assert not graphs.refutes(weaker.family, weaker.order, members[:1])
    assert not graphs.refutes(weaker.family, weaker.order, range(65))


def test_the_strongest_comes_first_and_then_what_settles_most() -> None:
    assert following(MODELS, failed=False) == STRICT
    assert MODELS[following(MODELS, failed=True)].family in POLYNOMIAL
    searched = [name for name in MODELS if MODELS[name].family not in POLYNOMIAL]
    middle = following(searched, failed=True)
    assert len(implied(middle) & set(searched)) > 2
    assert sum(middle in implied(each) for each in searched) > 2


def test_for_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "monotonic", lambda: 100.0)
    causal = MODELS["causal"]
    assert search_until(causal, 400, 1.0, None) is None
    assert search_until(MODELS[STRICT], 10_000, 1.0, 500.0) == 500.0
    assert search_until(causal, 401, 1.0, None) == 100.0 + levels.SEARCH_S_MIN
    assert search_until(causal, 401, 20.0, None) == 120.0
    assert search_until(causal, 401, 20.0, 110.0) == 110.0
