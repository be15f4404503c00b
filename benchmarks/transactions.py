"""How fast histories of transactions are decided, and in how much memory.

    python -m benchmarks.transactions [--data list,register] [--transactions 10000,100000,1000000]
                                      [--expect LEVEL,LEVEL] [--stale 0.0] [--repeat 3] [--time-limit 120]
                                      [--baseline-limit 120] [--peer "COMMAND {}"]

The histories are a strict serializable store's: 20 clients, 1 to 4 micro-operations, 32 appends or writes per key (see
benchmarks/transaction_histories.py); ``--stale`` is the share of reads that miss the last one. Each row is of a process
of its own. It tells CPU seconds, medians, of what was warmed up once on a small history: to read JSON lines; to infer
and build (of a large history by compiled code); to decide, with the evidence; all of it; how many times longer the
baseline took on the same history (benchmarks/plain_transactions.py: plain Python, one level of each kind of data, at
most ``--baseline-limit`` CPU seconds: past them ``>``); and the peak memory. A row begins with ``>`` where the checker
gave up at the time limit. Registers of more than 100,000 transactions are asked only for what takes no search, unless
``--expect`` says else. The peer is run on the same file as EDN: a command, without a shell, in which {} stands for the
file's name.
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
from functools import partial
from pathlib import Path
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
LEVELS = {"list": "strict-serializable",
          "register": "read-committed,read-atomic,causal,snapshot-isolation,serializable"}  # fmt: skip
SEARCHED_MAX = 100_000
SEARCHED = ("snapshot-isolation", "serializable")
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


def baseline_s(path: Path, data: Data, limit_s: float) -> tuple[float, bool]:
    """CPU seconds of the baseline, and whether it came to an end."""
    words = [sys.executable, "-m", "benchmarks.plain_transactions", data, str(path)]

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit_s), int(limit_s) + 1))

    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=ROOT, preexec_fn=bounded)
    if done.returncode < 0:  # ended by a signal at its limit
        return limit_s, False
    done.check_returncode()
    return float(json.loads(done.stdout)["seconds"]), True


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


def measure(path: Path, warm: Path, data: Data, options: argparse.Namespace) -> dict[str, Any]:
    """What a row tells, but for the baseline."""
    expect = options.expect
    if path.stat().st_size >= COMPILED_BYTES_MIN:
        check(read_recording(warm).history, expect=expect)
    parse: list[float] = []
    building: list[float] = []
    whole: list[float] = []
    for _ in range(options.repeat):
        seconds, recording = _timed(partial(read_recording, path))
        parse.append(seconds)
        seconds, result = _timed(partial(check, recording.history, expect=expect, time_limit_s=options.time_limit))
        whole.append(seconds)
        if not building:  # after the check, so that the peak is that of reading and checking
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            building.append(_timed(partial(built, recording.history, data))[0])
        del recording
        if result.valid == "unknown":
            break
    return {"valid": result.valid, "parse": median(parse), "build": median(building), "check": median(whole),
            "peak_mb": peak_mb, "types": sorted({each.type for each in result.anomalies})}  # fmt: skip


def row(found: dict[str, Any], baseline: tuple[float, bool]) -> str:
    """In words. What the check did beyond building is deciding."""
    total = found["parse"] + found["check"]
    times = f"parse {found['parse']:7.3f}  build {found['build']:7.3f}  "
    times += f"decide {max(0.0, found['check'] - found['build']):7.3f}  total {total:7.3f} s"
    ratio = f"baseline {' ' if baseline[1] else '>'}{baseline[0]:8.3f} s = {baseline[0] / total:7.2f} x"
    given_up = ">" if found["valid"] == "unknown" else " "
    return (f"{given_up}{found['valid']!s:7}  {times}  {ratio}  peak {found['peak_mb']:6,.0f} MB  "
            f"{' '.join(found['types'])}").rstrip()  # fmt: skip


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
            baseline = baseline_s(path, data, options.baseline_limit)
            for expect in (options.expect or LEVELS[data]).split(","):
                if not options.expect and expect in SEARCHED and count > SEARCHED_MAX:
                    continue
                words = [sys.executable, "-m", "benchmarks.transactions", "--measure", str(path), "--warm", str(warm),
                         "--data", data, "--expect", expect, "--repeat", str(options.repeat),
                         "--time-limit", str(options.time_limit)]  # fmt: skip
                done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT)
                print(f"{data:8} {count:>9,}  {expect:20}{row(json.loads(done.stdout), baseline)}", flush=True)
            if options.peer:
                print(f"{'':19} the peer: {ask_peer(options.peer, path)}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=",".join(get_args(Data)))
    parser.add_argument("--transactions", default="10000,100000,1000000", help="sizes, separated by commas")
    parser.add_argument("--expect", help="levels, separated by commas; else strict-serializable, or of registers five")
    parser.add_argument("--stale", type=float, default=0.0, help="share of reads that miss the last write")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=120.0, help="seconds for one check")
    parser.add_argument("--baseline-limit", type=float, default=120.0, help="CPU seconds for the baseline")
    parser.add_argument("--peer", help="a command that reads EDN, {} being the file")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--warm", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(measure(Path(options.measure), Path(options.warm), options.data, options)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        rows(options, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
