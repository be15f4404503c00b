"""The machine of a keeper: files, and processes that end, will not end, or are left to it. In a process of its own,
which adopts orphans, as a keeper does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BEGIN = """
import asyncio, os, sys, time
from harness.node import processes
from harness.node.machine import CommandError
processes.BURY_EVERY_S = 0.1
told = []

async def main():
    machine = processes.HostMachine("n1", {"n1": "198.18.0.1"}, "data", "logs", lambda *end: told.append(end))
"""
END = "\nasyncio.run(main())\n"


def told(folder: Path, body: str) -> list[str]:
    """What a keeper printed that does this."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    done = subprocess.run([sys.executable, "-c", BEGIN + lines + END], cwd=folder, check=False, capture_output=True,
                          text=True, timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_files_and_folders(tmp_path: Path) -> None:
    printed = told(tmp_path, """
machine.folder("data/a/b", mode=0o750)
machine.write("data/a/b/file", "first", mode=0o640)
machine.write("data/a/b/file", "second", mode=0o640)
print(machine.read("data/a/b/file"), *[oct(os.stat(path).st_mode & 0o777) for path in ("data/a/b/file", "data/a/b")])
print(os.listdir("data/a/b"), machine.exists("data/a"), machine.address)
machine.remove("data/a")
machine.remove("data/a")
print(machine.exists("data/a"))
""")  # fmt: skip
    assert printed == ["second 0o640 0o750", "['file'] True 198.18.0.1", "False"]


def test_who_does_not_obey_is_killed_and_who_ends_as_told_is_not_reported(tmp_path: Path) -> None:
    printed = told(tmp_path, """
deaf = await machine.spawn("deaf", "sh", "-c", "trap '' TERM; echo ready; while true; do sleep 0.01; done")
while "ready" not in machine.read("logs/deaf.log"):
    await asyncio.sleep(0.01)
print(deaf.status, await deaf.terminate(200), deaf.status)
mild = await machine.spawn("mild", "sleep", "60")
await asyncio.sleep(0.1)
print(await mild.terminate())
brief = await machine.spawn("brief", "false", vital=False)
await asyncio.sleep(0.3)
print(brief.status, told)
await machine.spawn("vital", "sh", "-c", "echo last words; exit 7")
while not told:
    await asyncio.sleep(0.01)
print(told)
""")  # fmt: skip
    assert printed == ["None -9 -9", "-15", "1 []", "[('vital', 7, 'last words')]"]


def test_orphans_are_adopted_buried_and_end_with_the_rest(tmp_path: Path) -> None:
    printed = told(tmp_path, """
def children():
    return [line.split() for line in os.popen(f"ps --ppid {os.getpid()} -o stat=,args=") if "sleep" in line]

await machine.spawn("parent", "sh", "-c", "setsid sleep 0.3 & setsid sleep 61 &", vital=False)
await asyncio.sleep(0.15)
print(sorted(line[2] for line in children()))
await asyncio.sleep(0.9)
print([line[2] for line in children()])
machine.end_family()
await asyncio.sleep(0.4)
print(children())
""")  # fmt: skip
    assert printed == ["['0.3', '61']", "['61']", "[]"]


@pytest.mark.parametrize(("user", "home"), [("'nobody'", "/nonexistent"), ("None", "/root")])
def test_whose_process_it_is(tmp_path: Path, user: str, home: str) -> None:
    printed = told(tmp_path, f"""
done = await machine.run("sh", "-c", 'id -u; id -G; echo $HOME; echo $LC_ALL', user={user})
print(done.stdout.split())
""")  # fmt: skip
    identity = ["65534", "65534"] if "nobody" in user else ["0", "0"]
    assert printed == [str([*identity, home, "C.UTF-8"])]
