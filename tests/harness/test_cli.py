"""The command line: help that teaches, exit statuses, suggestions, one line of JSON whatever happens, a fast start."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import pytest

from harness import cli
from harness.commands import list as list_command

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("paramiko", "z3", "rich", "asyncio", "numpy", "ssl", "difflib", "harness.clusters", "harness.store")
NEEDED = ("argparse", "dataclasses", "json", "pathlib", "re", "typing")
START_RATIO_MAX = 5
HISTORY = """\
{"type": "invoke", "process": 0, "f": "write", "value": 1}
{"type": "ok", "process": 0, "f": "write", "value": 1}
{"type": "invoke", "process": 1, "f": "read", "value": null}
{"type": "ok", "process": 1, "f": "read", "value": 1}
"""


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl"
    path.write_text(HISTORY)
    return path


def splitbrain(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **options)


def test_help_names_every_command_and_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    for name, command in cli.COMMANDS.items():
        assert f"  {name}" in out
        assert command.summary in out
    assert "examples:\n  splitbrain run raft --faults partition,kill" in out
    assert "exit status: 0 valid, 1 invalid, 2 unknown, 254" in out


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([name, "--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: splitbrain {name} ")


def test_check_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["check", "--help"])
    out = capsys.readouterr().out
    for word in ("--expect", "--model", "--initial", "--nil-reads", "--method", "--format", "--time-limit", "--json",
                 "examples:", "splitbrain check store/latest", '"type": "invoke"', "exit status"):  # fmt: skip
        assert word in out
    assert max(map(len, out.splitlines())) <= 120


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("splitbrain ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "read no command; expected one of run, check"),
        (["chek", "x"], "(did you mean check?)"),
        (["--json"], "expected a command first"),
        (["check"], "read no history; expected a file"),
        (["check", "--expct", "set", "x"], "(did you mean --expect?)"),
        (["check", "--tim", "3", "x"], "'--tim'; expected one of"),
        (["check", "x", "--expect", "linearisable"], "(did you mean linearizable?)"),
        (["check", "x", "--model", "cas"], "(did you mean cas-register?)"),
        (["check", "x", "--method", "Z3"], "(did you mean z3?)"),
        (["check", "x", "--format", "jsons"], "(did you mean json?)"),
        (["check", "x", "--nil-reads", "null"], "expected one of value, unknown"),
        (["check", "x", "--initial", "abc"], "'abc'; expected JSON"),
        (["check", "x", "--initial", "NaN"], "'NaN'; expected JSON"),
        (["check", "x", "--time-limit", "0"], "'0'; expected a number of seconds above 0"),
        (["check", "x", "--time-limit", "inf"], "'inf'; expected a number of seconds above 0"),
        (
            ["check", "x", "--expect", "set", "--model", "register"],
            "belongs to --expect linearizable, sequential, sequential-per-key",
        ),
        (
            ["check", "x", "--expect", "set", "--initial", "null"],
            "belongs to --expect linearizable, sequential, sequential-per-key, consistent-prefix",
        ),
        (["check", "x", "--json", "y"], "one argument too many"),
        (["list", "modls"], "(did you mean models?)"),
        (["list"], "KIND"),
    ],
)
def test_wrong_usage_is_254_with_what_was_read_and_expected(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 254
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.splitlines()[-1].startswith("splitbrain: ")
    if "--json" in arguments:
        assert said in json.loads(captured.out)["error"]
    else:
        assert captured.out == ""


def test_wrong_usage_with_json_is_one_line_of_json() -> None:
    done = splitbrain("check", "x", "--json", "--expect", "set\n", "--bad\udcff")
    assert done.returncode == 254
    assert done.stdout.count("\n") == 1
    assert set(json.loads(done.stdout)) == {"error"}


def crashing(error: BaseException) -> Any:
    def run(args: argparse.Namespace) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RuntimeError("a\nb"), 255, "crashed (RuntimeError: a\nb): a bug of splitbrain"),
        (RecursionError("deep"), 255, "crashed (RecursionError: deep)"),
        (KeyboardInterrupt(), 2, "interrupted: no verdict"),
    ],
)
def test_a_crash_is_255_and_an_interruption_no_verdict(
    error: BaseException, status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(list_command, "run", crashing(error))
    assert cli.main(["list", "models", "--json"]) == status
    captured = capsys.readouterr()
    assert said in captured.err
    assert ("Traceback" in captured.err) == (status == 255)
    assert captured.out.count("\n") == 1
    assert said in json.loads(captured.out)["error"]


def test_a_reader_that_goes_away_is_no_traceback(history: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "harness.cli", "check", str(history)]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == 255
    assert done.stderr == "splitbrain: standard output was closed before everything was written\n"


def test_nobody_to_tell_is_never_a_verdict(tmp_path: Path) -> None:
    """Python itself would end with 1 here, which says "invalid"."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "harness.cli", "check", str(tmp_path / "missing"), "--json"]
    for streams in ({"stderr": writing}, {"stdout": writing}, {"stdout": writing, "stderr": writing}):
        out, err = streams.get("stdout", subprocess.DEVNULL), streams.get("stderr", subprocess.DEVNULL)
        done = subprocess.run(command, cwd=ROOT, check=False, stdout=out, stderr=err)
        assert done.returncode in (254, 255), streams
    os.close(writing)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_was_never_open_is_no_crash(history: Path, tmp_path: Path, closed: str) -> None:
    command = f'exec "$@" {closed}'
    for path, status in ((history, 0), (tmp_path / "missing", 254)):
        words = ["sh", "-c", command, "sh", sys.executable, "-m", "harness.cli", "check", str(path), "--json"]
        assert subprocess.run(words, cwd=ROOT, capture_output=True, check=False).returncode == status


def test_a_small_check_loads_nothing_heavy(history: Path) -> None:
    code = (
        f"import sys; from harness.cli import main; status = main(['check', {str(history)!r}, '--json']);"
        f"print([m for m in sys.modules if m.startswith({HEAVY!r})]); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    verdict, loaded = done.stdout.splitlines()
    assert json.loads(verdict)["valid"] is True
    assert loaded == "[]"


def test_a_small_check_starts_fast(history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside what Python needs for the modules of its own without which no command could do. Processor time, the least
    of several: the wall clock of a shared machine says little. With compiled modules, as an installation has them."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    commands = (["-c", f"import {', '.join(NEEDED)}"], ["-m", "harness.cli", "check", str(history)])
    spent: list[list[float]] = [[], []]
    for _ in range(7):
        for command, seconds in zip(commands, spent, strict=True):
            before = getrusage(RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, check=True)
            after = getrusage(RUSAGE_CHILDREN)
            seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    baseline, check = map(min, spent)
    assert check < START_RATIO_MAX * baseline, f"{check:.3f} s of processor time, {baseline:.3f} s without splitbrain"
