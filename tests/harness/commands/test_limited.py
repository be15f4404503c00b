"""Limits of time and memory hold, whatever the work is doing; and no process is left."""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from benchmarks.linearizable_histories import generate
from harness import cli
from harness.commands.limited import Ending, Limits, Progress, endings, limits_within, startup_s
from harness.formats.jsonl import dump
from harness.history import Op
from tests.harness.commands.test_check import call, written

ROOT = Path(__file__).resolve().parents[3]

MIB = 1 << 20


def only(task: Any, limits: Limits) -> Ending:
    (ending,) = (ending for ending in endings([task], limits) if ending is not None)
    return ending


def resident_bytes() -> int:
    """What this process has: others' tests may have left it large, and a fork has it from its beginning."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def inherited_bytes() -> int:
    """The same, with what is reserved for data and not resident."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmData"].split()[0]) * 1024


def no_child_is_left() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return True


def stuck_in_one_call(progress: Progress) -> Mapping[str, Any]:
    progress({"came": 7})
    return {"never": 9 ** (9**9) % 2}  # no bytecode between its beginning and its end


def greedy(progress: Progress) -> Mapping[str, Any]:
    progress({"came": 8})
    kept = []
    while True:
        kept.append(bytearray(MIB))


def dying(progress: Progress) -> Mapping[str, Any]:
    faulthandler.disable()  # pytest's, which would print where
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def raising(progress: Progress) -> Mapping[str, Any]:
    raise RuntimeError("oh")


def leaving(progress: Progress) -> Mapping[str, Any]:
    raise SystemExit(0)


def with_children(progress: Progress) -> Mapping[str, Any]:
    """Four processes, none of which has too much."""
    kept = []
    os.fork()
    os.fork()
    for _ in range(60):
        kept.append(os.urandom(MIB))
        time.sleep(0.01)
    time.sleep(60)
    return {}


def leaving_a_child_behind(progress: Progress) -> Mapping[str, Any]:
    child = os.fork()
    if child == 0:
        time.sleep(60)
    return {"child": child}


def ended(process: int) -> bool:
    """Whether there is no such process, or only its status left for whoever reaps it."""
    until = monotonic() + 5
    while monotonic() < until:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_the_memory_of_all_that_it_starts_counts() -> None:
    began = monotonic()
    ending = only(with_children, Limits(30.0, 150 * MIB))
    assert ending.how == "memory"  # told by the watcher, or, where memory was refused first, by the process itself
    assert ending.text in ("more was resident than the limit", "")
    assert monotonic() - began < 20
    assert no_child_is_left()


def test_what_it_leaves_behind_is_ended() -> None:
    began = monotonic()
    ending = only(leaving_a_child_behind, Limits(30.0, 300 * MIB + inherited_bytes()))
    assert ending.how == "done"
    assert monotonic() - began < 10, "nobody waits for what is left behind"
    assert ended(ending.answer["child"])
    late = only(leaving_a_child_behind_and_staying, Limits(0.5))
    assert late.how == "time"
    assert ended(late.progress["child"])


def leaving_a_child_behind_and_staying(progress: Progress) -> Mapping[str, Any]:
    progress(leaving_a_child_behind(progress))
    time.sleep(60)
    return {}


def test_what_is_done() -> None:
    ending = only(lambda progress: {"x": "y" * 300_000}, Limits(60.0))
    assert (ending.how, ending.answer) == ("done", {"x": "y" * 300_000})
    assert ending.peak_bytes > MIB
    assert no_child_is_left()


def test_time_is_up_even_in_the_middle_of_a_call() -> None:
    began = monotonic()
    ending = only(stuck_in_one_call, Limits(0.5))
    assert (ending.how, ending.progress) == ("time", {"came": 7})
    assert 0.5 <= monotonic() - began < 2.0
    assert no_child_is_left()


def test_memory_is_up() -> None:
    ending = only(greedy, Limits(60.0, 300 * MIB + resident_bytes()))
    assert (ending.how, ending.progress) == ("memory", {"came": 8})
    inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # by the fork, and resident in it
    assert 100 * MIB < ending.peak_bytes <= 300 * MIB + inherited
    assert no_child_is_left()


def test_crashes_are_told() -> None:
    ending = only(raising, Limits(60.0))
    assert (ending.how, ending.text.splitlines()[-1]) == ("crash", "RuntimeError: oh")
    assert only(dying, Limits(60.0)).how == "crash"
    assert only(dying, Limits(60.0, 300 * MIB)).how == "memory", "libraries that get no memory die so"
    assert only(leaving, Limits(60.0)).how == "crash"


def test_several_at_a_time_and_none_is_left_when_nobody_wants_more() -> None:
    def task(progress: Progress) -> Mapping[str, Any]:
        time.sleep(0.4)
        return {"process": os.getpid()}

    began = monotonic()
    found = [ending for ending in endings([task] * 4, Limits(60.0), workers=4) if ending is not None]
    assert monotonic() - began < 1.4
    assert sorted(ending.number for ending in found) == [0, 1, 2, 3]
    assert len({ending.answer["process"] for ending in found} | {os.getpid()}) == 5
    few = endings([task, stuck_in_one_call, stuck_in_one_call], Limits(60.0), workers=3)
    assert next(ending for ending in few if ending is not None).number == 0
    few.close()  # type: ignore[attr-defined]
    assert no_child_is_left()


def test_the_whole_command_keeps_to_the_limit() -> None:
    started_s = startup_s()
    assert 0.0 <= started_s < 2.0
    for limit_s in (0.4, 10.0):
        left_s = limits_within(limit_s, 5).time_s
        assert left_s is not None
        assert limit_s / 2 <= left_s <= limit_s - min(started_s, limit_s / 2)
    assert limits_within(60.0, 5).memory_bytes == 5


def test_check_under_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "".join(call(0, "write", number, number) for number in range(60_000)))

    def checked(*options: str) -> Any:
        assert cli.main(["check", path, "--json", *options]) == 2
        return json.loads(capsys.readouterr().out)

    began = monotonic()
    answer = checked("--time-limit", "0.6")
    assert monotonic() - began < 2.0
    assert answer["reason"] == "timeout"
    assert answer["details"].get("lines_read") or answer["details"].get("operations_read")


def test_check_under_a_memory_limit(tmp_path: Path) -> None:
    """In a process of its own: a fork of one that has much memory to spare would not ask for more."""
    path = written(tmp_path, "".join(call(0, "write", number, number) for number in range(60_000)))
    done = subprocess.run([sys.executable, "-m", "harness.cli", "check", path, "--json", "--memory-limit", "64M"],
                          cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 2
    answer = json.loads(done.stdout)
    assert answer["reason"] == "out-of-memory"
    assert "memory" in answer["explanation"]


@pytest.mark.parametrize("size", ["", "5", "M", "10M", "1e400G", "nanG", "64Q"])
def test_sizes(size: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", written(tmp_path, call(0, "read", None, None)), "--memory-limit", size]) == 254
    assert "at least 64M" in capsys.readouterr().err


def test_a_memory_stop_tells_how_far_it_came(tmp_path: Path) -> None:
    """Two keys are decided before the third, the longest, takes more memory than there is."""
    hard, _ = generate("stack", seed=1, operations=3000, clients=30)
    easy = [Op(kind, 0, f, 1, key=key) for key in "ab" for f in ("push", "pop") for kind in ("invoke", "ok")]
    lines = [dump(op) for op in (*easy, *(replace(op, key="hard") for op in hard))]
    path = written(tmp_path, "\n".join(lines) + "\n")
    done = subprocess.run([sys.executable, "-m", "harness.cli", "check", path, "--json", "--model", "stack",
                           "--method", "search", "--time-limit", "30", "--memory-limit", "64M"],
                          cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    answer = json.loads(done.stdout)
    assert (answer["valid"], answer["reason"]) == ("unknown", "out-of-memory")
    assert answer["details"]["operations_read"] == len(lines)
    assert answer["details"]["keys_valid"] == 2
    (unknown,) = answer["details"]["unknown"]
    assert unknown["key"] == "hard"
    assert 0 < unknown["explained"] < unknown["of"]
    assert f"the first {unknown['explained']} of its {unknown['of']} completed operations" in answer["explanation"]
