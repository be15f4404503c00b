"""How fast a million operations are judged by each session guarantee, from a history that is in memory.

    python -m benchmarks.session_guarantees [--operations 1000000] [--writers one,several] [--stale 0,0.001]
                                            [--repeat 3]

20 clients; registers that 32 writes go to, each with one writer, or with any; reads by anybody. ``--stale`` is the
share of reads that miss the last two versions. Printed: CPU seconds of each guarantee (best of several), with and
without ``versions``, and the ratio to a fixed piece of work done in the same run (sorting a million numbers), which
machines differ less in than in seconds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import process_time

import numpy as np

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from checkers.session import verdict
from checkers.session.verdict import ALL
from checkers.session.violation import GUARANTEES
from harness.columns import NIL, NUMBER, Columns
from harness.history import INVOKE, OK, History

CLIENTS = 20
WRITES_PER_KEY = 32


def baseline_s() -> float:
    """CPU seconds of a fixed piece of work."""
    numbers = np.random.default_rng(0).random(1_000_000).tolist()
    began = process_time()
    sorted(numbers)
    return process_time() - began


def history_of(count: int, *, one_writer: bool, stale: float, seed: int = 0) -> History:
    """A history of ``count`` operations, half of them writes, in rounds in which all clients are busy at once."""
    random = np.random.default_rng(seed)
    rounds = max(1, count // CLIENTS)
    process = np.tile(np.arange(CLIENTS), rounds)
    is_write = random.random(len(process)) < 0.5
    key = _keys(random, process, is_write, one_writer=one_writer)
    value, is_nil = _values(random, key, is_write, stale)
    lines = np.arange(len(process)).reshape(rounds, CLIENTS)
    at = np.concatenate((lines, lines), axis=1).ravel()  # a round's invocations, and then its completions
    is_ok = np.tile(np.repeat([False, True], CLIENTS), rounds)
    first = np.arange(2 * len(process)).reshape(rounds, 2, CLIENTS)
    partners = np.stack((first[:, 1], first[:, 0]), axis=1).ravel()
    shown = is_write[at] | is_ok
    kinds = np.where(~shown | (is_nil[at] & ~is_write[at]), NIL, NUMBER).astype(np.uint8)
    return History.from_columns(Columns(
        types=np.where(is_ok, OK, INVOKE).astype(np.uint8), processes=process[at].astype(np.int64),
        fs=np.where(is_write[at], 0, 1).astype(np.uint16), f_names=("write", "read"), kinds=kinds,
        numbers=np.where(kinds == NUMBER, value[at], 0).astype(np.int64), partners=partners.astype(np.int64),
        times=np.arange(len(at), dtype=np.int64) * 10_000, keys=key[at].astype(np.int32),
        key_names=tuple(range(int(key.max()) + 1)),
        value=lambda line: None if kinds[line] == NIL else int(value[at[line]]),
    ))  # fmt: skip


def _keys(random: np.random.Generator, process: np.ndarray, is_write: np.ndarray, *, one_writer: bool) -> np.ndarray:
    """Each operation's key: of the 20 that are written to just then any; of one writer, its own for a write."""
    era = np.arange(len(process)) // (2 * WRITES_PER_KEY * CLIENTS)
    slot = random.integers(0, CLIENTS, len(process))
    keys: np.ndarray = era * CLIENTS + (np.where(is_write, process, slot) if one_writer else slot)
    return keys


def _values(
    random: np.random.Generator, key: np.ndarray, is_write: np.ndarray, stale: float
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """What each operation writes, or reads: what stood there at the beginning of the round, or two versions less."""
    order = np.lexsort((np.arange(len(key)), key))
    before = np.cumsum(is_write[order])
    first = np.searchsorted(key[order], key[order])
    version = np.empty(len(key), np.int64)
    version[order] = before - np.where(first > 0, before[first - 1], 0)  # of a write its own, from 1
    round_begins = (np.arange(len(key)) // CLIENTS) * CLIENTS
    at = np.searchsorted(key[order] * len(key) + order, key * len(key) + round_begins)
    whole = np.concatenate(((0,), before))
    seen = whole[at] - whole[np.searchsorted(key[order], key)]
    missed = np.where(random.random(len(key)) < stale, 2, 0)
    value = np.where(is_write, version, np.maximum(seen - missed, 0))
    return value, value == 0


def measure(count: int, writers: str, stale: float, repeat: int) -> None:
    """Print one row for each guarantee."""
    history = history_of(count, one_writer=writers == "one", stale=stale)
    base_s = baseline_s()
    for versions in (False, True):
        for name in (*GUARANTEES, ALL):
            times = []
            for _ in range(repeat):
                began = process_time()
                result = getattr(verdict, name.replace("-", "_"))(history, versions=versions)
                times.append(process_time() - began)
            said = f"{result.valid!s:7} {result.details.get('violations', '')!s:>7}"
            shape = f"writers: {writers:7}  stale {stale:5.3f}  {'versions' if versions else '':8}"
            print(f"{count:>9,} operations, {shape}  {name:20} {said}  {min(times):6.2f} s "
                  f"({min(times) / base_s:5.1f} x the baseline's {base_s:.2f} s)", flush=True)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every combination."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--writers", default="one,several", help="one, several, or both with a comma between")
    parser.add_argument("--stale", default="0,0.001", help="shares of stale reads, separated by commas")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args(arguments)
    for writers in options.writers.split(","):
        for stale in map(float, options.stale.split(",")):
            measure(options.operations, writers, stale, options.repeat)
    return 0


if __name__ == "__main__":
    sys.exit(main())
