"""How fast histories of transactions are decided, and in how much memory.

    python -m benchmarks.transactions [--data list,register] [--transactions 10000,100000] [--expect LEVEL,LEVEL]
                                      [--stale 0.0] [--repeat 3] [--peer "COMMAND {}"]

The histories are a strict serializable store's: 20 clients, 1 to 4 micro-operations, 32 appends or writes per key (see
benchmarks/transaction_histories.py); ``--stale`` is the share of reads that miss the last one. Each row is of a process
of its own. It tells CPU seconds, medians, of what was warmed up once on a small history: to read JSON lines; to infer
and build (of a large history by compiled code); the whole check, which does that, too; the ratio of reading and
checking to a fixed piece of work done in the same run (sorting a million numbers), in which machines differ less than
in seconds; and the peak memory of the process. The peer is run on the same file as EDN: a command, without a shell, in
which {} stands for the file's name.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import Any, get_args

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.transaction_histories import Data, history_lines
from checkers.transactional import check
from checkers.transactional.graph import build
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.register.sources import histories
from checkers.transactional.transaction import transactions
from checkers.transactional.version_order import infer
from harness.formats import COMPILED_BYTES_MIN, read_recording
from harness.history import History

ROOT = Path(__file__).resolve().parent.parent
LEVELS = {"list": "strict-serializable", "register": "read-committed,read-atomic,causal"}
WARM_BYTES = COMPILED_BYTES_MIN + 1_000_000


def write_history(path: Path, data: Data, count: int, stale: float) -> None:
    """As JSON lines."""
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in history_lines(data, count, stale))


def write_warm(path: Path, data: Data) -> None:
    """The shortest history for which compiled code is loaded."""
    size = 0
    with path.open("w", encoding="utf-8") as stream:
        for line in history_lines(data, 1_000_000):
            size += stream.write(f"{line}\n")
            if size > WARM_BYTES and '"type":"ok"' in line:
                return


def baseline_s() -> float:
    """CPU seconds of a fixed piece of work."""
    random = Random(0)
    numbers = [random.random() for _ in range(1_000_000)]
    return _timed(lambda: sorted(numbers))[0]


def built(history: History, data: Data) -> Any:
    """What is known before anything is decided."""
    columns = history.columns
    if columns is not None and columns.spans is not None:
        from checkers.transactional import columnar
        from checkers.transactional.columnar.registers import registers

        found = columnar.examined(columns, None) if data == "list" else registers(columns, None)
        if found is not None:
            return found
    return build(infer(transactions(history))) if data == "list" else list(histories(read_transactions(history)))


def measure(path: Path, warm: Path, data: Data, expect: str, repeat: int) -> str:
    """One row."""
    if path.stat().st_size >= COMPILED_BYTES_MIN:
        check(read_recording(warm).history, expect=expect)
    parse, building, whole = [], [], []
    for _ in range(repeat):
        seconds, recording = _timed(lambda: read_recording(path))
        parse.append(seconds)
        seconds, result = _timed(lambda history=recording.history: check(history, expect=expect))
        whole.append(seconds)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if not building:  # after the check, so that the peak is that of reading and checking
            building.append(_timed(lambda history=recording.history: built(history, data))[0])
        del recording
    times = [median(parse), median(building), median(whole)]
    total = times[0] + times[2]
    types = " ".join(sorted({each.type for each in result.anomalies}))
    return (f"{result.valid!s:7}  parse {times[0]:7.3f}  build {times[1]:7.3f}  check {times[2]:7.3f}  "
            f"total {total:7.3f} s  {total / baseline_s():6.2f} x  peak {peak_mb:6,.0f} MB  {types}")  # fmt: skip


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = process_time()
    done = work()
    return process_time() - began, done


def write_edn(path: Path, edn: Path) -> None:
    """The history in a JSONL file as Jepsen's tools read it."""
    with path.open(encoding="utf-8") as lines, edn.open("w", encoding="utf-8") as stream:
        for index, line in enumerate(map(json.loads, lines)):
            micros = " ".join(f"[:{f} {key} {_value(value)}]" for f, key, value in line["value"])
            stream.write(f"{{:index {index} :time {index} :type :{line['type']} :process {line['process']} :f :txn "
                         f":value [{micros}]}}\n")  # fmt: skip


def _value(value: Any) -> str:
    return "nil" if value is None else json.dumps(value).replace(",", "")


def ask_peer(command: str, path: Path) -> str:
    """The peer's time on the same history, as EDN."""
    edn = path.with_suffix(".edn")
    write_edn(path, edn)
    began = perf_counter()
    words = [part.replace("{}", str(edn)) for part in shlex.split(command)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return f"{perf_counter() - began:.3f} s wall, exit status {done.returncode}: {done.stdout.strip()[-200:]}"


def rows(options: argparse.Namespace, folder: Path) -> None:
    """Print one row per kind of data, size and level, each measured in a process of its own."""
    for data in options.data.split(","):
        warm = folder / "warm.jsonl"
        write_warm(warm, data)
        for count in map(int, options.transactions.split(",")):
            path = folder / "history.jsonl"
            write_history(path, data, count, options.stale)
            for expect in (options.expect or LEVELS[data]).split(","):
                words = [sys.executable, "-m", "benchmarks.transactions", "--measure", str(path), "--warm", str(warm),
                         "--data", data, "--expect", expect, "--repeat", str(options.repeat)]  # fmt: skip
                done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT)
                print(f"{data:8} {count:>9,}  {expect:20} {done.stdout.strip()}", flush=True)
            if options.peer:
                print(f"{'':19} the peer: {ask_peer(options.peer, path)}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=",".join(get_args(Data)))
    parser.add_argument("--transactions", default="10000,100000", help="sizes, separated by commas")
    parser.add_argument("--expect", help="levels, separated by commas; else strict-serializable, or of registers three")
    parser.add_argument("--stale", type=float, default=0.0, help="share of reads that miss the last write")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peer", help="a command that reads EDN, {} being the file")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--warm", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print(measure(Path(options.measure), Path(options.warm), options.data, options.expect, options.repeat))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        rows(options, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
