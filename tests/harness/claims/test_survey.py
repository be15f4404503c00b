"""Claims tested for real, in the simulated world: one of each kind of expectation, and what runs are made for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.claim import Claim, Converges, Experiment, Holds, Tabled, Unavailable, Variant, Violates
from harness.claims.inquiry import ENOUGH, ENOUGH_FOR_EACH, Arm, Inquiry
from harness.claims.rule import Judgement
from harness.claims.survey import Survey
from harness.claims.worker import answer, request
from harness.search.batch import WorkerError
from harness.search.pool import Pool
from tests.harness.claims.findings import CONTROL, SOURCE, bad, claim, good

ISOLATED = Experiment("set", {"replication": "sync"}, faults="partition=isolate-leader, kill=leader")
SILENT = Experiment("set", {"replication": "sync", "failover": "none"}, faults="pause=followers:1", windows=((3, 7),))
PROBED = Experiment("set", {"replication": "async"}, faults="partition", probe_hz=2.0)
CLAIMS = {
    "holds": Claim("SL-1", "nothing is lost", SOURCE, ISOLATED, Holds(), CONTROL),
    "violates": Claim("SL-3", "something is", SOURCE, ISOLATED.varied(CONTROL), Violates(("lost",))),
    "unavailable": Claim("SL-2", "one silent follower", SOURCE, SILENT, Unavailable("add"), CONTROL),
    "converges": Claim("SL-10", "in the end", SOURCE, PROBED, Converges()),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judgement]:
    inquiries = {name: Inquiry(claim, "single-leader", 2) for name, claim in CLAIMS.items()}
    store = tmp_path_factory.mktemp("store")
    survey = Survey(list(inquiries.values()), "sim", store)
    survey.execute()
    assert survey.settled == len(inquiries)
    return {name: inquiry.judgement() for name, inquiry in inquiries.items()}


@pytest.mark.parametrize("name", CLAIMS)
def test_each_kind_is_confirmed(judged: dict[str, Judgement], name: str) -> None:
    assert judged[name].verdict == "confirmed", judged[name].why


def test_the_opposite_is_refuted_or_not_confirmed(tmp_path: Path) -> None:
    wrong = Claim("X-1", "async loses nothing", SOURCE, ISOLATED.varied(CONTROL), Holds(), CONTROL)
    never = Claim("X-2", "sync loses", SOURCE, ISOLATED, Violates(("lost",)))
    inquiries = [Inquiry(wrong, "single-leader", 1), Inquiry(never, "single-leader", 1)]
    Survey(inquiries, "sim", tmp_path, 1).execute()
    assert [inquiry.judgement().verdict for inquiry in inquiries] == ["refuted", "unconfirmed"]


def test_a_kept_plan_repeats_the_run(tmp_path: Path) -> None:
    inquiry = Inquiry(CLAIMS["violates"], "single-leader", 1)
    survey = Survey([inquiry], "sim", tmp_path, 1)
    survey.execute()
    arm = inquiry.arms[0]
    found = arm.findings[0]
    assert survey.keep(inquiry, arm, found.seed).is_file()
    again = answer(request(survey.plan(inquiry, arm, found.seed)))
    assert again.anomalies == found.anomalies


def test_runs_are_made_until_they_are_needless() -> None:
    inquiry = Inquiry(claim(Holds(), CONTROL, runs=10), "single-leader")
    arms = []
    while (asked := inquiry.next()) is not None:
        arm, seed = asked
        arms.append((arm.name, seed))
        inquiry.add(arm, good(seed) if arm.name == "claim" or seed < 3 else bad(seed))
    assert [seed for name, seed in arms if name == "control"] == [1, 2, 3]
    assert [seed for name, seed in arms if name == "claim"] == list(range(1, 11))
    assert inquiry.runs == inquiry.wanted == 13


@pytest.mark.parametrize(("broke_at", "runs"), [(1, ENOUGH), (11, 11 * ENOUGH_FOR_EACH), (40, 60)])
def test_of_a_large_budget_no_more_is_spent_than_the_control_shows_to_be_needed(broke_at: int, runs: int) -> None:
    assert own_runs(None, broke_at) == runs


def test_runs_that_were_asked_for_are_made() -> None:
    assert own_runs(60, 1) == 60


def own_runs(asked_for: int | None, broke_at: int) -> int:
    """How often a claim with a budget of 60 is run, whose control breaks in its run ``broke_at``."""
    inquiry = Inquiry(claim(Holds(), CONTROL, runs=60), "single-leader", asked_for)
    while (asked := inquiry.next()) is not None:
        arm, seed = asked
        inquiry.add(arm, bad(seed) if arm.name == "control" and seed == broke_at else good(seed))
    assert inquiry.runs == inquiry.wanted
    assert inquiry.judgement().verdict == "confirmed"
    return len(inquiry.findings()["claim"])


def test_claim_and_control_have_the_same_seeds_and_schedules() -> None:
    inquiry = Inquiry(CLAIMS["holds"], "single-leader", 3)
    survey = Survey([inquiry], "sim", Path("nowhere"))
    own, control = (survey.plan(inquiry, arm, 2) for arm in inquiry.arms)
    assert own.schedule == control.schedule
    assert (own.options["replication"], control.options["replication"]) == ("sync", "async")


def test_a_worker_that_dies_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="No module named"):
        list(Pool("harness.claims.no_such_worker", 1, lambda: ("x", {})).answers())


def test_a_run_in_which_too_little_happened_says_so() -> None:
    arm = Arm("claim", replace(ISOLATED, faults="none", rate_hz=0.1, time_limit_s=0.5), 1)
    plan = Survey([], "sim", Path()).plan(Inquiry(CLAIMS["holds"], "single-leader", 1), arm, 1)
    found = answer(request(plan))
    assert (found.valid, found.seed) == ("unknown", 1)


def test_what_holds_is_not_confirmed_by_a_survey_that_was_cut_short() -> None:
    inquiry = Inquiry(claim(Holds(), CONTROL, runs=3), "single-leader")
    for made in range(1, 5):  # claim and control by turns; the control breaks at once
        asked = inquiry.next()
        assert asked is not None
        arm, seed = asked
        inquiry.add(arm, bad(seed) if arm.name == "control" else good(seed))
        assert inquiry.judgement().verdict == ("confirmed" if made == 4 else "unconfirmed"), made


def test_of_a_sweep_nothing_is_said_before_all_runs_were_made() -> None:
    table = Tabled("systems", (Variant("raft"), Variant("async")), "a", "c")
    inquiry = Inquiry(claim(table, None, runs=2), "single-leader")
    told = []
    while (asked := inquiry.next()) is not None:
        arm, seed = asked
        inquiry.add(arm, good(seed, figures={"a": 1.0, "c": 1.0}))
        told.append(inquiry.judgement().verdict)
    assert told == ["unconfirmed"] * 3 + ["refuted"]


def test_a_real_run_that_cannot_be_read_is_one_run_without_a_verdict(tmp_path: Path) -> None:
    survey = Survey([Inquiry(CLAIMS["violates"], "single-leader", 1)], "sim", tmp_path, 1)
    inquiry = survey.questions[0]
    plan = replace(survey.plan(inquiry, inquiry.arms[0], 1), provider="no-such-provider")
    found = answer(request(plan, store=str(tmp_path)))
    assert (found.valid, found.reason) == ("unknown", "harness-error")


def test_a_violation_needs_no_further_run() -> None:
    inquiry = Inquiry(claim(Violates(("lost",)), None, runs=3), "single-leader")
    asked = inquiry.next()
    assert asked is not None
    inquiry.add(asked[0], bad(1))
    assert inquiry.judgement().verdict == "confirmed"


def test_a_survey_is_complete_when_every_question_has_its_answer(tmp_path: Path) -> None:
    survey = Survey([Inquiry(CLAIMS["violates"], "single-leader", 1)], "sim", tmp_path, 1)
    assert not survey.complete
    survey.execute()
    assert survey.complete
