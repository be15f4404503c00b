"""What becomes of packets on a degraded link: times, order, losses; no packet is ever sent here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agent.network.line import IN_LINE_S_MAX, Fate, Line

Fails = Mapping[str, Mapping[str, float]]


def fates(
    fails: Fails, arrivals_s: list[float], size_bytes: int = 100, seed: int = 1
) -> tuple[list[Fate], Counter[str]]:
    met = Counter[str]()
    line = Line(fails, Random(seed), met)
    return [line.fate(now_s, size_bytes) for now_s in arrivals_s], met


def due(fails: Fails, arrivals_s: list[float], size_bytes: int = 100, seed: int = 1) -> list[float]:
    found, _ = fates(fails, arrivals_s, size_bytes, seed)
    return [fate.due_s for fate in found if fate.due_s is not None]


EVERY_MS = [number / 1000 for number in range(1, 1001)]


def test_a_sound_line_lets_everything_pass_at_once() -> None:
    found, met = fates({}, EVERY_MS)
    assert found == [Fate(now_s) for now_s in EVERY_MS]
    assert not met


def test_a_delay_is_what_was_asked_for_and_adds_to_that_of_a_slow_link() -> None:
    fails = {"delay": {"delay_ms": 20, "jitter_ms": 0}, "slow-link": {"delay_ms": 300}}
    found, met = fates(fails, EVERY_MS)
    assert [fate.due_s for fate in found] == pytest.approx([now_s + 0.32 for now_s in EVERY_MS])
    assert met == {"delay": 1000, "slow-link": 1000}


def test_jitter_goes_both_ways_and_never_back_in_time() -> None:
    waits = [
        late - now
        for late, now in zip(
            due({"delay": {"delay_ms": 20, "jitter_ms": 40}}, [n * 1.0 for n in range(500)]), range(500), strict=True
        )
    ]
    assert 0 <= min(waits) < 0.002
    assert 0.055 < max(waits) <= 0.06


@given(
    st.lists(st.floats(0, 0.05), max_size=60),
    st.floats(0, 300),
    st.floats(0, 300),
    st.integers(1, 1000),
    st.integers(0, 99),
)  # fmt: skip
def test_order_is_kept_and_no_packet_leaves_before_it_comes(
    gaps: list[float], delay_ms: float, jitter_ms: float, rate: int, seed: int
) -> None:
    arrivals = [sum(gaps[: place + 1]) for place in range(len(gaps))]
    fails = {"delay": {"delay_ms": delay_ms, "jitter_ms": jitter_ms}, "bandwidth": {"rate_kbit_s": rate}}
    found, _ = fates(fails, arrivals, seed=seed)
    times = [fate.due_s for fate in found if fate.due_s is not None]
    assert times == sorted(times)
    assert all(fate.due_s is None or fate.due_s >= now for fate, now in zip(found, arrivals, strict=True))


@pytest.mark.parametrize(
    ("kind", "field"), [("loss", "dropped"), ("corrupt", "spoiled"), ("duplicate-packets", "twice")]
)
def test_chances_are_what_was_asked_for_and_every_hit_is_counted(kind: str, field: str) -> None:
    found, met = fates({kind: {"probability": 0.3}}, EVERY_MS)
    hits = sum(fate.due_s is None if field == "dropped" else getattr(fate, field) for fate in found)
    assert met == {kind: hits}
    assert 240 < hits < 360


def test_held_back_packets_are_overtaken_and_hold_up_no_other() -> None:
    found, met = fates({"reorder-packets": {"probability": 0.2, "delay_ms": 50}}, EVERY_MS)
    late = [fate for fate, now in zip(found, EVERY_MS, strict=True) if fate.due_s != now]
    assert 140 < len(late) <= met["reorder-packets"] < 260


def test_a_narrow_link_passes_its_rate_and_no_more() -> None:
    passed = due({"bandwidth": {"rate_kbit_s": 80}}, [0.0] * 50, size_bytes=100)  # 10 kB/s: 100 packets a second
    assert passed == pytest.approx([0.01 * number for number in range(1, 51)])


def test_an_idle_narrow_link_saves_nothing_up() -> None:
    passed = due({"bandwidth": {"rate_kbit_s": 80}}, [5.0, 5.0, 9.0], size_bytes=100)
    assert passed == pytest.approx([5.01, 5.02, 9.01])


def test_what_finds_the_line_full_is_lost_and_the_rest_waits_no_longer_than_a_buffer_lasts() -> None:
    found, met = fates({"bandwidth": {"rate_kbit_s": 80}}, [0.0] * 500)
    passed = [fate.due_s for fate in found if fate.due_s is not None]
    assert 100 <= len(passed) <= 102
    assert max(passed) <= IN_LINE_S_MAX + 0.02
    assert met == {"bandwidth": 500}, "all of them met it"


def test_a_wide_link_is_not_met() -> None:
    _, met = fates({"bandwidth": {"rate_kbit_s": 10_000}}, EVERY_MS)
    assert not met


def test_several_kinds_at_once_combine() -> None:
    fails = {
        "loss": {"probability": 0.5},
        "corrupt": {"probability": 0.5},
        "delay": {"delay_ms": 10},
        "bandwidth": {"rate_kbit_s": 8000},
    }
    found, met = fates(fails, EVERY_MS, size_bytes=1000)  # a packet takes 1 ms, and comes each ms
    kept = [fate for fate in found if fate.due_s is not None]
    assert met["loss"] == 1000 - len(kept)
    assert met["delay"] == len(kept)
    assert met["corrupt"] == sum(fate.spoiled for fate in kept)
