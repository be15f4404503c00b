"""How fast histories of transactions on registers are decided: serializability and snapshot isolation, complete.

    python -m benchmarks.register_transactions [--transactions 1000,10000] [--store serializable,snapshot]
                                               [--anomaly none,lost-update,write-skew] [--solver sat] [--whole]

The history is that of a store with multiple versions: 20 clients, 1 to 4 micro-operations, half of them reads, 32
writes to each key on average; keys are picked uniformly or by Zipf's law. An anomaly is two concurrent transactions
in the middle that also read and write two keys of their own. Printed, in CPU seconds of this process: to read, to
explain the reads, to decide; how many windows and open pairs there were. ``--whole`` decides all at once, without a
guess.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from random import Random
from time import monotonic, process_time
from typing import Any

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from checkers.guard import OutOfTimeError
from checkers.transactional.lattice import Family, Order
from checkers.transactional.register.polygraph.decide import Polygraphs
from checkers.transactional.register.polygraph.window import SOLVERS
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.register.sources import histories
from harness.history import History, Op

CLIENTS = 20
MICROS = 4
WRITES_PER_KEY = 32
ANOMALIES = ("none", "lost-update", "write-skew")
LEVELS = (
    (Family.ANY, Order.REALTIME), (Family.ANY, Order.NONE), (Family.SNAPSHOT, Order.REALTIME),
    (Family.SNAPSHOT, Order.NONE), (Family.PREFIX, Order.NONE), (Family.ONE_RW, Order.NONE),
    (Family.UPDATE, Order.NONE), (Family.CURSOR, Order.NONE),
)  # fmt: skip


@dataclass(slots=True)
class _Client:
    """A transaction under way: its plan, and once it has begun the values and versions that it sees."""

    process: int
    plan: list[list[Any]]
    seen: dict[int, tuple[Any, int]] | None = None
    result: list[list[Any]] | None = None


@dataclass(slots=True)
class _Store:
    """Keys with their values and versions. ``snapshot``: a transaction reads as of its begin, and is begun anew where
    another wrote what it wants to write; else it takes place in one moment."""

    random: Random
    snapshot: bool
    weights: list[float] | None
    keys: int
    state: dict[int, tuple[Any, int]] = field(default_factory=dict)
    written: int = 0

    def plan(self) -> list[list[Any]]:
        random, plan = self.random, []
        for _ in range(random.randint(1, MICROS)):
            key = random.choices(range(self.keys), cum_weights=self.weights)[0] if self.weights else random.randrange(
                self.keys)  # fmt: skip
            if random.random() < 0.5:
                plan.append(["r", key, None])
            else:
                self.written += 1
                plan.append(["w", key, self.written])
        return plan

    def step(self, client: _Client) -> None:
        if client.seen is None:
            client.seen = {key: self.state.get(key, (None, 0)) for _, key, _ in client.plan}
            if self.snapshot:
                return
        wrote = {key: value for f, key, value in client.plan if f == "w"}
        if any(self.state.get(key, (None, 0))[1] != client.seen[key][1] for key in wrote):
            client.seen = None
            return
        own: dict[int, Any] = {}
        client.result = []
        for f, key, value in client.plan:
            if f == "w":
                own[key] = value
            client.result.append([f, key, own.get(key, client.seen[key][0])])
        for key, value in wrote.items():
            self.state[key] = (value, client.seen[key][1] + 1)


def lines(count: int, store: str, zipf: bool, anomaly: str = "none", seed: int = 0) -> list[Op]:
    """A history of that many transactions of a "serializable" or "snapshot" store."""
    random = Random(f"{count} {store} {zipf} {seed}")
    keys = max(10, count * (1 + MICROS) // 4 // WRITES_PER_KEY)
    weights = list(accumulate(1 / (rank + 1) for rank in range(keys))) if zipf else None
    found = list(_lines(_Store(random, store == "snapshot", weights, keys), count))
    if anomaly != "none":
        _spoil(found, anomaly)
    return found


def _lines(store: _Store, count: int) -> Iterator[Op]:
    random, started = store.random, 0
    free, running = list(range(CLIENTS)), list[_Client]()
    while started < count or running:
        if started < count and free and (not running or random.random() < 0.3):
            client = _Client(free.pop(random.randrange(len(free))), store.plan())
            running.append(client)
            started += 1
            yield Op("invoke", client.process, "txn", [[f, key, value] for f, key, value in client.plan])
            continue
        client = random.choice(running)
        if client.result is None:
            store.step(client)
        else:
            running.remove(client)
            free.append(client.process)
            yield Op("ok", client.process, "txn", client.result)


def _spoil(found: list[Op], anomaly: str) -> None:
    """Two concurrent transactions read two keys that nobody else uses, and write the same one, or one each."""
    place = len(found) // 2
    while not (found[place].type == "invoke" and found[place + 1].type == "invoke"):
        place += 1
    for number in (0, 1):
        key = f"q{number if anomaly == 'write-skew' else 0}"
        more = [["r", "q0", None], ["r", "q1", None], ["w", key, f"by {number}"]]
        invoke = found[place + number]
        end = next(each for each in range(place, len(found))
                   if found[each].process == invoke.process and found[each].type == "ok")  # fmt: skip
        for at in (place + number, end):
            found[at].value.extend(more)


def measure(count: int, store: str, zipf: bool, anomaly: str, options: argparse.Namespace) -> None:
    """Print a line for each level."""
    history = History(lines(count, store, zipf, anomaly))
    began = process_time()
    reading = read_transactions(history)
    read = process_time()
    explained = next(histories(reading))
    sources = process_time()
    what = f"{count:>7} {store:<12} {'zipf' if zipf else 'uniform':<8} {anomaly:<11}"
    print(f"{what} read {read - began:.2f} s, sources {sources - read:.2f} s", flush=True)
    for family, order in LEVELS:
        graphs = Polygraphs(explained, options.solver, monotonic() + options.time_limit, not options.whole)
        began = process_time()
        try:
            decision = graphs.decide(family, order)
            answer = f"{'valid' if decision.valid else f'{len(decision.members)} refute':<10}"
            answer += f" {decision.windows:>4} windows {decision.pairs:>7} pairs"
        except OutOfTimeError as error:
            answer = f"unknown: {error}"
        print(f"{what} {family.name:<9} {order.name:<9} {process_time() - began:>7.2f} s {answer}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each combination."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transactions", default="1000,10000")
    parser.add_argument("--store", default="serializable,snapshot")
    parser.add_argument("--anomaly", default=",".join(ANOMALIES))
    parser.add_argument("--solver", default="sat", choices=SOLVERS)
    parser.add_argument("--time-limit", type=float, default=120)
    parser.add_argument("--whole", action="store_true")
    options = parser.parse_args(arguments)
    gc.disable()  # as the checker does
    for count in map(int, options.transactions.split(",")):
        for store in options.store.split(","):
            for zipf in (False, True):
                for anomaly in options.anomaly.split(","):
                    measure(count, store, zipf, anomaly, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
