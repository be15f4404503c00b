"""Kills the whole `splitbrain run` with SIGKILL at random moments, and looks for anything that is left of it.

    python -m benchmarks.harness_kills [KILLS] [--seed N] [--provider local|docker] [--faults brutal]

Each try starts the real command and kills it after 0.1 to 14 s. Then no process of the run may remain (told by the
run's mark in its environment, by its mounts, or by a network namespace that was not there before), the machine's
interfaces, firewall, mounts and loop devices must be as they were, the next start must leave no folder in
/run/splitbrain and no cgroup (an empty one limits nobody, and may wait for it), and `splitbrain check` of the run's
folder must say something of use and never that it is valid. Containers may remain until the next start, which is then
made first. Exit status 1 if anything was not so. Start nothing else with clusters meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from harness import catalog
from harness.cluster import Provider
from harness.clusters.local import leftovers
from tests.harness.clusters.local_clusters import missing, processes_of, root_network, run_folders

ROOT = Path(__file__).resolve().parent.parent
SPLITBRAIN = (sys.executable, "-m", "harness.cli")
RUN = ("run", "raft", "--time-limit", "12")
LOCAL = "local"
CGROUPS = Path("/sys/fs/cgroup")
MOMENTS_S = (0.1, 14.0)
RUN_MARK = re.compile(r"(?:[/:]|splitbrain-|SPLITBRAIN_RUN=)(\d+-\d+-\d+)\b")
GONE_S_MAX = 8.0  # after that something counts as left; an engine of our own takes a few seconds to end


@dataclass(frozen=True, slots=True)
class Machine:
    """What a run must leave as it was. Loop devices and namespaces of other runs, as far as they can be told by their
    marks, do not count: tests of somebody else may be under way."""

    network: tuple[str, ...]
    mounts: str
    loops: frozenset[str]
    namespaces: frozenset[str]
    cgroups: frozenset[str]

    def changes_since(self, before: Machine) -> list[str]:
        changed = [name for name in ("network", "mounts") if getattr(self, name) != getattr(before, name)]
        return changed + sorted((self.loops - before.loops) | (self.namespaces - before.namespaces))


def machine(pid: int) -> Machine:
    """As the harness with this process id sees it, or has left it."""
    loops = subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=True).stdout.splitlines()
    own = frozenset(line for line in loops if not others_runs(line, pid))
    folders = (path for path in CGROUPS.glob("*/**/*splitbrain*") if path.is_dir())
    groups = frozenset(f"cgroup {path}" for path in folders if not others_runs(f"/{path.name}", pid))
    return Machine(root_network(), Path("/proc/mounts").read_text(), own, namespaces(pid), groups)


def others_runs(text: str, pid: int) -> list[str]:
    """The marks of runs in a text that are not of this harness."""
    return [run for run in RUN_MARK.findall(text) if not run.startswith(f"{pid}-")]


def namespaces(pid: int) -> frozenset[str]:
    """The network namespaces in which any process of this machine is, without those of another harness's run."""
    found, others = set(), set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = os.readlink(folder / "ns" / "net")
            text = (folder / "mountinfo").read_text() + (folder / "environ").read_bytes().decode("utf-8", "replace")
        except OSError:  # the process has ended meanwhile
            continue
        found.add(name)
        if others_runs(text, pid):
            others.add(name)
    return frozenset(found - others)


@dataclass(frozen=True, slots=True)
class Kill:
    """One try: when, in which phase, what was left for good, how long it took to go, what ``check`` said."""

    after_s: float
    phase: str
    left: tuple[str, ...]
    gone_s: float
    status: int | None
    said: str


def kill_one(store: Path, after_s: float, provider: Provider, faults: str) -> Kill:
    before = machine(0)
    output = store / "output.txt"
    with output.open("w") as stream:
        process = subprocess.Popen([*SPLITBRAIN, *RUN, "--provider", provider.name, "--faults", faults,
                                    "--store", str(store / "runs")], cwd=ROOT,
                                   stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)  # fmt: skip
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    begin = time.monotonic()
    said_not = [] if provider.name == LOCAL else _next_start(provider)
    left = _left(process.pid, before)
    while left and time.monotonic() < begin + GONE_S_MAX:
        time.sleep(0.005)
        left = _left(process.pid, before)
    gone_s = time.monotonic() - begin
    left += said_not + _next_start(provider) + [str(folder) for folder in run_folders(process.pid)]
    left += sorted(machine(process.pid).cgroups - before.cgroups)
    status, said = check(store / "runs" / "latest")
    if status not in (None, 2, 254) and process.returncode == -9:
        left.append(f"a verdict on a killed run (status {status})")
    return Kill(after_s, _phase(output.read_text(), process.returncode), tuple(left), gone_s, status, said)


def _left(pid: int, before: Machine) -> list[str]:
    return [f"process {other}" for other in processes_of(f"{pid}-")] + machine(pid).changes_since(before)


def _next_start(provider: Provider) -> list[str]:
    """What the next start says that it could not remove."""
    return [line for line in provider.remove_leftovers() if "NOT" in line]


def check(run: Path) -> tuple[int | None, str]:
    """Status and first line of `splitbrain check`; None if the run was killed before it had a folder."""
    if not run.exists():
        return None, "no folder yet"
    done = subprocess.run([*SPLITBRAIN, "check", str(run), "--json"], cwd=ROOT, capture_output=True, text=True,
                          check=False)  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    return done.returncode, str(told.get("error") or f"{told['valid']}: {told['explanation']}")


def _phase(output: str, status: int) -> str:
    """What the run said last of what it was doing."""
    if status != -9:
        return f"ended by itself with {status}"
    lines = [line for line in output.splitlines() if " s  " in line]
    return " ".join(lines[-1].split()[2:4]) if lines else "beginning"


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("kills", nargs="?", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--provider", default=LOCAL, choices=("local", "docker"))
    parser.add_argument("--faults", default="brutal")
    args = parser.parse_args(words)
    provider = catalog.provider(args.provider)
    if lacks := missing(provider):
        print(f"the provider {args.provider} cannot be used here; it lacks {lacks}")
        return 2
    draw = random.Random(args.seed)
    print(f"seed {args.seed}; on this machine there were {list(leftovers.RUNS.glob('*')) or 'no folders of runs'}")
    kills = []
    for number in range(1, args.kills + 1):
        with tempfile.TemporaryDirectory(prefix="splitbrain-") as store:
            kill = kill_one(Path(store), draw.uniform(*MOMENTS_S), provider, args.faults)
        kills.append(kill)
        print(f"{number:3}  {kill.after_s:5.2f} s, {kill.phase}: gone after {1000 * kill.gone_s:.0f} ms; left: "
              f"{', '.join(kill.left) or 'nothing'}; check {kill.status}: {kill.said[:200]}", flush=True)  # fmt: skip
    _print_figures(kills)
    return 1 if any(kill.left for kill in kills) else 0


def _print_figures(kills: Sequence[Kill]) -> None:
    gone_ms = sorted(1000 * kill.gone_s for kill in kills)
    print(f"\n{len(kills)} kills; something left after {sum(bool(kill.left) for kill in kills)}")
    print(f"everything gone after: median {median(gone_ms):.0f} ms, most {gone_ms[-1]:.0f} ms")
    statuses = Counter("no folder" if kill.status is None else str(kill.status) for kill in kills)
    print("check of what remained: " + ", ".join(f"{name}: {times}" for name, times in sorted(statuses.items())))


if __name__ == "__main__":
    sys.exit(main())
