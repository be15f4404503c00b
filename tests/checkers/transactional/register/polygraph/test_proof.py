"""Proofs are refused where they prove nothing, limits are kept, and large histories are decided."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from benchmarks.random_registers import small
from benchmarks.register_transactions import lines
from checkers.guard import OutOfTimeError
from checkers.transactional.lattice import MODELS, Family, Order, forbids
from checkers.transactional.register import brute
from checkers.transactional.register.history import RegisterHistory
from checkers.transactional.register.polygraph import sat, window
from checkers.transactional.register.polygraph.decide import DECIDED, Polygraphs
from checkers.transactional.register.polygraph.proof import objection
from checkers.transactional.register.polygraph.schedule import Schedule
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.register.sources import histories
from harness.history import History
from tests.checkers.transactional.register.notation import concurrent, sequential


def explained(history: History) -> RegisterHistory:
    return next(histories(read_transactions(history)))


def serial(*order: int) -> Schedule:
    steps = [order.index(number) for number in range(len(order))]
    return Schedule(steps, steps, 0)


def test_a_serial_order_proves_what_it_explains_only() -> None:
    history = explained(concurrent("wx1", "wx2", "rx1"))
    assert objection(history, Family.ANY, Order.NONE, serial(1, 0, 2)) is None
    assert objection(history, Family.ANY, Order.NONE, serial(0, 2, 1)) is None
    assert "another version" in (objection(history, Family.ANY, Order.NONE, serial(0, 1, 2)) or "")
    assert "only later" in (objection(history, Family.ANY, Order.NONE, serial(2, 0, 1)) or "")


def test_a_proof_must_respect_the_order_of_the_level() -> None:
    history = explained(sequential("wx1", "wx2", "rx1"))
    proof = serial(1, 0, 2)
    assert objection(history, Family.ANY, Order.SESSION, proof) is None
    assert "committed" in (objection(history, Family.ANY, Order.REALTIME, proof) or "")


def test_a_proof_has_every_transaction_once() -> None:
    history = explained(concurrent("wx1", "wy2"))
    assert objection(history, Family.ANY, Order.NONE, Schedule([0], [0], 0)) is not None
    assert objection(history, Family.ANY, Order.NONE, Schedule([0, 0], [0, 0], 0)) is not None
    assert objection(history, Family.ANY, Order.NONE, Schedule([0, -1], [0, -1], 0)) is not None


def test_snapshots_need_their_moments_and_no_conflict() -> None:
    skewed = explained(concurrent("rx_ ry_ wx1", "rx_ ry_ wy2"))
    both_first = Schedule([0, 1], [2, 3], 0)
    assert objection(skewed, Family.SNAPSHOT, Order.NONE, both_first) is None
    assert "one moment" in (objection(skewed, Family.ANY, Order.NONE, both_first) or "")
    lost = explained(concurrent("rx_ wx1", "rx_ wx2"))
    assert "at the same time" in (objection(lost, Family.SNAPSHOT, Order.NONE, both_first) or "")
    assert objection(lost, Family.PREFIX, Order.NONE, both_first) is None
    assert "depends on it" in (objection(lost, Family.ONE_RW, Order.NONE, both_first) or "")
    assert objection(skewed, Family.ONE_RW, Order.NONE, both_first) is None


def test_parallel_snapshots_allow_a_long_fork_and_no_lost_update() -> None:
    fork = explained(concurrent("wx1", "wy2", "rx1 ry_", "rx_ ry2"))
    assert Polygraphs(fork).decide(Family.ONE_RW, Order.NONE).valid
    assert Polygraphs(fork).decide(Family.SNAPSHOT, Order.NONE).members == (0, 1, 2, 3)


def test_reads_that_contradict_each_other_close_no_endless_chain() -> None:
    history = explained(concurrent("rx2 wx1", "rx1 wx2", "rx1 rx2 wx3", "rx3 rx1 wx4"))
    for family in (Family.ANY, Family.SNAPSHOT, Family.CURSOR):
        assert not Polygraphs(history).decide(family, Order.NONE).valid


@pytest.mark.parametrize("zipf", [False, True])
@pytest.mark.parametrize(("store", "family"), [("serializable", Family.ANY), ("snapshot", Family.SNAPSHOT)])
def test_a_thousand_transactions(store: str, family: Family, zipf: bool) -> None:
    for order in (Order.NONE, Order.REALTIME):
        assert Polygraphs(explained(History(lines(1_000, store, zipf)))).decide(family, order).valid
        broken = Polygraphs(explained(History(lines(1_000, store, zipf, "lost-update")))).decide(family, order)
        assert len(broken.members) == 2


def test_a_deadline_ends_the_search_with_its_reason() -> None:
    history = explained(History(lines(300, "snapshot", zipf=False)))
    late = Polygraphs(history, deadline=monotonic() - 1, guess=False)
    with pytest.raises(OutOfTimeError, match="300 transactions"):
        late.decide(Family.SNAPSHOT, Order.NONE)


def test_the_sat_solver_looks_at_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pysat", reason="python-sat is not installed")
    solver = sat.SatSolver([True, False])
    solver.add((1, 2))
    assert solver.solve(None) == [True, False]
    with pytest.raises(OutOfTimeError, match="2 pairs"):
        solver.solve(monotonic() - 1)


def test_too_many_at_once_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MEMBERS_MAX", 10)
    with pytest.raises(MemoryError, match="20 transactions"):
        Polygraphs(explained(History(lines(20, "serializable", zipf=False))), guess=False).decide(
            Family.ANY, Order.NONE)  # fmt: skip


def test_z3_takes_the_place_of_a_sat_solver_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "installed", lambda: False)
    monkeypatch.setattr(window, "SatSolver", None)
    history = explained(History(lines(60, "snapshot", zipf=False, seed=3)))
    assert Polygraphs(history, guess=False).decide(Family.SNAPSHOT, Order.NONE).valid


CORPUS = Path(__file__).resolve().parents[6] / "shared" / "corpus" / "txn"


@pytest.mark.parametrize(
    ("path", "serializable", "snapshot"),
    [
        ("cobra/plume-txt/cock-G2.txt", False, True),
        ("polysi/fig7/20_100_15_10000_0.5_zipf.txt", False, True),
    ],
)
def test_published_histories(path: str, serializable: bool, snapshot: bool) -> None:
    from harness.formats import read_recording

    if not (CORPUS / path).exists():
        pytest.skip(f"no {path} beside the checkout")
    graphs = Polygraphs(explained(read_recording(str(CORPUS / path)).history))
    assert graphs.decide(Family.ANY, Order.SESSION).valid is serializable
    assert graphs.decide(Family.SNAPSHOT, Order.SESSION).valid is snapshot


def test_a_proof_is_of_its_own_history() -> None:
    history = explained(History(lines(50, "serializable", zipf=False)))
    proof = Polygraphs(history).decide(Family.ANY, Order.REALTIME).proof
    assert proof is not None
    assert objection(history, Family.ANY, Order.REALTIME, proof) is None
    swapped = [*proof.commits[1:], proof.commits[0]]
    assert objection(history, Family.ANY, Order.REALTIME, replace(proof, begins=swapped, commits=swapped)) is not None


def test_what_passes_for_a_proof_holds_by_the_definition() -> None:
    passed = 0
    for seed in range(1_500):
        random = Random(f"proof {seed}")
        reading = read_transactions(History(small(random, 3)))
        several = list(histories(reading))
        history = several[0]
        moments = [number for number in range(len(history)) for _ in (0, 1)]
        random.shuffle(moments)
        begins = [moments.index(number) for number in range(len(history))]
        commits = [len(moments) - 1 - moments[::-1].index(number) for number in range(len(history))]
        model = random.choice([each for each in MODELS.values() if each.family in DECIDED])
        split = model.family in (Family.SNAPSHOT, Family.PREFIX, Family.ONE_RW)
        proof = Schedule(begins if split else commits, commits, 0)
        wrong = any(forbids(model, each.type) for each in history.observations)
        if len(several) == 1 and not wrong and objection(history, model.family, model.order, proof) is None:
            passed += 1
            assert brute.holds(reading, model), (seed, model.name)
    assert passed > 100
