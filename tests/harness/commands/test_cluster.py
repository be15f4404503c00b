"""`splitbrain cluster`: it stands after the command has returned, can be entered, and goes, whatever ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.clusters.docker.provider import PROVIDER as DOCKER
from harness.clusters.local.leftovers import start_time
from harness.clusters.local.provider import PROVIDER as LOCAL
from harness.commands import standing
from tests.harness.clusters.local_clusters import missing, traces_of

ROOT = Path(__file__).resolve().parents[3]
PROVIDERS = {"local": LOCAL, "docker": DOCKER}


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "harness.cli", "cluster", *words], cwd=ROOT, capture_output=True,
                          text=True, timeout=150, check=False, stdin=subprocess.DEVNULL)  # fmt: skip


def told(done: subprocess.CompletedProcess[str], status: int = 0) -> Any:
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def folders(name: str) -> list[Path]:
    return list(standing.FOLDER.glob(f"{name}.*"))


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.cluster) for name in PROVIDERS])
def up(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A cluster of two nodes of single-leader, by each provider."""
    if lacking := missing(PROVIDERS[request.param]):
        pytest.skip(f"the provider {request.param} cannot be used here: {lacking}")
    name = f"test-{request.param}-{os.getpid()}"
    done = command("up", "single-leader", "--nodes", "2", "--provider", request.param, "-o", "replication=async",
                   "--name", name, "--json")  # fmt: skip
    yield told(done)
    command("down", name)


def test_it_stands_after_the_command_has_returned(up: dict[str, Any]) -> None:
    assert start_time(up["pid"]) == up["started"]
    assert up["options"]["replication"] == "async"
    assert [node["name"] for node in up["nodes"]] == ["n1", "n2"]
    (listed,) = (entry for entry in told(command("list", "--json"))["clusters"] if entry["name"] == up["name"])
    assert listed == up
    assert f"{up['name']}: single-leader, provider {up['provider']}" in command("list").stdout


def test_what_is_known_of_it_is_for_nobody_else_to_read(up: dict[str, Any]) -> None:
    assert (standing.FOLDER / f"{up['name']}.json").stat().st_mode & 0o777 == 0o600
    (folder,) = standing.FOLDER.glob(f"{up['name']}.*-*")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_node_can_be_entered(up: dict[str, Any]) -> None:
    for node in ("n1", "n2"):
        done = command("ssh", node, up["name"], "--", "sh", "-c", "hostname; pgrep -f node.pyz >/dev/null || "
                       "grep -qa node.pyz /proc/[0-9]*/cmdline && exit 7")  # fmt: skip
        assert (done.stdout.strip(), done.returncode) == (node, 7), done.stderr
    done = command("ssh", "n2", "--", "hostname")
    others = len(json.loads(command("list", "--json").stdout)["clusters"]) > 1  # a person's own, perhaps
    assert (done.stdout.strip() == "n2") is not others, done.stderr
    done = command("ssh", "n1", up["name"])
    assert done.returncode == 0, "a shell whose input has ended"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ssh", "n9", "{name}"), "expected one of n1, n2"),
        (("ssh",), "read no node"),
        (("ssh", "n1", "nowhere"), "the cluster 'nowhere'"),
        (("ssh", "n1", "{name}", "hostname"), "expected -- before a command"),
        (("down", "nowhere"), "the cluster 'nowhere'"),
        (("down", "{name}", "--all"), "expected one of them"),
        (("up", "--name", "{name}"), "stands already"),
        (("up", "--name", "../x"), "small letters"),
        (("up", "raft", "--provider", "sim"), "expected one of local, docker"),
        (("up", "raft", "--nodes", "0"), "from 1 to 64"),
        (("up", "raft", "-o", "nothing=1"), "option 'nothing'"),
        (("up", "rafd"), "did you mean raft?"),
        ((), "VERB"),
    ],
)
def test_a_wrong_request_says_what_was_expected(
    up: dict[str, Any], words: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = tuple(word.format(name=up["name"]) for word in words)
    assert cli.main(["cluster", *words]) == 254
    assert expected in capsys.readouterr().err


def test_down_removes_it(up: dict[str, Any]) -> None:
    again = told(command("up", "single-leader", "--nodes", "1", "--provider", up["provider"], "--json"))
    assert again["name"] != up["name"]
    assert told(command("down", again["name"], "--json")) == {"removed": [again["name"]]}
    assert start_time(again["pid"]) is None
    assert folders(again["name"]) == []
    assert start_time(up["pid"]) is not None, "and no other one"


@pytest.mark.cluster
def test_kill_9_of_its_process_removes_it(tmp_path: Path) -> None:
    if lacking := missing(LOCAL):
        pytest.skip(f"the provider local cannot be used here: {lacking}")
    made = told(command("up", "--nodes", "2", "--json", "--name", f"killed-{os.getpid()}"))
    run = f"{made['pid']}-{made['started']}-"
    assert traces_of(run)
    os.kill(made["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while traces_of(run):
        assert time.monotonic() < deadline, traces_of(run)
        time.sleep(0.05)
    assert made["name"] not in [entry["name"] for entry in told(command("list", "--json"))["clusters"]]
    assert folders(made["name"]) == []
    LOCAL.remove_leftovers()


def test_no_cluster_is_no_error_to_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(standing, "FOLDER", tmp_path)
    (tmp_path / "rubbish.json").write_text("{")
    assert cli.main(["cluster", "list"]) == 0
    assert "no cluster stands" in capsys.readouterr().out
    assert cli.main(["cluster", "down"]) == 254
    assert cli.main(["cluster", "down", "--all"]) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_system_that_does_not_start_is_told(tmp_path: Path) -> None:
    if lacking := missing(LOCAL):
        pytest.skip(f"the provider local cannot be used here: {lacking}")
    system = tmp_path / "falls.py"
    system.write_text(
        (ROOT / "examples/every_node_for_itself.py").read_text().replace("def __init__(self", "def __init__(me")
    )
    done = command("up", str(system), "--nodes", "1", "--json", "--name", f"falls-{os.getpid()}")
    assert "no cluster could be made" in told(done, 2)["error"]
    assert folders(f"falls-{os.getpid()}") == []
