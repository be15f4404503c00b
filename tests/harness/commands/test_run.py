"""`splitbrain run`, the whole command, on real node processes: verdict, JSON, interruption, replay."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from harness import catalog, report
from harness.cli import main
from harness.cluster import Finding
from harness.clusters.local.provider import LocalProvider
from harness.commands import EXIT_STATUSES, PROGRAM, USAGE, session
from harness.commands.live import LiveLine, PlainLines
from harness.progress import Phase, Progress
from harness.system import Role
from tests.harness.commands.run_on_loopback import loopback
from tests.harness.play_cluster import play_system

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "tests.harness.commands.run_on_loopback"]


def start(store: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, *words, "--store", str(store)], cwd=ROOT, text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read standard error until ``text`` is in it."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"{text!r} never came")


def node_processes(store: Path) -> list[str]:
    """Processes whose command line names something in the store: nodes, for their configuration is there."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if str(store) in words and "run_on_loopback" not in words:
            found.append(words)
    return found


def test_a_run_ends_with_a_verdict_a_folder_and_a_command(tmp_path: Path) -> None:
    process = start(tmp_path, "raft", "--nodes", "3", "--time-limit", "2", "--rate", "300", "--seed", "4", "--json")
    out, err = process.communicate(timeout=60)
    *before, last = out.splitlines()
    assert before == [], "progress goes to standard error"
    told = json.loads(last)
    assert (process.returncode, told["valid"]) == (0, True), err
    assert {"valid", "expect", "model", "method", "reason", "anomalies", "operations", "seconds", "ok", "fail", "info",
            "faults", "availability", "recovery_seconds", "store", "report", "seed", "repeat"} <= set(told)  # fmt: skip
    assert told["seed"] == 4
    assert told["ok"] + told["fail"] + told["info"] == told["operations"]
    folder = Path(told["store"])
    assert {"plan.json", "history.jsonl", "results.json", "faults.jsonl", "nodes"} <= {p.name for p in folder.iterdir()}
    assert not (folder / "cluster").exists(), "the nodes' own files are removed"
    assert folder == (tmp_path / "latest").resolve()
    assert shlex.split(told["repeat"]) == [PROGRAM, "run", "--replay", str(folder / "plan.json")]
    for word in ("operations", "verdict: valid", "no faults", "seed 4"):
        assert word in err
    assert main(["check", str(folder)]) == 0, "and the folder can be checked again"
    assert node_processes(tmp_path) == []


def test_a_replay_repeats_the_schedule(tmp_path: Path) -> None:
    first = start(
        tmp_path, "raft", "--nodes", "3", "--time-limit", "2", "--rate", "300", "--faults", "kill=one", "--json"
    )
    told = json.loads(first.communicate(timeout=90)[0].splitlines()[-1])
    again = start(tmp_path, *shlex.split(told["repeat"])[2:], "--json")
    repeated = json.loads(again.communicate(timeout=90)[0].splitlines()[-1])
    assert repeated["store"] != told["store"]
    plans = [json.loads((Path(entry["store"]) / "plan.json").read_text()) for entry in (told, repeated)]
    assert plans[0] == plans[1]
    assert [line["applied"] for line in repeated["faults"]] == [1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_checks_what_there_is(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path, "raft", "--nodes", "3", "--time-limit", "60", "--faults", "pause", "--json")
    wait_for(process, "faults: pause")
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    told = json.loads(out.splitlines()[-1])
    assert (process.returncode, told["valid"], told["reason"]) == (2, "unknown", "interrupted"), err
    assert told["interrupted"] is True
    assert told["ok"] > 0
    assert (Path(told["store"]) / "nodes" / "n1" / "node.log").exists(), "logs were fetched"
    assert time.monotonic() - began < 30
    assert node_processes(tmp_path) == []


def test_a_second_interruption_removes_the_cluster_at_once(tmp_path: Path) -> None:
    process = start(tmp_path, "raft", "--nodes", "3", "--time-limit", "60", "--faults", "pause=all", "--client-timeout",
                    "30", "--json")  # fmt: skip
    wait_for(process, "faults: pause")
    process.send_signal(signal.SIGINT)
    wait_for(process, "interrupted")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "no verdict" in json.loads(out.splitlines()[-1])["error"]
    assert (tmp_path / "latest" / "history.jsonl").exists(), "the history is kept"
    assert node_processes(tmp_path) == []
    assert "130" in _help()


def test_a_reader_that_goes_away_does_not_end_the_run(tmp_path: Path) -> None:
    process = start(tmp_path, "raft", "--nodes", "3", "--time-limit", "2", "--rate", "300", "--seed", "4")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()  # as `| head -1` does
    assert process.stderr is not None
    assert process.stderr.read() == "splitbrain: standard output was closed before everything was written\n"
    assert process.wait(30) == 255, "the verdict was not told"
    run = tmp_path / "latest"
    assert json.loads((run / "results.json").read_text())["valid"] is True
    assert (run / "nodes" / "n1" / "node.log").exists()
    assert (run / "report.html").exists()
    assert node_processes(tmp_path) == []


def test_programs_get_their_line_though_nobody_reads_the_progress(tmp_path: Path) -> None:
    process = start(tmp_path, "raft", "--nodes", "3", "--time-limit", "2", "--rate", "300", "--seed", "4", "--json")
    assert process.stderr is not None
    process.stderr.readline()
    process.stderr.close()
    assert process.stdout is not None
    told = json.loads(process.stdout.read())
    assert told["valid"] in (True, "unknown"), told  # two seconds on a busy machine may be too short for a verdict
    assert process.wait(30) == (0 if told["valid"] is True else 2)


def test_an_interrupted_check_says_how_to_repeat_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the moments around the checker itself, which ends by itself with a reason."""

    def interrupted(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)

    monkeypatch.setattr(catalog, "provider", loopback)
    monkeypatch.setattr(session, "judge", interrupted)
    assert main(["run", "raft", "--nodes", "1", "--time-limit", "0.2", "--store", str(tmp_path), "--json"]) == 2
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert f"splitbrain check {told['store']}" in told["error"]


def test_an_interruption_while_the_report_is_written_costs_the_report_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(folder: Path) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)

    monkeypatch.setattr(catalog, "provider", loopback)
    monkeypatch.setattr(report, "write", interrupted)
    assert (
        main(["run", "raft", "--nodes", "3", "--time-limit", "2", "--rate", "300", "--store", str(tmp_path), "--json"])
        == 0
    )
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["valid"], told["report"]) == (True, None)


def test_a_cluster_left_running_answers_until_it_is_released(tmp_path: Path) -> None:
    process = start(tmp_path, "raft", "--nodes", "3", "--time-limit", "2", "--rate", "300", "--leave-running",
                    "--json")  # fmt: skip
    wait_for(process, "left running")
    assert len(node_processes(tmp_path)) >= 3
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert json.loads(out.splitlines()[-1])["valid"] is True
    assert process.returncode == 0
    assert node_processes(tmp_path) == []


def test_nodes_that_do_not_start_are_a_crash_with_their_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    system = play_system(roles={"server": Role("systems_under_test.nowhere:Nobody")})
    monkeypatch.setattr(catalog, "system", lambda name: system)
    monkeypatch.setattr(catalog, "provider", loopback)
    status = main(["run", "play", "--nodes", "1", "--store", str(tmp_path), "--json"])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert status == 255
    assert "did not start" in told["error"]
    assert "nowhere" in told["error"], "the node's own last words are there"
    assert Path(told["store"], "plan.json").exists()
    assert node_processes(tmp_path) == []


def test_a_store_that_cannot_be_written_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(catalog, "provider", loopback)
    (tmp_path / "file").write_text("")
    assert main(["run", "raft", "--store", str(tmp_path / "file")]) == 254
    assert "--store" in capsys.readouterr().err


def _help() -> str:
    return subprocess.run([*COMMAND, "--help"], cwd=ROOT, text=True, capture_output=True, check=True, timeout=30).stdout


def test_the_help_teaches() -> None:
    text = _help()
    for word in ("--leave-running", "--replay", "partition=isolate-leader,kill=leader:2", EXIT_STATUSES[:20]):
        assert word in text


def moments() -> list[Progress]:
    """Ten seconds of a run, four times a second."""
    return [
        Progress(Phase.MAIN, n / 4, main_s=n / 4, limit_s=10, ok=n, faults=("kill",) if 10 <= n < 20 else ())
        for n in range(40)
    ]


def test_plain_lines_come_every_few_seconds_and_at_changes() -> None:
    import io

    stream = io.StringIO()
    shown = PlainLines(stream)
    for progress in moments():
        shown.watch(progress)
    lines = stream.getvalue().splitlines()
    assert 5 <= len(lines) <= 9
    assert "faults: kill" in next(line for line in lines if line.startswith("   2.5 s"))
    shown.say("a\x1b[31mb")
    assert "\x1b" not in stream.getvalue()


def everything(primary: int) -> str:
    """What was written to a terminal, whose other end is closed: it comes in parts, and ends with an error."""
    parts = []
    with suppress(OSError):
        while part := os.read(primary, 100_000):
            parts.append(part)
    os.close(primary)
    return b"".join(parts).decode()


def test_the_live_line_works_on_a_terminal_and_takes_nothing_for_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    primary, secondary = pty.openpty()
    with os.fdopen(secondary, "w") as terminal:
        shown = LiveLine(terminal)
        for progress in moments()[:12]:
            shown.watch(progress)
        shown.say("[bold]not markup[/nonsense]")
        shown.close()
    text = everything(primary)
    assert "[bold]not markup[/nonsense]" in text
    assert "operations" in text


def test_where_no_real_cluster_is_possible_it_says_why_and_offers_the_simulator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = (Finding("nft", False, "partitions", remedy="apt-get install -y nftables"),)
    monkeypatch.setattr(LocalProvider, "examine", lambda self: lacking)
    assert main(["run", "raft", "--store", str(tmp_path)]) == USAGE
    err = capsys.readouterr().err
    assert "nft, for partitions: apt-get install -y nftables" in err
    assert f"{PROGRAM} run raft --provider sim" in err
    assert list(tmp_path.iterdir()) == []
