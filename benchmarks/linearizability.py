"""How long linearizability takes: every kind of history that peers were measured on, against a fixed baseline.

    python -m benchmarks.linearizability                              all rows, three seeds each
    python -m benchmarks.linearizability --rows T3 stack --seeds 5    those whose name has one of these words
    python -m benchmarks.linearizability --cold                       with nothing compiled, and files not in memory
    python -m benchmarks.linearizability --etcd FOLDER                T5, too: a folder of Jepsen's logs of etcd
    python -m benchmarks.linearizability --peer 'porcupine-json {file} {model}' --peer-format porcupine

Of each row are printed: the median over the seeds of our time to decide alone (in a process that has decided it once
before; with --cold, that has not), that to decide and tell, which for an invalid history is mostly the making small of
its witness, that of the whole command, and its greatest peak memory; and how many times as long as to decide the
baseline takes, which is a plain search in pure Python that is never changed (``benchmarks.wing_gong``), on the same
history in the same run. ``>`` stands before what was given up at --patience seconds.

A peer is any command that is given a file (``benchmarks.peer`` says how it answers); its time and its verdict stand
beside ours. Exit status 1 if anybody disagrees with what a history is by construction, or a peer with us.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final, Literal

from benchmarks import peer
from benchmarks.linearizable_histories import generate

ROOT: Final = Path(__file__).resolve().parent.parent
BASELINE_MEMORY_BYTES: Final = 2 << 30
AGAIN_S: Final = 0.5  # what takes less is decided several times, and the least of it counts
Size = tuple[str, int, int, int]  # row of the generator, operations, clients, crashed


def _rows() -> dict[str, Size]:
    """Every row by its name: the target that it belongs to, what it is, how long, how many clients."""
    rows: dict[str, Size] = {}

    def row(target: str, kind: str, operations: int, clients: int, crashed: int = 0) -> None:
        size = f"{operations // 1000}k" if operations >= 1000 else str(operations)
        lost = f"-{crashed}-crashed" if crashed else ""
        rows[f"{target}-{kind}-{size}-{clients}-clients{lost}"] = (kind, operations, clients, crashed)

    for clients in (5, 15, 20, 50):
        row("T1", "register-unique", 1000, clients)
    for operations in (10_000, 100_000, 1_000_000):
        row("T1", "register-unique", operations, 30)
    for kind in ("queue", "stack", "pqueue", "set-distinct", "set-elements"):
        row("T2", kind, 100_000, 8)
    for kind, clients in (("queue", 3), ("queue", 5), ("stack", 8), ("pqueue", 8), ("deque", 8)):
        row("T2", kind, 500, clients)
    for kind in ("register", "cas-register"):
        for clients in (5, 10, 15, 20, 30):
            row("T3", kind, 1000, clients)
    row("T3", "cas-register", 100_000, 5)
    for kind in ("crashed-writes", "crashed-cas"):
        for crashed in (8, 14, 40, 80):
            row("T4", kind, 1000, 1, crashed)
    for kind, crashed in (("crashed-writes-first", 14), ("crashed-cas-first", 12)):
        row("T4", kind, 100, 1, crashed)
    for kind, operations, clients in (
        ("kv", 300, 15), ("kv-puts", 300, 15), ("kv-duplicates", 300, 15), ("counter", 500, 20),
        ("counter-told", 500, 20), ("set", 300, 15), ("set-removes", 300, 15), ("multi-register", 300, 15),
        ("queue-duplicates", 500, 5), ("stack-duplicates", 500, 8), ("deque-duplicates", 500, 8),
    ):  # fmt: skip
        row("T6", kind, operations, clients)
    row("T6", "queue-lost-takes", 500, 5, 20)
    return rows


ROWS: Final = _rows()
ETCD: Final = "T5-etcd-logs"


@dataclass(slots=True)
class Timed:
    """One history: what it is, what we, the baseline and the peer say, and in how many seconds. The baseline's and the
    peer's are at least that many where there is no verdict."""

    row: str
    seed: int
    operations: int
    truth: bool | None
    verdict: Any = None
    method: str | None = None
    reason: str | None = None
    decide_s: float = 0.0
    told_s: float = 0.0
    read_s: float = 0.0
    command_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: int = 0
    baseline: bool | None = None
    baseline_s: float | None = None
    peer: bool | None = None
    peer_s: float | None = None
    peer_whole_s: float | None = None
    wrong: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    if args.worker:
        return _work(*args.worker)
    wrong: list[str] = []
    rows: list[dict[str, Any]] = []
    print(_HEAD)
    with tempfile.TemporaryDirectory() as folder:
        for name in _chosen(args.rows, args.etcd):
            for valid in (True, False) if name != ETCD else (None,):
                timed = [_timed(*history, args) for history in _histories(name, valid, args, Path(folder))]
                rows += [asdict(each) for each in timed]
                wrong += [complaint for each in timed for complaint in each.wrong]
                if timed:
                    print(_line(name, valid, timed), flush=True)
                for complaint in (complaint for each in timed for complaint in each.wrong):
                    print(f"!!! {complaint}", flush=True)
    print(f"{len(rows)} histories, {len(wrong)} disagreements" + "".join(f"\n!!! {each}" for each in wrong))
    if args.json:
        print(json.dumps(rows))
    return 1 if wrong else 0


def _chosen(words: Sequence[str], etcd: Path | None) -> Iterator[str]:
    for name in (*ROWS, *([ETCD] if etcd else [])):
        if not words or any(word in name for word in words):
            yield name


def _histories(
    name: str, valid: bool | None, args: argparse.Namespace, folder: Path
) -> Iterator[tuple[Timed, Path, str]]:
    """Each history of a row, in a file that is there until the next one is asked for; and its model."""
    if valid is None:
        for number, path in enumerate(sorted(args.etcd.glob("*.log"))):
            lines = path.read_bytes().count(b":invoke")
            yield Timed(name, number, lines, None), path, "cas-register"
        return
    kind, operations, clients, crashed = ROWS[name]
    for seed in range(args.seeds if operations < 100_000 else 1):
        try:
            history, model = generate(kind, seed=seed, operations=operations, clients=clients, valid=valid,
                                      crashed=crashed)  # fmt: skip
        except ValueError as error:
            print(f"skipped: {error}")
            continue
        path = folder / f"{name}-{seed}.jsonl"
        peer.write(history, path, "jsonl")
        yield Timed(name, seed, history.types.count(0), valid), path, model
        path.unlink()


def _timed(timed: Timed, path: Path, model: str, args: argparse.Namespace) -> Timed:
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **({"XDG_CACHE_HOME": cache} if args.cold else {})}
        _ours(timed, path, model, args, environment)
    _whole_command(timed, path, model, args)
    if not args.no_baseline:
        _baseline(timed, path, model, args.patience)
    if args.peer:
        _peer(timed, path, model, args)
    _compare(timed, path)
    return timed


def _ours(timed: Timed, path: Path, model: str, args: argparse.Namespace, environment: Mapping[str, str]) -> None:
    if args.cold:
        _forget(path)
    found = _worker("decide", path, model, args.patience, environment, once=args.cold)
    timed.verdict, timed.method = found["verdict"], found.get("method")
    timed.reason = found.get("reason")
    timed.decide_s, timed.read_s, timed.cpu_s = found["decide_s"], found["read_s"], found["cpu_s"]
    timed.told_s = found.get("told_s", timed.decide_s)


# A process inherits the peak memory of the one that it was forked from, so a small one must start it, and measure.
_STARTER: Final = """
import os, sys, time
began = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[
    (os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_RDWR, 0) for each in (1, 2)])
_, _, usage = os.wait4(process, 0)
print(time.perf_counter() - began, usage.ru_maxrss)
"""


def _whole_command(timed: Timed, path: Path, model: str, args: argparse.Namespace) -> None:
    """The command as a user gives it, with a cache of its own if that must be cold."""
    with tempfile.TemporaryDirectory() as cache:
        if args.cold:
            _forget(path)
        command = [sys.executable, "-S", "-I", "-c", _STARTER, sys.executable, "-m", "harness.cli", "check", str(path),
                   "--model", model, "--json", "--time-limit", str(args.patience)]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **({"XDG_CACHE_HOME": cache} if args.cold else {})}
        done = subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, check=True)
        seconds, peak_kb = done.stdout.split()
        timed.command_s, timed.peak_mb = float(seconds), int(peak_kb) >> 10


def _baseline(timed: Timed, path: Path, model: str, patience_s: float) -> None:
    found = _worker("baseline", path, model, patience_s, os.environ)
    timed.baseline, timed.baseline_s = found["verdict"], found["decide_s"]


def _peer(timed: Timed, path: Path, model: str, args: argparse.Namespace) -> None:
    file = path
    if args.peer_format != "jsonl" or timed.row == ETCD:
        from harness.formats import read_history

        file = path.parent / "peer.json" if timed.row != ETCD else Path(tempfile.gettempdir()) / "peer-etcd.json"
        peer.write(read_history(path), file, args.peer_format)
    answer = peer.ask(args.peer, file, model, args.patience)
    timed.peer, timed.peer_s, timed.peer_whole_s = answer.verdict, answer.seconds, answer.whole_s
    if file != path:
        file.unlink()


def _compare(timed: Timed, path: Path) -> None:
    """Whoever contradicts somebody is told: by construction it is known what is right."""
    said = {"by construction": timed.truth, "ours": timed.verdict, "baseline": timed.baseline, "peer": timed.peer}
    verdicts = {who: what for who, what in said.items() if isinstance(what, bool)}
    if len(set(verdicts.values())) > 1:
        timed.wrong.append(f"DISAGREEMENT on {timed.row}, seed {timed.seed} ({path.name}): {verdicts}")


def _worker(
    what: Literal["decide", "baseline"], path: Path, model: str, patience_s: float, environment: Mapping[str, str],
    *, once: bool = False,
) -> dict[str, Any]:  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.linearizability", "--worker", what, str(path), model,
               str(patience_s), "once" if once else ""]  # fmt: skip
    none = {"verdict": None, "decide_s": patience_s, "read_s": 0.0, "cpu_s": 0.0}
    try:
        done = subprocess.run(command, cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False,
                              timeout=3 * patience_s + 60)  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        return none
    return found


def _work(what: str, path: str, model: str, patience_s: str, once: str) -> int:
    """In a process of its own: read the history, and decide it."""
    from checkers import read_history
    from checkers.linearizable.verdict import check

    began = perf_counter()
    history = read_history(path)
    read_s = perf_counter() - began
    if what == "baseline":
        print(json.dumps({**_by_baseline(history, model, float(patience_s)), "read_s": read_s}))
        return 0
    times: list[float] = []
    while not times or (not once and len(times) < 5 and sum(times) < AGAIN_S):
        began, cpu = perf_counter(), process_time()
        result = check(history, model=model, time_limit_s=float(patience_s), witness_time_s=0.0)
        times.append(perf_counter() - began)
        cpu_s = process_time() - cpu
    told_s = min(times)
    if result.valid is False:
        began = perf_counter()
        check(history, model=model, time_limit_s=float(patience_s))
        told_s = perf_counter() - began
    print(json.dumps({"verdict": result.valid, "method": result.method, "reason": result.reason, "read_s": read_s,
                      "decide_s": min(times), "told_s": told_s, "cpu_s": cpu_s}))  # fmt: skip
    return 0


def _by_baseline(history: Any, model: str, patience_s: float) -> dict[str, Any]:
    from benchmarks import wing_gong

    resource.setrlimit(resource.RLIMIT_AS, (BASELINE_MEMORY_BYTES, BASELINE_MEMORY_BYTES))
    began, cpu = perf_counter(), process_time()
    try:
        verdict = wing_gong.decide(history, model, patience_s)
    except MemoryError:
        verdict = None
    seconds = perf_counter() - began
    return {"verdict": verdict, "decide_s": seconds if verdict is not None else max(seconds, patience_s),
            "cpu_s": process_time() - cpu}  # fmt: skip


def _forget(path: Path) -> None:
    """Let the system drop the file from its memory; it may keep it."""
    with path.open("rb") as stream:
        os.fdatasync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


_HEAD: Final = (f"{'row':52} {'is':7} {'ours':22} {'decide ms':>10} {'worst':>9} {'told ms':>9} "
                f"{'command ms':>10} {'peak MB':>7} "
                f"{'baseline ms':>12} {'ratio':>10} {'peer ms':>10} {'ratio':>10}")  # fmt: skip


def _line(name: str, valid: bool | None, timed: Sequence[Timed]) -> str:
    decide = [each.decide_s for each in timed]
    is_ = "mixed" if valid is None else "valid" if valid else "invalid"
    ours = ", ".join(sorted({_word(each) for each in timed}))
    undecided = any(not isinstance(each.verdict, bool) for each in timed)
    return (f"{name:52} {is_:7} {ours[:22]:22} {_ms(median(decide), undecided):>10} {_ms(max(decide)):>9} "
            f"{_ms(median(each.told_s for each in timed)):>9} {_ms(median(each.command_s for each in timed)):>10} "
            f"{max(each.peak_mb for each in timed):>7} "
            f"{_other([(each.baseline, each.baseline_s, each.decide_s) for each in timed], 12)} "
            f"{_other([(each.peer, each.peer_s, each.decide_s) for each in timed], 10)}")  # fmt: skip


def _word(timed: Timed) -> str:
    word = {True: "valid", False: "invalid"}.get(timed.verdict)
    return f"{word} {timed.method}" if word else f"UNKNOWN: {timed.reason or 'no answer'}"


def _other(answers: Sequence[tuple[bool | None, float | None, float]], width: int) -> str:
    """The median time of somebody else, and of its ratio to ours; ``>`` where some were given up."""
    known = [(verdict, seconds, ours) for verdict, seconds, ours in answers if seconds is not None]
    if not known:
        return f"{'':{width}} {'':10}"
    gave_up = any(verdict is None for verdict, _, _ in known)
    ratio = median(seconds / ours for _, seconds, ours in known)
    sign = ">" if gave_up else ""
    text = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2f}"
    return f"{_ms(median(seconds for _, seconds, _ in known), gave_up):>{width}} {sign + text:>10}"


def _ms(seconds: float, gave_up: bool = False) -> str:
    return f"{'>' if gave_up else ''}{seconds * 1e3:,.1f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--rows", nargs="*", default=(), metavar="WORD", help=f"of {', '.join(ROWS)}")
    option("--seeds", type=int, default=3, help="histories of each row, under 100,000 operations (default: 3)")
    option("--patience", type=float, default=10.0, help="seconds for each answer of each (default: 10)")
    option("--cold", action="store_true", help="with empty caches: of compiled code, of files")
    option("--no-baseline", action="store_true", help="without the baseline")
    option("--etcd", type=Path, metavar="FOLDER", help="Jepsen's logs of etcd, *.log, for T5")
    option("--peer", metavar="COMMAND", help="another checker, with {file} and {model} in its place")
    option("--peer-format", choices=peer.FORMATS, default="porcupine", help="what it reads (default: porcupine)")
    option("--json", action="store_true", help="all that was measured, on one line at the end")
    option("--worker", nargs=5, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
