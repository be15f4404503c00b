"""The judgement of effects, on observations written by hand: when a fault bit, and when it did not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.cluster import Observation
from harness.faults.effect import dropped, judge_absence, judge_drops, late, signals, steady, summary

NODES = ("n1", "n2", "n3")


def seen(
    second: float,
    counters: Mapping[str, Mapping[str, int]] | None = None,
    dropped: Mapping[str, int] | None = None,
    incarnations: Mapping[str, int] | None = None,
    unanswered: tuple[str, ...] = (),
) -> Observation:
    lives = {node: 1 for node in NODES if node not in unanswered} | dict(incarnations or {})
    return Observation(round(second * 1e9), dropped or {}, counters or {}, lives, unanswered)


QUIET = (seen(0), seen(2))


def test_a_partition_bites_when_packets_were_dropped_and_only_then() -> None:
    window = (seen(2, dropped={"n1": 5}), seen(4, dropped={"n1": 9, "n2": 3}))
    effect = judge_drops(QUIET, window)
    assert effect.bit
    assert effect.absent_outside
    assert effect.measured["packets_dropped"] == 7
    assert not judge_drops(QUIET, (seen(2), seen(4))).bit


def test_drops_in_the_quiet_stretch_or_no_quiet_stretch_show_nothing() -> None:
    window = (seen(2, dropped={"n1": 5}), seen(4, dropped={"n1": 9}))
    assert not judge_drops((seen(0), seen(2, dropped={"n1": 5})), window).absent_outside
    assert not judge_drops((seen(2), seen(2)), window).absent_outside


def test_a_drop_counter_that_was_reset_counts_from_zero() -> None:
    assert dropped((seen(0, dropped={"n1": 100}), seen(1, dropped={"n1": 4}))) == 4


def test_counters_are_differences_and_start_again_with_an_incarnation() -> None:
    before = seen(0, {"n1": {"net.refused": 50}, "n2": {"net.refused": 50}})
    after = seen(1, {"n1": {"net.refused": 53}, "n2": {"net.refused": 2}}, incarnations={"n2": 2})
    assert signals((before, after))["net.refused"] == 3 + 2
    assert signals((before, after), without=["n1"])["net.refused"] == 2


def test_only_signals_and_their_kinds_are_counted() -> None:
    before, after = seen(0), seen(1, {"n1": {"election.won": 1, "election": 2, "elections_total": 9, "net.sent": 70}})
    assert sum(signals((before, after)).values()) == 3


def killed(refused: int, unanswered: tuple[str, ...] = ("n3",)) -> tuple[Observation, Observation]:
    return seen(2), seen(4, {"n1": {"net.refused": refused}}, unanswered=unanswered)


def test_a_kill_bites_when_the_node_was_silent_and_others_noticed() -> None:
    effect = judge_absence(["n3"], "killed", NODES, QUIET, killed(refused=10))
    assert effect.bit
    assert effect.absent_outside
    assert effect.measured["refused"] == 10
    assert "refused 10" in effect.explanation


@pytest.mark.parametrize(
    ("window", "quiet", "why"),
    [
        (killed(refused=0), QUIET, "nobody missed them"),
        (killed(refused=10, unanswered=()), QUIET, "still answered"),
        (killed(refused=10), (seen(0), seen(2, {"n1": {"net.timeout": 9}})), "nobody missed them more than usual"),
    ],
)
def test_a_kill_that_nobody_noticed_did_not_bite(
    window: tuple[Observation, Observation], quiet: tuple[Observation, Observation], why: str
) -> None:
    effect = judge_absence(["n3"], "killed", NODES, quiet, window)
    assert not effect.bit
    assert why in effect.explanation


def test_what_the_killed_node_itself_counted_does_not_count() -> None:
    window = (seen(2), seen(4, {"n3": {"net.refused": 10}}, incarnations={"n3": 2}, unanswered=("n3",)))
    assert not judge_absence(["n3"], "killed", NODES, QUIET, window).bit


def fewer(before: int, inside: int, sent: int) -> tuple[tuple[Observation, Observation], ...]:
    """n1 received so many in the two seconds before n3 was killed, and in those after it; n3 had sent so many."""
    start = seen(0, {"n1": {"net.received": 0}, "n3": {"net.sent": 0}})
    killed = seen(2, {"n1": {"net.received": before}, "n3": {"net.sent": sent}})
    end = seen(4, {"n1": {"net.received": before + inside}}, unanswered=("n3",))
    return (start, killed), (killed, end)


def test_a_node_that_only_asks_is_missed_by_those_who_hear_nothing_of_it() -> None:
    quiet, window = fewer(100, 49, sent=60)
    effect = judge_absence(["n3"], "killed", NODES, quiet, window)
    assert effect.bit
    assert "24.5 messages a second, 50.0 before" in effect.explanation


@pytest.mark.parametrize(
    ("before", "inside", "sent", "why"),
    [
        (100, 51, 60, "a few less"),
        (9, 0, 9, "too few to be compared"),
        (0, 0, 0, "nothing at all"),
        (100, 0, 49, "the load has ended: most of what is missing never came from the node"),
    ],
)
def test_what_is_missing_for_another_reason_is_no_effect(before: int, inside: int, sent: int, why: str) -> None:
    quiet, window = fewer(before, inside, sent)
    assert not judge_absence(["n3"], "killed", NODES, quiet, window).bit, why


def test_with_every_node_killed_silence_is_the_effect() -> None:
    window = (seen(2), seen(4, unanswered=NODES))
    assert judge_absence(NODES, "killed", NODES, QUIET, window).bit
    assert not judge_absence(NODES, "killed", NODES, QUIET, (seen(2), seen(4, unanswered=NODES[:2]))).bit


def received(second: float, count: int) -> Observation:
    return seen(second, {"n3": {"net.received": count}})


def test_messages_that_waited_out_a_pause_are_its_effect() -> None:
    quiet = (received(0, 0), received(2, 200))
    window = (received(2, 200), seen(4, unanswered=("n3",)))
    assert late(["n3"], {"n3": 390}, quiet, window) == 390 - 200 - 30 - 1
    assert judge_absence(["n3"], "paused", NODES, quiet, window, messages_late=159).bit
    assert late(["n3"], {"n3": 230}, quiet, window) == 0, "as many as it would have received around the pause"
    assert not judge_absence(["n3"], "paused", NODES, quiet, window, messages_late=0).bit


def test_a_node_that_was_down_or_restarted_in_the_quiet_stretch_spoils_it() -> None:
    assert steady(QUIET, ["n3"])
    assert not steady((seen(0), seen(2, unanswered=("n3",))), ["n3"])
    assert not steady((seen(0), seen(2, incarnations={"n3": 2})), ["n3"])
    assert not steady((seen(1), seen(1)), ["n3"])


def test_the_summary_sums_what_was_measured_per_fault() -> None:
    lines = [
        {"fault": "kill", "applied": True, "bit": False, "effect": {"measured": {"refused": 0.0, "signals_hz": 0.0}}},
        {"fault": "kill", "applied": True, "bit": True, "effect": {"measured": {"refused": 4.0, "signals_hz": 2.0}}},
        {"fault": "pause", "applied": False, "bit": False, "effect": {"measured": {}}},
    ]
    assert summary(lines) == [
        {"name": "kill", "applied": 2, "bit": True, "effect": {"refused": 4.0}},
        {"name": "pause", "applied": 0, "bit": False, "effect": {}},
    ]
