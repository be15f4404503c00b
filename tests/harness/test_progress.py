"""The line that people see."""

from __future__ import annotations

from harness.progress import Phase, Progress


def test_a_line_says_what_happens() -> None:
    busy = Progress(Phase.MAIN, 12.34, main_s=10.2, limit_s=30, rate_hz=99.6, ok=900, fail=3, info=7,
                    faults=("partition", "kill"))  # fmt: skip
    assert busy.line() == "  12.3 s  operations 10/30 s  100/s  ok 900  fail 3  info 7  faults: partition, kill"
    assert Progress(Phase.CREATE, 0.04).line() == "   0.0 s  making the cluster"
