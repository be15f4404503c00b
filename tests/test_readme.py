"""What the README shows is true: its examples run, its tables are complete, its commands exist."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from harness import catalog, cli
from harness.commands import run
from harness.commands.run_plan import setup_of
from harness.formats import FORMATS
from harness.plan import Plan
from tests.harness.clusters.local_clusters import missing

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str = "") -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language]


def table(head: str) -> dict[str, list[str]]:
    """The table whose first column is called ``head``: its first column -> the other cells."""
    rows = re.search(rf"^\| {head} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert rows, f"no table of {head}"
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip("|"))] for row in rows.group(1).splitlines()]
    return {row[0].strip("`").split(" ")[0]: row[1:] for row in cells}


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_system_in_one_file_is_the_example() -> None:
    assert (ROOT / "examples" / "every_node_for_itself.py").read_text() in blocks("python")


def test_the_model_of_one_s_own_is_the_example_and_judges() -> None:
    assert (ROOT / "examples" / "bank_account.py").read_text() in blocks("python")
    (command,) = re.findall(r"`(\./splitbrain check examples/overdraft.jsonl [^`]+)`", README)
    done = subprocess.run([sys.executable, "-m", "harness.cli", *command.split()[1:]], cwd=ROOT, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "process 1's withdraw" in done.stdout


def test_the_table_of_models_is_complete() -> None:
    rows = {name: [cell.replace("\\", "") for cell in cells] for name, cells in table("model").items()}
    assert rows == {name: [summary] for name, summary in catalog.models().items()}


def test_the_history_is_the_example() -> None:
    assert (ROOT / "examples" / "stale_read.jsonl").read_text() in blocks()


def test_the_history_is_judged_as_shown() -> None:
    shown = [block for block in blocks() if block.startswith("$ ./splitbrain check")]
    assert len(shown) == 2, "of operations, and of transactions"
    for block in shown:
        command, *expected = block.splitlines()
        done = subprocess.run([sys.executable, "-m", "harness.cli", *command.split()[2:]], cwd=ROOT,
                              capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == 1
        assert [line for line in expected if line not in done.stdout.splitlines()] == []


def test_the_picture_of_the_cycle_is_what_is_drawn(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "harness.cli", "check", "examples/write_skew.jsonl", "--drawings",
                    str(tmp_path)], cwd=ROOT, capture_output=True, check=False)  # fmt: skip
    drawn = (tmp_path / "1-write-skew-graph.svg").read_text()
    assert drawn == (ROOT / ".github" / "write-skew.svg").read_text()


def test_the_system_in_one_file_runs_and_is_found_out(tmp_path: Path) -> None:
    if lacking := missing():
        pytest.skip(f"the provider local cannot be used here; it lacks {lacking}")
    (command,) = (line for block in blocks() for line in block.splitlines() if "every_node_for_itself.py" in line)
    done = subprocess.run([sys.executable, "-m", "harness.cli", *command.split()[1:], "--store", str(tmp_path)],
                          cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "non-linearizable" in done.stdout
    assert (tmp_path / "latest" / "report.html").exists()


def test_every_command_of_the_readme_exists_and_every_command_is_there() -> None:
    assert set(table("command")) == set(cli.COMMANDS)
    used = re.findall(r"\./splitbrain ([a-z]+)", README)
    assert set(used) <= set(cli.COMMANDS), "a command that is no more"


def test_the_table_of_systems_is_complete() -> None:
    rows = table("system")
    assert set(rows) == set(catalog.names("systems"))
    for name, (options, workloads) in rows.items():
        system = catalog.system(name)
        assert names(options) == list(system.options)
        assert names(workloads) == list(system.workloads)


def test_the_table_of_databases_is_complete_and_its_lines_can_be_run() -> None:
    rows = table("database")
    assert set(rows) == set(catalog.externals())
    for name, (options, workloads, line, _) in rows.items():
        system = catalog.system(name)
        assert names(options) == list(system.options)
        assert names(workloads) == list(system.workloads)
        program, *words = shlex.split(*names(line))
        assert program == "./splitbrain"
        plan = plan_of(words)
        assert (plan.system, plan.provider) == (name, "local")
        assert bool(plan.schedule) == ("none" not in words)


def plan_of(words: list[str]) -> Plan:
    parser = argparse.ArgumentParser()
    run.add(parser.add_subparsers())
    return setup_of(parser.parse_args(words)).plan


def test_the_table_of_workloads_is_complete() -> None:
    rows = table("workload")
    assert {name: [catalog.workload(name).summary] for name in catalog.names("workloads")} == rows


def test_the_table_of_faults_is_complete() -> None:
    rows = table("fault")
    assert {name: [catalog.fault(name).summary] for name in catalog.names("faults")} == rows


def test_the_table_of_formats_is_complete() -> None:
    assert list(table("format")) == list(FORMATS)


def test_the_files_named_are_there() -> None:
    for path in re.findall(r"`((?:examples|harness|systems_under_test|\.github)/[\w./]+)`", README):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"\]\(([\w./-]+)\)", README):
        assert (ROOT / path).exists(), path
