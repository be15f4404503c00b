"""The consistent-prefix workload: replies are caused by reads, and what is judged of one list and of two."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import pytest

from checkers.causal_prefix import EFFECT_BEFORE_CAUSE
from checkers.consistent_prefix import GAP, INCOMPATIBLE_ORDER
from harness.generator import Draws, limit, phases
from harness.generator.simulate import simulate
from harness.history import History, Op
from harness.plan import Plan
from harness.result import Reason
from harness.search.trial import Trial, run_trial
from harness.sufficiency import asked, shortfall
from harness.workload import WorkloadOptions
from tests.harness.search.plans import base_plan, setup_for
from workloads.consistent_prefix import OPENINGS_PER_BOARD, QUESTIONS, REPLIES, WORKLOAD

CONCURRENCY = 6
OPTIONS = WorkloadOptions(("n1", "n2", "n3"), concurrency=CONCURRENCY, rate_hz=200.0, time_limit_s=30.0)


class Board:
    """Lists: those of questions, or ``both``, are behind by ``lag_ms``. What is appended to a list at the places
    ``lost`` is acknowledged, can be read for 100 ms, and is gone. Every ``unknown``-th append has an unknown outcome,
    and happens."""

    def __init__(self, lag_ms: int = 0, both: bool = False, lost: tuple[int, ...] = (), unknown: int = 0) -> None:
        self.lag_ns, self.both, self.lost, self.unknown = lag_ms * 1_000_000, both, lost, unknown
        self.lists: defaultdict[Any, list[tuple[int, Any]]] = defaultdict(list)
        self.appends = 0

    def __call__(self, op: Op, draws: Draws) -> Op:
        ended = replace(op, type="ok", time=op.time + 1_000_000 + draws.below(5_000_000))
        elements = self.lists[op.key]
        if op.f == "append":
            elements.append((op.time, op.value))
            self.appends += 1
            return replace(ended, type="info") if self.unknown and self.appends % self.unknown == 0 else ended
        lag_ns = self.lag_ns if self.both or op.key.startswith(QUESTIONS) else 0
        return replace(ended, value=[value for place, (time, value) in enumerate(elements)
                                     if time + lag_ns <= op.time
                                     and not (place in self.lost and op.time > time + 100_000_000)])  # fmt: skip


def recorded(board: Board, count: int = 600) -> History:
    assert WORKLOAD.final_generator is not None
    whole = phases(limit(count, WORKLOAD.generator(OPTIONS)), WORKLOAD.final_generator(OPTIONS))
    return History(simulate(whole, concurrency=CONCURRENCY, complete=board))


@pytest.mark.parametrize("unknown", [0, 5])
def test_a_reply_answers_a_question_that_was_read_just_before_and_nobody_answers_twice(unknown: int) -> None:
    calls = recorded(Board(unknown=unknown)).calls()
    latest: dict[object, Any] = {}
    replies = []
    for call in calls:
        if call.f == "append" and call.key.startswith(REPLIES):
            before = latest[call.process]
            assert (before.f, before.key) == ("read", call.key.replace(REPLIES, QUESTIONS))
            assert max(before.result) == call.argument
            replies.append(call.argument)
        latest[call.process] = call
    questions = [call.argument for call in calls if call.f == "append" and call.key.startswith(QUESTIONS)]
    assert len(set(questions)) == len(questions) > 100
    assert len(set(replies)) == len(replies) > 60


def test_who_looks_reads_the_replies_and_then_the_questions_and_boards_are_left() -> None:
    history = recorded(Board())
    shares = Counter((call.f, call.key.rpartition("-")[0] + "-") for call in history.calls())
    assert shares["read", REPLIES] - shares["read", QUESTIONS] in range(CONCURRENCY)
    boards = {call.key.rpartition("-")[2] for call in history.calls()}
    assert len(boards) > 3
    assert max(len(op.value) for op in history if op.type == "ok" and op.f == "read") <= OPENINGS_PER_BOARD


def test_a_process_that_is_no_more_is_asked_nothing() -> None:
    ended: set[object] = set()
    for op in recorded(Board(unknown=5)):
        assert op.process not in ended
        ended |= {op.process} if op.type == "info" else set()
    assert len(ended) > 10


@pytest.mark.parametrize("unknown", [0, 9])
@pytest.mark.parametrize(("lag_ms", "both"), [(0, True), (50, True)])
def test_one_log_is_valid_however_far_behind_and_enough_happens(lag_ms: int, both: bool, unknown: int) -> None:
    history = recorded(Board(lag_ms, both, unknown=unknown))
    assert WORKLOAD.check(history, 10.0).valid is True
    plan = Plan("play", WORKLOAD.name, rate_hz=200.0, time_limit_s=3.0)
    assert shortfall(history, WORKLOAD.thresholds, plan=asked(plan, WORKLOAD.thresholds)) is None


@pytest.mark.parametrize(
    ("board", "types"),
    [
        (Board(lag_ms=50), {EFFECT_BEFORE_CAUSE}),
        (Board(lost=(4,)), {INCOMPATIBLE_ORDER, EFFECT_BEFORE_CAUSE}),
    ],
)
def test_what_is_wrong_is_named(board: Board, types: set[str]) -> None:
    result = WORKLOAD.check(recorded(board), 10.0)
    assert result.valid is False
    assert {anomaly.type for anomaly in result.anomalies} >= types
    assert {anomaly.type for anomaly in result.anomalies} <= types | {GAP}


def test_a_run_without_replies_says_nothing() -> None:
    result = WORKLOAD.check(recorded(Board(lag_ms=60_000, both=True)), 10.0)
    assert (result.valid, result.reason) == ("unknown", Reason.TOO_FEW_OK)


def played(seed: int, faults: str, **options: str) -> Trial:
    plan = base_plan("single-leader", workload=WORKLOAD.name, faults=faults, options=options)
    return run_trial(setup_for(plan, seed))


def found(faults: str, **options: str) -> tuple[set[object], Counter[str]]:
    """The verdicts and the anomalies of six runs."""
    trials = [played(seed, faults, **options) for seed in range(6)]
    return {t.verdict.result.valid for t in trials}, Counter(name for t in trials for name in t.anomalies)


def test_a_follower_that_is_cut_off_shows_replies_without_questions_only_to_who_asks_another_too() -> None:
    for reads in ("leader", "sticky"):
        verdicts, anomalies = found("partition=one", failover="none", reads=reads)
        assert True in verdicts
        assert anomalies == Counter()
    _, anomalies = found("partition=one", failover="none", reads="any")
    assert set(anomalies) == {EFFECT_BEFORE_CAUSE}


def test_what_an_asynchronous_leader_loses_was_a_prefix_that_somebody_had_seen() -> None:
    _, lost = found("partition=isolate-leader", replication="async", reads="sticky")
    assert lost[INCOMPATIBLE_ORDER] + lost[GAP] > 0
    verdicts, kept = found("partition=isolate-leader", replication="sync", reads="sticky")
    assert kept == Counter()
    assert True in verdicts
