"""The rules, on findings made by hand: above all that nothing is confirmed because nothing happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checkers import convergence, leadership
from harness.claim import Available, Converges, Curve, Holds, Measured, Shape, Tabled, Unavailable, Variant, Violates
from harness.claims.evidence import BESIDE
from harness.claims.finding import Finding
from harness.claims.rule import CLAIM, CONTROL, has_shape, judge
from tests.harness.claims.findings import around, bad, claim, good

HOLDS = claim(Holds())
LATENCY = Curve("median-ms:write", Shape("rises", ratio=2.0))
SWEEP = Measured("nodes", (Variant("3"), Variant("5")), (LATENCY,))


def verdict(asked: Any, own: list[Finding], control: list[Finding] | None = None) -> str:
    return judge(asked, {CLAIM: own, CONTROL: control or []}).verdict


# Violates


def test_a_violation_that_shows_confirms_and_names_its_run() -> None:
    judged = judge(claim(Violates(("lost",)), None), {CLAIM: [good(1), bad(2)]})
    assert judged.verdict == "confirmed"
    assert judged.evidence is not None
    assert judged.evidence[1].seed == 2


@pytest.mark.parametrize("found", [[], [good()], [bad(anomaly="divergence")], [good(valid="unknown", reason="timeout")],
                                   [bad(valid="unknown", reason="no-recovery")]])  # fmt: skip
def test_a_violation_that_does_not_show_is_never_passed(found: list[Finding]) -> None:
    assert verdict(claim(Violates(("lost",)), None), found) == "unconfirmed"


# Holds


def test_what_holds_is_confirmed_against_a_control_that_breaks() -> None:
    judged = judge(HOLDS, {CLAIM: [good(1), good(2)], CONTROL: [good(1), bad(2)]})
    assert (judged.verdict, judged.counted) == ("confirmed", 2)
    assert judged.evidence is not None
    assert judged.evidence[0] == CONTROL


def test_what_holds_is_refuted_by_one_run() -> None:
    assert verdict(HOLDS, [good(1), bad(2), good(3)], [bad()]) == "refuted"


def test_an_assertion_in_a_node_refutes_whatever_is_forbidden() -> None:
    assert verdict(claim(Holds(("stale",))), [bad(anomaly="assertion")], [bad(anomaly="stale")]) == "refuted"


@pytest.mark.parametrize(
    ("what", "run"),
    [
        ("nothing was asked under faults", good(disturbed=49)),
        ("no fault had an effect", good(bit={"kill": False, "pause": False})),
        ("nothing from before the failover was asked for", good(carried=False)),
        ("the verdict is unknown", good(valid="unknown", reason="too-few-ok-operations")),
        ("the run was never made", Finding(1, "unknown", "harness-error")),
    ],
)
def test_a_vacuous_run_confirms_nothing(what: str, run: Finding) -> None:
    assert verdict(HOLDS, [run, run], [bad()]) == "unconfirmed", what


def test_a_run_that_is_unknown_says_nothing_of_what_was_not_decided() -> None:
    asked, control = claim(Holds(("non-linearizable",))), [bad(anomaly="non-linearizable")]
    for reason in ("timeout", "unsupported", "version-order", "unknown-outcome", "no-recovery"):
        run = good(valid="unknown", reason=reason)
        assert verdict(asked, [run, run], control) == "unconfirmed", reason
    session, broken = claim(Holds(("read-your-writes",))), [bad(anomaly="read-your-writes")]
    partly = good(valid="unknown", reason="version-order", decided=["read-your-writes"], undecided=["monotonic-reads"])
    assert verdict(session, [partly], broken) == "confirmed"
    assert verdict(session, [good(valid="unknown", reason="no-recovery", decided=["read-your-writes"])], broken) == (
        "unconfirmed"
    )


def test_what_is_checked_beside_the_workload_must_be_decided_too() -> None:
    asked, control = claim(Holds(("divergence",))), [bad(anomaly="divergence")]
    assert verdict(asked, [good()], control) == "unconfirmed", "replicas were never asked"
    assert verdict(asked, [good(undecided=["eventual"])], control) == "unconfirmed"
    assert verdict(asked, [bad(anomaly="lost", undecided=["eventual"])], control) == "unconfirmed"
    assert verdict(asked, [bad(anomaly="lost", decided=["eventual"])], control) == "confirmed"
    lost, broken = claim(Holds(("lost",))), [bad(anomaly="lost")]
    assert verdict(lost, [bad(anomaly="stale")], broken) == "confirmed"
    assert verdict(lost, [bad(anomaly="divergence")], broken) == "unconfirmed", "the set may not have been decided"


def test_the_checks_beside_the_workload_have_these_names() -> None:
    assert {convergence.ANOMALY: convergence.EXPECT, leadership.ANOMALY: leadership.EXPECT} == BESIDE


def test_an_assertion_in_a_node_is_no_violation_of_the_control() -> None:
    assert verdict(HOLDS, [good()], [bad(anomaly="assertion")]) == "unconfirmed"
    both = bad(anomalies={"assertion": "stopped", "lost": "element 7"})
    assert judge(HOLDS, {CLAIM: [good()], CONTROL: [both]}).control == "lost: element 7"


def test_each_of_the_faults_must_bite_somewhere() -> None:
    both, one = good(bit={"membership": True, "partition": True}), good(bit={"membership": False, "partition": True})
    broken = bad(bit=one.bit)
    assert verdict(HOLDS, [one, one, one, one], [broken]) == "unconfirmed"
    assert "membership had an effect in too few" in judge(HOLDS, {CLAIM: [one] * 4, CONTROL: [broken]}).why
    assert verdict(HOLDS, [one, one, one, both], [broken]) == "confirmed", "a quarter"
    assert verdict(HOLDS, [one, one, one, one], [bad(bit=both.bit)]) == "confirmed", "it touches the control alone"


def test_what_the_claim_is_about_must_have_been_told() -> None:
    asked = replace(HOLDS, told=("snapshot-taken",))
    assert verdict(asked, [good()], [bad()]) == "unconfirmed"
    assert verdict(asked, [good(told={"snapshot-taken": 0})], [bad()]) == "unconfirmed"
    assert verdict(asked, [good(told={"snapshot-taken": 1})], [bad()]) == "confirmed"


def test_nothing_is_confirmed_without_a_single_run() -> None:
    for expect in (Holds(), Violates(("lost",)), Unavailable("add"), Available("add"), Converges(), SWEEP):
        assert verdict(claim(expect), []) == "unconfirmed"
        assert verdict(claim(expect), [], [bad()]) == "unconfirmed"


def test_a_control_that_does_not_break_confirms_nothing() -> None:
    assert verdict(HOLDS, [good(1), good(2)], [good(1), good(2)]) == "unconfirmed"
    assert verdict(claim(Holds(("stale",))), [good()], [bad(anomaly="lost")]) == "unconfirmed"


def test_half_of_the_runs_must_count() -> None:
    assert verdict(HOLDS, [good(1), good(2), good(3, disturbed=0)], [bad()]) == "confirmed"
    assert verdict(HOLDS, [good(1), good(2, disturbed=0), good(3, disturbed=0)], [bad()]) == "unconfirmed"
    two_of_five = [good(1), good(2), *(good(seed, disturbed=0) for seed in (3, 4, 5))]
    assert verdict(HOLDS, two_of_five, [bad()]) == "unconfirmed"


def test_without_faults_nothing_need_happen_under_them() -> None:
    calm = good(windows=0, disturbed=0, bit={}, failovers=0, carried=False)
    assert verdict(HOLDS, [calm], [bad()]) == "confirmed"


def test_another_guarantee_may_be_broken_but_not_undecided() -> None:
    asked = claim(Holds(("monotonic-reads",)))
    control = [bad(anomaly="monotonic-reads")]
    assert verdict(asked, [bad(anomaly="read-your-writes")], control) == "confirmed"
    assert verdict(asked, [bad(anomaly="read-your-writes", undecided=["monotonic-reads"])], control) == "unconfirmed"


# Unavailable and Available


def test_unavailable_needs_answers_before_and_after_and_a_control_that_goes_on() -> None:
    asked, living = claim(Unavailable("add")), [good(traffic=around("add", answered=40))]
    assert verdict(asked, [good(traffic=around("add"))], living) == "confirmed"
    assert verdict(asked, [good(traffic=around("add", answered=1))], living) == "refuted"
    assert verdict(asked, [good(traffic=around("add"))], [good(traffic=around("add"))]) == "unconfirmed"
    assert verdict(asked, [good(traffic=around("add"))], []) == "unconfirmed"


@pytest.mark.parametrize("traffic", [around("add", before=19), around("add", asked=19), around("add", after=19),
                                     around("add", soon=19), {}])  # fmt: skip
def test_silence_that_nobody_broke_is_no_outage(traffic: Any) -> None:
    living = [good(traffic=around("add", answered=40))]
    assert verdict(claim(Unavailable("add")), [good(traffic=traffic)], living) == "unconfirmed"


def test_for_good_means_that_nothing_succeeds_after_the_heal() -> None:
    asked, living = claim(Unavailable("add", permanent=True)), [good(traffic=around("add", answered=40))]
    assert verdict(asked, [good(traffic=around("add", after=0))], living) == "confirmed"
    assert verdict(asked, [good(traffic=around("add"))], living) == "unconfirmed"
    nobody_asked = good(traffic=around("add", after=0, asked_after=19))
    assert verdict(asked, [nobody_asked], living) == "unconfirmed"


def test_available_needs_a_control_that_stops() -> None:
    asked, living, dead = claim(Available("add")), good(traffic=around("add", answered=40)), good(traffic=around("add"))
    assert verdict(asked, [living], [dead]) == "confirmed"
    assert verdict(asked, [living], [living]) == "unconfirmed"
    assert verdict(asked, [dead], [dead]) == "refuted"
    untouched = good(traffic=around("add", answered=40), bit={"kill": False})
    assert verdict(asked, [untouched], [dead]) == "unconfirmed", "no fault had an effect"


# Converges


def test_convergence_counts_only_where_replicas_differed() -> None:
    asked = claim(Converges(5.0), None)
    assert verdict(asked, [good(differed=True, agreed_s=2.1)]) == "confirmed"
    assert verdict(asked, [good(differed=False, agreed_s=2.1)]) == "unconfirmed"
    assert verdict(asked, [good(differed=True, agreed_s=None)]) == "unconfirmed"
    assert verdict(asked, [good(differed=True, agreed_s=5.1)]) == "refuted"
    assert verdict(asked, [good(differed=True, agreed_s=2.1, bit={"kill": False})]) == "unconfirmed"
    assert verdict(asked, [good(differed=True, agreed_s=2.1, valid="unknown", reason="harness-error")]) == "unconfirmed"
    assert verdict(asked, [bad(anomaly="divergence")]) == "refuted"


def test_convergence_with_a_control_needs_it_to_diverge() -> None:
    asked = claim(Converges(5.0))
    assert verdict(asked, [good(differed=True, agreed_s=2.1)], [good(differed=True, agreed_s=2.1)]) == "unconfirmed"
    assert verdict(asked, [good(differed=True, agreed_s=2.1)], [bad(anomaly="divergence")]) == "confirmed"


# Measured and Tabled


def sweep(low: float | None, high: float | None, **more: Any) -> dict[str, list[Finding]]:
    name = LATENCY.figure
    return {"3": [good(figures={name: low}, **more)], "5": [good(figures={name: high}, **more)]}


def test_a_curve_must_have_its_shape() -> None:
    asked = claim(SWEEP, None)
    assert judge(asked, sweep(1.0, 2.1)).verdict == "confirmed"
    assert judge(asked, sweep(1.0, 1.9)).verdict == "refuted"
    assert judge(asked, sweep(1.0, None)).verdict == "unconfirmed"
    assert judge(asked, sweep(1.0, 2.1, bit={"kill": False})).verdict == "unconfirmed"
    assert judge(asked, sweep(1.0, 2.1, valid="unknown", reason="no-recovery")).verdict == "unconfirmed"
    assert judge(asked, sweep(1.0, 2.1, valid="unknown", reason="timeout")).verdict == "confirmed", "of the checker"
    assert judge(asked, sweep(1.0, 2.1)).figures == {LATENCY.figure: {"3": 1.0, "5": 2.1}}


@pytest.mark.parametrize(
    ("shape", "values", "fits"),
    [
        (Shape("rises", ratio=1.5), [1, 1.3, 1.6], True),
        (Shape("rises", ratio=1.5), [1, 3, 2.0], False),  # it falls by a third on its way
        (Shape("rises", ratio=1.5, tolerance=0.4), [1, 3, 2.0], True),
        (Shape("rises", ratio=1.5), [2], False),
        (Shape("rises", ratio=1.5), [0, 0], False),  # nothing was measured, and nothing rises
        (Shape("falls", ratio=2), [8, 4, 2], True),
        (Shape("falls", ratio=2), [8, 4, 5], False),
        (Shape("falls", ratio=2), [3, 1, 0], True),
        (Shape("flat", tolerance=0.2), [10, 11, 9], True),
        (Shape("flat", tolerance=0.1), [10, 12], False),
        (Shape("at-least", bound=3), [3, 4], True),
        (Shape("at-least", bound=3), [2.9, 4], False),
        (Shape("at-most", bound=3), [3, 2], True),
        (Shape("at-most", bound=3), [3.1], False),
    ],
)
def test_shapes(shape: Shape, values: list[float], fits: bool) -> None:
    assert has_shape(shape, values) is fits


def table(*rows: tuple[str, list[tuple[float | None, float | None]]]) -> dict[str, list[Finding]]:
    return {label: [good(figures={"a": a, "c": c}) for a, c in runs] for label, runs in rows}


def test_a_table_in_which_nothing_has_both() -> None:
    asked = claim(Tabled("systems", (Variant("raft"), Variant("async")), "a", "c"), None)
    assert judge(asked, table(("raft", [(0, 1), (0, 1)]), ("async", [(1, 1), (1, 0)]))).verdict == "confirmed"
    assert judge(asked, table(("raft", [(0, 1)]), ("async", [(1, 1)]))).verdict == "refuted"
    assert judge(asked, table(("raft", [(0, 1)]), ("async", [(0, 1)]))).verdict == "unconfirmed"
    assert judge(asked, table(("raft", [(None, 1)]), ("async", [(1, 0)]))).verdict == "unconfirmed"
    mostly_unknown = table(("raft", [(0, 1), (0, None), (0, None)]), ("async", [(1, 0)]))
    assert judge(asked, mostly_unknown).verdict == "unconfirmed", "one lucky run is not every run"
    assert judge(asked, {}).verdict == "unconfirmed"
