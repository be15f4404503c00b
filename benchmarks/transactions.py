"""How fast histories of transactions on lists are decided, and in how much memory.

    python -m benchmarks.transactions [--transactions 10000,100000] [--expect strict-serializable] [--stale 0.0]
                                      [--repeat 3] [--peer "COMMAND {}"]

The history is a strict serializable store's: 20 clients, 1 to 4 micro-operations, 32 appends to each list; ``--stale``
is the share of reads that miss the last append. It is printed: seconds of this process to read JSON lines, to infer and
build, and to decide; peak memory of the whole process (so run one size at a time for it); and the ratio to a fixed
piece of work done in the same run (sorting a million numbers), which machines differ less in than in seconds. The peer
is run on the same file as EDN, a shell-less command in which {} stands for the file's name.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, process_time

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.random_transactions import Shape, stored
from checkers.transactional import check
from checkers.transactional.graph import build
from checkers.transactional.transaction import transactions
from checkers.transactional.version_order import infer
from harness.formats import read_recording
from harness.history import Op

CLIENTS = 20


def history_lines(count: int, stale: float, seed: int = 0) -> list[Op]:
    """A history of ``count`` transactions; ``stale`` reads in a hundred miss the last append of their list."""
    random = Random(f"transactions {count} {seed}")
    shape = Shape(transactions=count, processes=CLIENTS, keys=8, appends_per_key=32, micros=4, unknown=0.001,
                  failed=0.01, empty=[])  # fmt: skip
    lines = stored(random, "strict-serializable", shape)
    for line in lines if stale else ():
        if line.type == "ok" and random.random() < stale:
            appended = {micro[1] for micro in line.value if micro[0] == "append"}
            for micro in line.value:
                if micro[0] == "r" and len(micro[2]) > 1 and micro[1] not in appended:
                    micro[2] = micro[2][:-1]
                    break
    return lines


def write_jsonl(lines: Sequence[Op], path: Path) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for line in lines:
            fields = {"type": line.type, "process": line.process, "f": line.f, "value": line.value}
            file.write(json.dumps(fields, separators=(",", ":")) + "\n")


def write_edn(lines: Sequence[Op], path: Path) -> None:
    """As Jepsen's tools read it."""
    with open(path, "w", encoding="utf-8") as file:
        for index, line in enumerate(lines):
            micros = " ".join(f"[:{f} {key} {'nil' if value is None else json.dumps(value).replace(',', '')}]"
                              for f, key, value in line.value)  # fmt: skip
            file.write(f"{{:index {index} :time {index} :type :{line.type} :process {line.process} :f :txn "
                       f":value [{micros}]}}\n")  # fmt: skip


def baseline_s() -> float:
    """A fixed piece of work."""
    random = Random(0)
    numbers = [random.random() for _ in range(1_000_000)]
    began = process_time()
    sorted(numbers)
    return process_time() - began


def measure(count: int, expect: str, stale: float, repeat: int, peer: str | None) -> None:
    """Print one row."""
    with tempfile.TemporaryDirectory() as folder:
        lines = history_lines(count, stale)
        path = Path(folder) / "history.jsonl"
        write_jsonl(lines, path)
        if peer:
            write_edn(lines, Path(folder) / "history.edn")
        del lines
        began = process_time()
        history = read_recording(path).history
        parse_s = process_time() - began
        began = process_time()
        build(infer(transactions(history)))
        build_s = process_time() - began
        times = []
        for _ in range(repeat):
            began = process_time()
            result = check(history, expect=expect)
            times.append(process_time() - began)
        base_s = baseline_s()
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        types = sorted({each.type for each in result.anomalies})
        print(f"{count:>9,} transactions  {result.valid!s:7}  parse {parse_s:6.2f} s  infer and build "
              f"{build_s:6.2f} s  check {median(times):6.2f} s ({median(times) / base_s:5.1f} x the baseline's "
              f"{base_s:.2f} s)  peak {peak_mb:,.0f} MB  {types}")  # fmt: skip
        if peer:
            began = perf_counter()
            command = [part.replace("{}", str(Path(folder) / "history.edn")) for part in shlex.split(peer)]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            wall_s = perf_counter() - began
            print(f"          the peer: {wall_s:.2f} s wall, exit status {done.returncode}, "
                  f"{wall_s / (parse_s + median(times)):.1f} x ours: {done.stdout.strip()[-200:]}")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transactions", default="10000,100000", help="sizes, separated by commas")
    parser.add_argument("--expect", default="strict-serializable")
    parser.add_argument("--stale", type=float, default=0.0, help="share of transactions with a stale read")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peer", help="a command that reads EDN, {} being the file")
    options = parser.parse_args(arguments)
    for count in map(int, options.transactions.split(",")):
        measure(count, options.expect, options.stale, options.repeat, options.peer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
