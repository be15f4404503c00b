"""Limits under fire: histories that are hard, huge or hostile, and how far ``check`` exceeds its limits on them.

    python -m benchmarks.hard_limits                          every case, under 2 and 5 s, 256 MB and 1 GB
    python -m benchmarks.hard_limits --cases array parser     those whose name has one of these words
    python -m benchmarks.hard_limits --folder /var/tmp/hard   where the histories are kept from one run to the next

Each command runs by itself; the wall time is of the whole command, the memory what is resident of it and of all
processes below it, together, looked at every few milliseconds. Exit status 1 if any limit was exceeded by more than a
tenth.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from benchmarks.linearizable_histories import generate
from harness.formats.jsonl import dump

ROOT: Final = Path(__file__).resolve().parent.parent
TOLERATED: Final = 1.1
LOOK_EVERY_S: Final = 0.004
UNITS: Final = {"M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True, slots=True)
class Case:
    """A history, written by ``lines``, and the options it is checked with."""

    lines: Callable[[], Iterator[str]]
    options: tuple[str, ...] = ()


def _generated(row: str, operations: int, clients: int, *, crashed: int = 0, valid: bool = True) -> Iterator[str]:
    history, _ = generate(row, seed=1, operations=operations, clients=clients, crashed=crashed, valid=valid)
    return (f"{dump(op)}\n" for op in history)


def _writes(count: int, *, stale: bool = False) -> Iterator[str]:
    """Writes of distinct values, each read; perhaps with a stale read at the end."""
    for number in range(count):
        for f, value in (("write", number), ("read", number)):
            asked = number if f == "write" else "null"
            yield f'{{"type": "invoke", "process": 0, "f": "{f}", "value": {asked}}}\n'
            yield f'{{"type": "ok", "process": 0, "f": "{f}", "value": {value}}}\n'
    if stale:
        yield '{"type": "invoke", "process": 0, "f": "read", "value": null}\n'
        yield '{"type": "ok", "process": 0, "f": "read", "value": 0}\n'


def _array(count: int) -> Iterator[str]:
    yield "[\n"
    for number, line in enumerate(_writes(count)):
        yield ("," if number else " ") + line
    yield "]\n"


def _edn(count: int) -> Iterator[str]:
    for number in range(count):
        yield f"{{:type :invoke, :process 0, :f :write, :value {number}}}\n"
        yield f"{{:type :ok, :process 0, :f :write, :value {number}}}\n"


def _porcupine(count: int) -> Iterator[str]:
    yield "[\n"
    for number in range(count):
        comma = "," if number else " "
        yield (f'{comma}{{"ClientId": 0, "Input": {{"op": "write", "value": {number}}}, "Call": {2 * number}, '
               f'"Output": null, "Return": {2 * number + 1}}}\n')  # fmt: skip
    yield "]\n"


def _one_line(megabytes: int) -> Iterator[str]:
    yield '{"type": "invoke", "process": 0, "f": "read", "value": null}\n'
    yield '{"type": "ok", "process": 0, "f": "read", "value": [0'
    for _ in range(megabytes):
        yield ",1234567" * (1 << 17)
    yield "]}\n"


def _nested(count: int) -> Iterator[str]:
    deep = "[" * 30 + "1" + "]" * 30
    for _ in range(count):
        yield f'{{"type": "invoke", "process": 0, "f": "write", "value": {deep}}}\n'
        yield f'{{"type": "ok", "process": 0, "f": "write", "value": {deep}}}\n'


def _keys(count: int, *, stale: bool) -> Iterator[str]:
    """Many keys, each with two writes and a read of the first or of the second."""
    for key in range(count):
        for f, value in (("write", 1), ("write", 2), ("read", 1 if stale else 2)):
            for kind in ("invoke", "ok"):
                yield f'{{"type": "{kind}", "process": 0, "f": "{f}", "value": {value}, "key": {key}}}\n'


def _transactions(count: int) -> Iterator[str]:
    lists: dict[int, list[int]] = {}
    for number in range(count):
        key, other = number % 1000, (number * 7) % 1000
        lists.setdefault(key, []).append(number)
        read = json.dumps(lists.get(other, [])[:200])
        lists[key] = lists[key][-200:] if len(lists[key]) < 200 else []
        for kind, seen in (("invoke", "null"), ("ok", read)):
            yield (f'{{"type": "{kind}", "process": {number % 8}, "f": "txn", '
                   f'"value": [["append", {key}, {number}], ["r", {other}, {seen}]]}}\n')  # fmt: skip


def _model(body: str) -> Callable[[], Iterator[str]]:
    """Not a history but a model whose step does ``body``; a history of two writes beside it is what is checked."""

    def lines() -> Iterator[str]:
        yield f"class Model:\n    def init(self):\n        return 0\n    def step(self, state, operation):\n{body}"

    return lines


_LOOP: Final = "        while True:\n            state += 1\n"
_GREED: Final = "        kept = []\n        while True:\n            kept.append(bytearray(1 << 20))\n"
_FORKS: Final = ("        import os\n        kept = []\n        os.fork()\n        os.fork()\n"
                 "        while True:\n            kept.append(bytearray(1 << 20))\n")  # fmt: skip
_REGISTER: Final = ("--model", "cas-register")

CASES: Final[dict[str, Case]] = {
    "search-register-50-clients": Case(lambda: _generated("cas-register", 2000, 50), _REGISTER),
    "search-register-80-crashed": Case(lambda: _generated("crashed-cas", 1000, 8, crashed=80), _REGISTER),
    "search-register-200-clients": Case(lambda: _generated("cas-register", 20_000, 200), _REGISTER),
    "search-register-invalid": Case(lambda: _generated("cas-register", 5000, 30, valid=False), _REGISTER),
    "search-counter": Case(lambda: _generated("counter", 3000, 40), ("--model", "counter")),
    "search-multi-register": Case(lambda: _generated("multi-register", 3000, 30), ("--model", "multi-register")),
    "search-queue": Case(lambda: _generated("queue-duplicates", 3000, 30), ("--model", "queue")),
    "search-stack": Case(lambda: _generated("stack-duplicates", 3000, 30), ("--model", "stack")),
    "search-kv": Case(lambda: _generated("kv-duplicates", 2000, 30), ("--model", "kv")),
    "search-set": Case(lambda: _generated("set-removes", 2000, 30), ("--model", "set")),
    "search-brute": Case(lambda: _generated("cas-register", 60, 20), (*_REGISTER, "--method", "brute")),
    "z3-windows": Case(lambda: _generated("cas-register", 1000, 20), (*_REGISTER, "--method", "z3")),
    "z3-crashed": Case(lambda: _generated("crashed-cas", 400, 10, crashed=40), (*_REGISTER, "--method", "z3")),
    "parser-jsonl-200-MB": Case(lambda: _writes(750_000)),
    "parser-array-200-MB": Case(lambda: _array(750_000)),
    "parser-edn-60-MB": Case(lambda: _edn(500_000)),
    "parser-porcupine-90-MB": Case(lambda: _porcupine(800_000)),
    "parser-one-line-50-MB": Case(lambda: _one_line(50)),
    "parser-nested": Case(lambda: _nested(300_000)),
    "parser-text-log": Case(lambda: iter(["INFO jepsen.util - 0\t:invoke\t:read\tnil\n",
                                          *("INFO jepsen.core - nothing here\n" * 1000 for _ in range(2000))])),
    "witness-stale-at-the-end": Case(lambda: _writes(100_000, stale=True)),
    "witness-50000-keys": Case(lambda: _keys(50_000, stale=True)),
    "witness-queue": Case(lambda: _generated("queue", 20_000, 20, valid=False), ("--model", "queue")),
    "keys-200000": Case(lambda: _keys(200_000, stale=False)),
    "transactions-200000": Case(lambda: _transactions(200_000), ("--expect", "serializable")),
    "model-loops": Case(_model(_LOOP)),
    "model-greedy": Case(_model(_GREED)),
    "model-forks": Case(_model(_FORKS)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """How one command went: its whole time, the most that was resident at a time, and what it said."""

    seconds: float
    peak_bytes: int
    status: int
    said: str

    def verdict(self) -> str:
        try:
            answer = json.loads(self.said.strip().splitlines()[-1])
        except (ValueError, IndexError):
            return f"status {self.status}, no JSON"
        if "error" in answer:
            return f"error: {answer['error']}"
        why = f" ({answer['reason']}): {answer['explanation']}" if answer["reason"] else ""
        return f"{answer['valid']}{why}"


def measured(command: Sequence[str], folder: Path, give_up_s: float) -> Measured:
    """Run a command and watch it and all processes below it."""
    began, peak = monotonic(), 0
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.DEVNULL,
                                   env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
        while process.poll() is None:
            peak = max(peak, resident_bytes(process.pid, peak))
            if monotonic() - began > give_up_s:
                process.kill()
            sleep(LOOK_EVERY_S)
        seconds = monotonic() - began
        said.seek(0)
        return Measured(seconds, peak, process.returncode, said.read())


def family(process: int) -> list[int]:
    """A process and all below it."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:  # it has just ended
        return []
    return [process, *(below for child in children for below in family(int(child)))]


def resident_bytes(process: int, known: int) -> int:
    """What is resident of a process and of all below it, of what they share only once; 0 where that is certainly less
    than ``known``, for it takes long to find out."""
    try:
        all_ = family(process)
        pages = sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in all_)
        if pages * os.sysconf("SC_PAGE_SIZE") <= known:
            return 0
        rollups = [Path(f"/proc/{each}/smaps_rollup").read_text() for each in all_]
        return sum(int(re.findall(r"^Pss: +(\d+)", text, re.MULTILINE)[0]) * 1024 for text in rollups)
    except (OSError, IndexError):
        return 0


def written(name: str, case: Case, folder: Path) -> Path:
    """The case's history, in a file."""
    model = name.startswith("model-")
    path = folder / (f"{name.replace('-', '_')}.py" if model else f"{name}.history")
    if not path.exists():
        with path.open("w") as stream:
            stream.writelines(case.lines())
    if not model:
        return path
    history = folder / "two-writes.history"
    history.write_text("".join(list(_writes(2))))
    return history


def command_of(name: str, case: Case, path: Path, limits: Sequence[str]) -> list[str]:
    own = ("--model", f"{name.replace('-', '_')}:Model") if name.startswith("model-") else ()
    return [sys.executable, "-m", "harness.cli", "check", str(path), "--json", *case.options, *own, *limits]


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    exceeded = 0
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name, case in CASES.items():
            if args.cases and not any(word in name for word in args.cases):
                continue
            path = written(name, case, folder)
            for limits in ((seconds, memory) for seconds in args.seconds for memory in args.memory):
                row = _run(name, case, path, folder, limits)
                exceeded += row["exceeded"]
                rows.append(row)
                print(_told(row), flush=True)
    if args.json:
        print(json.dumps(rows))
    print(f"{len(rows)} commands, {exceeded} exceeded a limit by more than a tenth")
    return 1 if exceeded else 0


def _run(name: str, case: Case, path: Path, folder: Path, limits: tuple[float, str]) -> dict[str, Any]:
    seconds, memory = limits
    options = ("--time-limit", f"{seconds:g}", "--memory-limit", memory)
    found = measured(command_of(name, case, path, options), folder, give_up_s=4 * seconds + 10)
    limit_bytes = int(memory[:-1]) * UNITS[memory[-1]]
    of_time, of_memory = found.seconds / seconds, found.peak_bytes / limit_bytes
    return {"case": name, "time_limit_s": seconds, "memory_limit": memory, "seconds": round(found.seconds, 3),
            "peak_mb": found.peak_bytes >> 20, "of_time": round(of_time, 3), "of_memory": round(of_memory, 3),
            "exceeded": max(of_time, of_memory) > TOLERATED, "status": found.status,
            "verdict": found.verdict()}  # fmt: skip


def _told(row: dict[str, Any]) -> str:
    mark = "EXCEEDED" if row["exceeded"] else ""
    return (f"{row['case']:28} {row['time_limit_s']:3g} s {row['memory_limit']:>4}  {row['seconds']:6.2f} s "
            f"{row['of_time']:5.2f}x  {row['peak_mb']:5} MB {row['of_memory']:5.2f}x {mark:8}  "
            f"{row['verdict'][:150]}")  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="*", default=(), help="words of the names of cases (default: all)")
    parser.add_argument("--seconds", nargs="*", type=float, default=(2.0, 5.0), help="time limits")
    parser.add_argument("--memory", nargs="*", default=("256M", "1G"), help="memory limits")
    parser.add_argument("--folder", type=Path, help="where the histories are kept (default: nowhere)")
    parser.add_argument("--json", action="store_true", help="all rows once more, on one line")
    return parser


if __name__ == "__main__":
    sys.exit(main())
