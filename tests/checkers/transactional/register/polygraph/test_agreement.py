"""Every way to decide a history of registers says the same, and as the definitions do where those can be tried."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from benchmarks.polygraph_fuzz import GUESS, campaign
from benchmarks.register_transactions import lines
from checkers.transactional.lattice import Family, Order
from checkers.transactional.register.history import RegisterHistory
from checkers.transactional.register.polygraph import dependency
from checkers.transactional.register.polygraph.decide import DECIDED, Polygraphs
from checkers.transactional.register.polygraph.proof import objection
from checkers.transactional.register.polygraph.window import SOLVERS, SolverName
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.register.sources import histories
from harness.history import History, Op

HISTORIES = 1_500
BY_Z3 = 150


def read(listed: Sequence[Op]) -> RegisterHistory:
    return next(histories(read_transactions(History(listed))))


def test_a_guess_and_sat_say_what_the_definitions_say() -> None:
    tally = campaign(HISTORIES, 0, size=4, ways=(GUESS, "sat"), levels=2)
    assert tally.disagreements == []
    assert tally.counts["histories"] == HISTORIES
    for way in (GUESS, "sat"):
        assert tally.counts[f"{way}: True"] > HISTORIES / 3
        assert tally.counts[f"{way}: False"] > HISTORIES / 2
    assert tally.counts["sat: True (open pairs)"] > HISTORIES / 10


def test_z3_says_what_the_definitions_say() -> None:
    tally = campaign(BY_Z3, 7_000, size=4, ways=("z3", "z3-lazy", "z3-propagator"), levels=4)
    assert tally.disagreements == []
    assert tally.counts["z3: False"] == tally.counts["z3-lazy: False"] == tally.counts["z3-propagator: False"] > 0


def test_windows_that_begin_as_short_cycles_and_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependency, "SMALL", 0)
    tally = campaign(400, 20_000, size=5, ways=(GUESS,), levels=3)
    assert tally.disagreements == []


def spoiled(listed: list[Op], random: Random, share: float) -> list[Op]:
    """Some reads see another value of their key than they did."""
    values: dict[int, list[object]] = {}
    for line in listed:
        for f, key, value in line.value if line.type == "invoke" else ():
            if f == "w":
                values.setdefault(key, []).append(value)
    for line in listed:
        for micro in line.value if line.type == "ok" else ():
            if micro[0] == "r" and micro[1] in values and random.random() < share:
                near = values[micro[1]]
                place = near.index(micro[2]) if micro[2] in near else 0
                micro[2] = near[max(0, min(len(near) - 1, place + random.choice((-2, -1, 1))))]
    return listed


@pytest.mark.parametrize("family", [each for each in Family if each in DECIDED])
def test_windows_agree_with_all_at_once(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependency, "SMALL", 4)
    found = {True: 0, False: 0}
    for seed in range(10):
        random = Random(f"{family} {seed}")
        listed = lines(40, random.choice(("serializable", "snapshot")), zipf=True, seed=seed)
        history = read(spoiled(listed, random, random.choice((0.0, 0.01, 0.03))))
        for order in (Order.NONE, Order.SESSION, Order.REALTIME):
            answers = [Polygraphs(history, guess=guess).decide(family, order) for guess in (True, False)]
            assert answers[0].valid == answers[1].valid, (seed, order)
            found[answers[0].valid] += 1
            for each in answers:
                if each.proof is not None:
                    assert objection(history, family, order, each.proof) is None
                else:
                    alone = Polygraphs(alone_of(history, each.members), guess=False).decide(family, order)
                    assert not alone.valid, (seed, order)
    assert min(found.values()) > 1


def alone_of(history: RegisterHistory, members: Sequence[int]) -> RegisterHistory:
    """The members by themselves, without the reads of what others wrote."""
    from dataclasses import replace

    from checkers.transactional.register.history import INITIAL, Register, SourcedRead

    place = {number: index for index, number in enumerate(sorted(members))}
    kept = [replace(history.transactions[number], number=index) for number, index in place.items()]
    registers = [
        Register(
            each.key,
            tuple(place[writer] for writer in each.writers if writer in place),
            tuple(
                SourcedRead(place[one.reader], place.get(one.writer, INITIAL), one.place)
                for one in each.reads
                if one.reader in place and (one.writer == INITIAL or one.writer in place)
            ),
        )
        for each in history.registers
    ]
    return RegisterHistory(kept, [], registers)


@pytest.mark.parametrize("solver", SOLVERS)
def test_each_solver_decides_the_same_larger_histories(solver: SolverName) -> None:
    for store, family, valid in (("serializable", Family.ANY, True), ("snapshot", Family.SNAPSHOT, True)):
        history = read(lines(60, store, zipf=False, seed=3))
        decision = Polygraphs(history, solver, guess=False).decide(family, Order.NONE)
        assert decision.valid is valid
        assert decision.pairs > 0
