"""Control groups: both versions by the same words on a tree of plain files, and whichever this machine has for real."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.clusters.local import cgroup, leftovers
from harness.clusters.local.cgroup import VERSION_1, VERSION_2, Controller, Machine

MIB = 1 << 20
STAT = f"cache 5\ninactive_file {3 * MIB}\nactive_file {2 * MIB}\nanon {9 * MIB}\n"


def tree(root: Path, version: cgroup.Version) -> Machine:
    """A node's groups, with the files that the kernel would put there."""
    controllers = [Controller(name, root / name, version) for name in cgroup.CONTROLLERS]
    for controller in controllers:
        controller.root.mkdir()
    machine = Machine("1-2-3-n1", controllers)
    machine.join([])
    memory, cpu = (root / name / f"{cgroup.PREFIX}1-2-3-n1" for name in cgroup.CONTROLLERS)
    (memory / version.used).write_text(f"{20 * MIB}\n")
    (memory / "memory.stat").write_text(STAT)
    (memory / version.events).write_text("oom_kill_disable 0\nunder_oom 0\nlow 7\noom_kill 3\n")
    (cpu / "cpu.stat").write_text("nr_periods 90\nnr_throttled 41\nthrottled_time 5\n")
    return machine


def files(root: Path, resource: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in (root / resource / f"{cgroup.PREFIX}1-2-3-n1").iterdir()}


@pytest.mark.parametrize(
    ("version", "unlimited", "quota", "no_quota"),
    [
        (VERSION_1, "-1", {"cpu.cfs_period_us": "50000", "cpu.cfs_quota_us": "10000"},
         {"cpu.cfs_period_us": "50000", "cpu.cfs_quota_us": "-1"}),
        (VERSION_2, "max", {"cpu.max": "10000 50000"}, {"cpu.max": "max 50000"}),
    ],
    ids=["version 1", "version 2"],
)  # fmt: skip
def test_limits_are_written_in_each_versions_words(
    tmp_path: Path, version: cgroup.Version, unlimited: str, quota: dict[str, str], no_quota: dict[str, str]
) -> None:
    machine = tree(tmp_path, version)
    machine.limit("memory", MIB)
    assert int(files(tmp_path, "memory")[version.limit]) == 16 * MIB, "what is used, less the cache, and the spare"
    machine.limit("memory", None)
    assert files(tmp_path, "memory")[version.limit] == unlimited
    machine.limit("cpu", 0.2)
    assert files(tmp_path, "cpu").items() >= quota.items()
    machine.limit("cpu", None)
    assert files(tmp_path, "cpu").items() >= no_quota.items()
    assert machine.felt() == {"memory": 3, "cpu": 41}


def test_the_smallest_share_is_one_that_the_kernel_takes(tmp_path: Path) -> None:
    machine = tree(tmp_path, VERSION_1)
    machine.limit("cpu", 0.001)
    assert files(tmp_path, "cpu")["cpu.cfs_quota_us"] == "1000"


def test_controllers_are_found_where_they_are_mounted(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu memory\n")
    version_1 = f"cgroup {tmp_path}/memory cgroup rw,memory 0 0\ncgroup {tmp_path}/c cgroup rw,cpu,cpuacct 0 0\n"
    version_2 = f"cgroup2 {tmp_path} cgroup2 rw 0 0\n"
    assert [(found.name, found.root, found.version is VERSION_1) for found in cgroup.controllers(version_1)] == [
        ("memory", tmp_path / "memory", True), ("cpu", tmp_path / "c", True)]  # fmt: skip
    assert {found.version is VERSION_2 for found in cgroup.controllers(version_2)} == {True}
    hybrid = {found.name: found.version is VERSION_1 for found in cgroup.controllers(version_2 + version_1)}
    assert hybrid == {"memory": True, "cpu": True}, "a controller of version 1 is not there in version 2"
    assert cgroup.controllers("") == ()


def test_what_cannot_be_made_is_not_usable(tmp_path: Path) -> None:
    assert cgroup.usable(f"cgroup {tmp_path}/none cgroup rw,memory 0 0\n") == ()


REAL = {controller.name: controller for controller in cgroup.usable()} if os.geteuid() == 0 else {}
real = pytest.mark.skipif(set(REAL) != set(cgroup.CONTROLLERS), reason=f"control groups can be made here for: {REAL}")


@real
def test_a_real_process_is_slowed_and_killed_and_its_groups_are_removed() -> None:
    code = "import sys\nfor line in sys.stdin:\n    x = bytearray(b'x' * int(line)); print(len(x), flush=True)"
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    machine = Machine(f"{os.getpid()}-{leftovers.start_time(os.getpid())}-0-n9", list(REAL.values()))
    try:
        machine.join([process.pid])
        machine.limit("memory", 4 * MIB)
        print(MIB, file=process.stdin, flush=True)
        assert process.stdout.readline() == f"{MIB}\n", "there is room for that"
        print(64 * MIB, file=process.stdin, flush=True)
        assert process.wait(10) == -9
        assert machine.felt()["memory"] == 1
    finally:
        process.kill()
        process.communicate()
        machine.remove()
    assert not any(list(controller.root.glob(f"*{os.getpid()}-*-n9")) for controller in REAL.values())


@real
def test_the_processor_is_withheld_and_the_waits_are_counted() -> None:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    machine = Machine(f"{os.getpid()}-{leftovers.start_time(os.getpid())}-0-n8", list(REAL.values()))
    try:
        machine.join([process.pid])
        assert machine.felt()["cpu"] == 0
        machine.limit("cpu", 0.1)
        begin, used = time.monotonic(), _cpu_s(process.pid)
        time.sleep(0.5)
        share = (_cpu_s(process.pid) - used) / (time.monotonic() - begin)
        assert share < 0.3
        assert machine.felt()["cpu"] >= 2
    finally:
        process.kill()
        process.wait()
        machine.remove()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@real
def test_groups_of_a_dead_run_are_removed_and_those_of_a_living_one_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "RUNS", tmp_path)
    dead = subprocess.Popen(["true"])
    dead.wait()
    machines = [
        Machine(f"{dead.pid}-{1}-1-n1", list(REAL.values())),
        Machine(f"{os.getpid()}-{leftovers.start_time(os.getpid())}-7-n1", list(REAL.values())),
    ]
    for machine in machines:
        machine.join([])
    said = [line for line in leftovers.remove_leftovers() if f"-{dead.pid}-" in line]
    assert len(said) == len(REAL)
    for controller in REAL.values():
        assert not list(controller.root.glob(f"*-{dead.pid}-1-1-n1"))
        assert list(controller.root.glob(f"*-{os.getpid()}-*-7-n1"))
    machines[1].remove()
