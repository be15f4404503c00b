"""Every detector notices death; which of them takes slowness for death, and for how long, is what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist, mean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.node import Env, Message
from systems_under_test.blocks.failure_detector import (
    KINDS,
    PHI_MAX,
    AdaptiveTimeout,
    FailureDetector,
    PhiAccrual,
    failure_detector,
)
from systems_under_test.blocks.heartbeat import beat
from tests.systems_under_test.blocks.bench import ALIVE, Bare, bench
from tests.systems_under_test.blocks.hand_clock import HandClock
from tests.systems_under_test.simulated import Scene, play

TIMEOUT_MS = 400.0
GAPS = st.lists(st.integers(1, 500), max_size=30)


def heard(detector: FailureDetector, clock: HandClock, gaps_ms: list[int]) -> None:
    detector.heard()
    for gap_ms in gaps_ms:
        clock.advance(gap_ms)
        detector.heard()


@given(st.sampled_from(KINDS), GAPS)
def test_silence_is_suspected_in_the_end_and_a_sign_of_life_clears_it(kind: str, gaps_ms: list[int]) -> None:
    clock = HandClock()
    detector = failure_detector(kind, clock, TIMEOUT_MS)
    assert not detector.suspects()
    heard(detector, clock, gaps_ms)
    assert not detector.suspects()
    clock.advance(60_000)
    assert detector.suspects()
    assert detector.silent_ms() == 60_000
    detector.heard()
    assert not detector.suspects()


@given(st.sampled_from(KINDS), GAPS, st.integers(0, 3000), st.integers(0, 1000))
def test_patience_is_time(kind: str, gaps_ms: list[int], silent_ms: int, patience_ms: int) -> None:
    clock = HandClock()
    detector = failure_detector(kind, clock, TIMEOUT_MS)
    heard(detector, clock, gaps_ms)
    clock.advance(silent_ms)
    suspected = detector.suspects()
    clock.advance(patience_ms)
    assert detector.suspects(patience_ms) == suspected
    assert detector.suspects() >= suspected, "once suspected, only a sign of life clears it"


@pytest.mark.parametrize("kind", KINDS)
def test_before_the_second_heartbeat_all_are_as_patient(kind: str) -> None:
    clock = HandClock()
    detector = failure_detector(kind, clock, TIMEOUT_MS)
    detector.heard()
    clock.advance(TIMEOUT_MS - 1)
    assert not detector.suspects()
    clock.advance(1)
    assert detector.suspects()


@pytest.mark.parametrize("kind", ["adaptive", "phi"])
def test_other_signs_of_life_end_a_silence_and_say_nothing_of_the_rhythm(kind: str) -> None:
    clock = HandClock()
    detector = failure_detector(kind, clock, TIMEOUT_MS)
    for _ in range(50):
        detector.heard()
        for _ in range(10):
            clock.advance(10)
            detector.heard(beat=False)
    clock.advance(99)
    assert not detector.suspects(), "100 ms are usual between heartbeats, whatever else comes"
    clock.advance(250)
    assert detector.suspects()


@given(st.lists(st.integers(1, 500), min_size=1, max_size=30))
def test_the_adaptive_timeout_is_tcps(gaps_ms: list[int]) -> None:
    clock = HandClock()
    detector = AdaptiveTimeout(clock, TIMEOUT_MS)
    heard(detector, clock, gaps_ms)
    smoothed, variation = float(gaps_ms[0]), gaps_ms[0] / 2
    for gap_ms in gaps_ms[1:]:  # RFC 6298, 2.3, in its own order
        variation = (1 - 1 / 4) * variation + 1 / 4 * abs(smoothed - gap_ms)
        smoothed = (1 - 1 / 8) * smoothed + 1 / 8 * gap_ms
    assert detector.timeout_ms == pytest.approx(max(smoothed + 4 * variation, 3 * smoothed))


@given(st.lists(st.integers(1, 500), min_size=2, max_size=30), st.integers(0, 1000))
def test_phi_is_the_improbability_of_the_silence(gaps_ms: list[int], silent_ms: int) -> None:
    clock = HandClock()
    detector = PhiAccrual(clock, TIMEOUT_MS)
    heard(detector, clock, gaps_ms)
    usual_ms = mean(gaps_ms)
    later = 1 - NormalDist(usual_ms, max(pstdev(gaps_ms), usual_ms / 4, 1)).cdf(silent_ms)
    if later > 1e-9:  # beyond, one minus nearly one is no number to compare with
        assert 10 ** -detector.phi(silent_ms) == pytest.approx(later, rel=1e-4)
    else:
        assert detector.phi(silent_ms) > PHI_MAX


def test_phi_forgets_what_is_long_past() -> None:
    clock = HandClock()
    detector = PhiAccrual(clock, TIMEOUT_MS)
    heard(detector, clock, [900] * 1000)
    clock.advance(900)
    assert detector.phi(500) < 1
    heard(detector, clock, [100] * 1000)
    assert detector.phi(500) > PHI_MAX
    assert detector.phi(10_000) == float("inf")


def test_a_stranger_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of fixed, adaptive, phi"):
        failure_detector("oracle", HandClock(), TIMEOUT_MS)


BEAT_MS, TIGHT_MS = 50.0, 160.0


class Watcher(Bare):
    """n1 beats; n2 watches it with one detector of each kind, and keeps the times at which each begins to suspect."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        super().__init__(env, options)
        self.detectors = {kind: failure_detector(kind, env.clock, TIGHT_MS) for kind in KINDS}
        self.suspected_ms: dict[str, list[float]] = {kind: [] for kind in KINDS}

    async def start(self) -> None:
        if self.env.name == "n1":
            self.env.spawn(beat(self.env, BEAT_MS, lambda: True, lambda: self.env.send("n2", {"type": "beat"})), "beat")
        else:
            self.env.spawn(self._watch(), "watch")

    async def handle(self, source: str, message: Message) -> None:
        for detector in self.detectors.values():
            detector.heard()

    async def _watch(self) -> None:
        before = dict.fromkeys(KINDS, False)
        while True:
            await self.env.sleep(5)
            now = {kind: detector.suspects() for kind, detector in self.detectors.items()}
            for kind in KINDS:
                if now[kind] and not before[kind]:
                    self.suspected_ms[kind].append(self.env.clock.monotonic() / 1e6)
            before = now


def suspicions(watcher: Watcher, from_ms: float) -> dict[str, list[float]]:
    return {kind: [at for at in times if at >= from_ms] for kind, times in watcher.suspected_ms.items()}


def test_a_lossy_link_and_then_a_death() -> None:
    """Of heartbeats of which many are lost a tight fixed timeout takes again and again for death what the others have
    learnt to be usual; death itself is noticed by all, and soonest by the tight one."""

    async def scenario(scene: Scene) -> None:
        await scene.runtime.sleep(2000)
        watcher = ALIVE["n2"]
        assert not any(watcher.suspected_ms.values()), "all is regular"
        await scene.cluster.degrade("loss", [("n1", "n2")], {"probability": 0.5})
        await scene.runtime.sleep(10_000)
        learnt_ms = watcher.env.clock.monotonic() / 1e6
        await scene.runtime.sleep(20_000)
        false = {kind: len(times) for kind, times in suspicions(watcher, learnt_ms).items()}
        assert false["fixed"] > 20
        assert max(false["adaptive"], false["phi"]) < false["fixed"] / 3
        await scene.cluster.restore("loss")
        await scene.runtime.sleep(500)
        died_ms = watcher.env.clock.monotonic() / 1e6
        await scene.cluster.kill(["n1"])
        await scene.runtime.sleep(2000)
        noticed = {kind: times[0] - died_ms for kind, times in suspicions(watcher, died_ms).items()}
        assert set(noticed) == set(KINDS)
        assert noticed["fixed"] == min(noticed.values())

    play(bench(f"{__name__}:Watcher"), scenario, nodes=2)
