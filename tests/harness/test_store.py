"""The run's folder: names do not collide, links are never absent, lines survive a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from harness.formats import read_history
from harness.history import Op
from harness.plan import Plan
from harness.store import HistoryWriter, create_folder, plan_name

PLAN = Plan(system="raft", workload="register", seed=3)


def test_a_folder_has_its_plan_from_the_beginning(tmp_path: Path) -> None:
    folder = create_folder(tmp_path, PLAN, datetime(2025, 3, 4, 5, 6, 7, 89000))
    assert folder.path == tmp_path / "raft-register" / "20250304T050607.089"
    assert Plan.from_json(json.loads(folder.plan.read_text())) == PLAN


def test_latest_points_to_the_run_that_began_last(tmp_path: Path) -> None:
    create_folder(tmp_path, PLAN)
    other = create_folder(tmp_path, Plan(system="single-leader", workload="set"))
    last = create_folder(tmp_path, PLAN)
    assert (tmp_path / "latest").resolve() == last.path
    assert (tmp_path / "raft-register" / "latest").resolve() == last.path
    assert (tmp_path / "single-leader-set" / "latest").resolve() == other.path
    assert not os.path.isabs(os.readlink(tmp_path / "latest")), "a store can be moved"


def test_runs_that_begin_at_once_get_folders_of_their_own(tmp_path: Path) -> None:
    now = datetime(2025, 1, 1)
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: create_folder(tmp_path, PLAN, now), range(40)))
    assert len({folder.path for folder in folders}) == 40
    assert (tmp_path / "latest").resolve() in {folder.path for folder in folders}
    assert not list(tmp_path.glob("**/.*")), "no scratch files remain"


def test_a_plans_name_cannot_leave_the_store() -> None:
    for system in ("../../etc/x y", "..", "/", ".", "/etc/passwd", "a\x00b", "x" * 300):
        name = plan_name(Plan(system=system, workload="a/../b"))
        assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", name), name


def test_a_history_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    ops = [
        Op("invoke", 0, "write", "é\n", time=5, index=0, key=3),
        Op("info", "nemesis", "start-kill", {"nodes": ["n1"]}, time=7, index=1),
        Op("info", 0, "write", None, time=9, index=2, key=3, error=["timeout"]),
    ]
    writer = HistoryWriter(tmp_path / "history.jsonl")
    for op in ops:
        writer.append(op)
    writer.close()
    assert list(read_history(tmp_path / "history.jsonl")) == ops


def test_what_is_not_json_is_refused_whole(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path / "history.jsonl")
    with pytest.raises((TypeError, ValueError)):
        writer.append(Op("ok", 0, "read", {1, 2}))
    with pytest.raises(ValueError, match="JSON"):
        writer.append(Op("ok", 0, "read", float("nan")))
    writer.close()
    assert len(read_history(tmp_path / "history.jsonl", "jsonl")) == 0


def test_a_history_is_never_overwritten(tmp_path: Path) -> None:
    HistoryWriter(tmp_path / "history.jsonl").close()
    with pytest.raises(FileExistsError):
        HistoryWriter(tmp_path / "history.jsonl")


WRITE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from harness.history import Op
from harness.store import HistoryWriter
writer = HistoryWriter(Path(sys.argv[1]))
for number in range(1000):
    writer.append(Op("invoke", number, "add", number))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_every_appended_line_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    ended = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(path)], check=False, timeout=30)
    assert ended.returncode == -signal.SIGKILL
    assert len(read_history(path)) == 1000


def test_results_replace_results_as_a_whole(tmp_path: Path) -> None:
    folder = create_folder(tmp_path, PLAN)
    folder.write_results({"valid": True})
    folder.write_results({"valid": "unknown"})
    folder.write_faults([{"fault": "kill"}, {"fault": "pause"}])
    assert json.loads((folder.path / "results.json").read_text()) == {"valid": "unknown"}
    assert len((folder.path / "faults.jsonl").read_text().splitlines()) == 2
    assert not list(folder.path.glob(".*"))
