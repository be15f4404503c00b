"""The campaign: random histories of a few operations, every session guarantee against brute force over its formula.

    python -m benchmarks.session_guarantees_fuzz [--histories 100000] [--seed 0] [--operations 6] [--time-limit 1200]

Of each history every guarantee's verdict must be the one that brute force has over all orders of versions and all
visibilities; unknown is right, too, where a value was written twice. Every witness is decided once more by itself, and
no member of it may be left out. Of a fifth as many larger histories of registers numpy must say, and count, what plain
Python does. Exit status 0 if all agree, 1 if anything does not (with the seed that shows it), 2 if the time limit came
first.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from checkers.session import brute
from checkers.session.count import Counts
from checkers.session.decide import decide, examined
from checkers.session.large import decide_large
from checkers.session.minimal import breaks, minimal
from checkers.session.scene import Scene, scene_of
from checkers.session.violation import GUARANTEES, PRAM
from harness.columns import columns_of
from harness.history import History, Op

KINDS = ("register", "versions", "list", "set", "txn", "txn-list")
_WRITE = {"register": "write", "versions": "write", "list": "append", "set": "add"}


@dataclass(slots=True)
class Tally:
    """What was checked, by name; and what disagreed, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def expect(self, agrees: bool, message: str) -> None:
        if not agrees:
            self.disagreements.append(message)


class _Store:
    """Replicas that are told of writes now and then: what a read may plausibly show, by kind of object."""

    def __init__(self, random: Random, kind: str) -> None:
        self.random, self.kind = random, kind
        self.log: dict[str, list[int]] = {}
        self.fresh = iter(range(1, 1_000))
        self.known: dict[tuple[int, str], list[int]] = {}
        self.order = random.sample(range(1, 12), 11)

    def write(self, process: int, key: str) -> int:
        value = next(self.fresh)
        if self.kind == "versions":
            value = value + self.order[value % 11] - 5 if self.random.random() < 0.2 else value
        elif self.random.random() < 0.05:
            value = max(1, value - 1)  # written before, it may be
        self.log.setdefault(key, []).append(value)
        if self.random.random() < 0.7:
            self.known.setdefault((process, key), []).append(value)
        return value

    def read(self, process: int, key: str) -> Any:
        known = self.known.setdefault((process, key), [])
        for value in self.log.get(key, []):
            if value not in known and self.random.random() < 0.4:
                known.append(value)
        if known and self.random.random() < 0.15:
            known.pop(self.random.randrange(len(known)))
        if len(known) > 1 and self.random.random() < 0.1:
            self.random.shuffle(known)
        if self.random.random() < 0.005:
            known = [*known, self.random.randint(1, 12)]
        if self.kind in ("list", "set", "txn-list"):
            shown = sorted(known) if self.random.random() < 0.6 else known
            return list(shown) if shown or self.random.random() < 0.5 else None
        if self.kind == "versions" and known and self.random.random() < 0.7:
            return max(known)
        return known[-1] if known else None


def small(random: Random, operations: int, kinds: Sequence[str] = KINDS) -> tuple[History, bool]:
    """A history of so many operations at most, and whether its values are versions."""
    kind = random.choice(kinds)
    store = _Store(random, kind)
    processes, keys = random.choice((1, 2, 2, 2, 3)), "xy"[: random.choice((1, 1, 2))]
    sessions = random.choice((None, None, None, ["a"] * 3, ["a", "a", "b"]))
    overlap = random.choice((0.0, 0.0, 0.3, 0.6))
    lines: list[Op] = []
    running: list[tuple[int, str, str, Any]] = []
    names = list(range(processes))
    for _ in range(random.randint(2, max(2, operations // 2) if kind.startswith("txn") else operations)):
        while running and random.random() > overlap:
            _complete(random, store, lines, running.pop(random.randrange(len(running))), names, sessions)
        free = [thread for thread in range(processes) if thread not in {entry[0] for entry in running}]
        if free:
            running.append(_invoke(random, store, lines, random.choice(free), random.choice(keys), names, sessions))
    for entry in running:
        _complete(random, store, lines, entry, names, sessions)
    return History(lines), kind == "versions"


def _invoke(
    random: Random, store: _Store, lines: list[Op], thread: int, key: str, names: list[int], sessions: list[str] | None
) -> tuple[int, str, str, Any]:
    session = sessions[thread] if sessions else None
    if store.kind.startswith("txn"):
        micros = [_micro(random, store, thread) for _ in range(random.randint(1, 2))]
        lines.append(Op("invoke", names[thread], "txn", micros, session=session))
        return thread, "txn", key, micros
    f = "read" if random.random() < 0.5 else _WRITE[store.kind]
    value = None if f == "read" else store.write(thread, key)
    lines.append(Op("invoke", names[thread], f, value, key=key, session=session))
    return thread, f, key, value


def _micro(random: Random, store: _Store, thread: int) -> list[Any]:
    key = random.choice("xy")
    if random.random() < 0.5:
        return ["r", key, None]
    return ["append" if store.kind == "txn-list" else "w", key, store.write(thread, key)]


def _complete(
    random: Random, store: _Store, lines: list[Op], entry: tuple[int, str, str, Any], names: list[int],
    sessions: list[str] | None,
) -> None:  # fmt: skip
    thread, f, key, value = entry
    outcome = random.choices(("ok", "info", "fail"), (0.92, 0.06, 0.02))[0]
    if f == "read":
        value = store.read(thread, key) if outcome == "ok" else None
    elif f == "txn" and outcome == "ok":
        value = [[m[0], m[1], store.read(thread, m[1])] if m[0] == "r" else m for m in value]
    session = sessions[thread] if sessions else None
    lines.append(Op(outcome, names[thread], f, value, key=None if f == "txn" else key, session=session))  # type: ignore[arg-type]
    if outcome == "info":
        names[thread] += 10


def examine(tally: Tally, name: str, history: History, versions: bool) -> None:
    """Every guarantee of one small history."""
    scene = scene_of(history, None, "value", versions=versions)
    found = examined(scene, lambda: None)
    for guarantee in GUARANTEES:
        decision = decide(found, guarantee, lambda: None)
        verdict = False if decision.violations else "unknown" if decision.doubt else True
        truth = brute.decided(scene, guarantee)
        agrees = verdict == truth or (verdict == "unknown" and _is_vague(scene))
        tally.counts[f"{guarantee}: {verdict}"] += 1
        tally.counts["vaguer than brute force"] += verdict != truth
        tally.expect(agrees, f"{name}: {guarantee} is {verdict}, by its formula {truth}")
        if not agrees:
            continue
        for violation in decision.violations:
            witness, is_minimal = minimal(scene, guarantee, violation)
            calls = {operation.invoke for operation in witness}
            tally.counts[f"witnesses of {len(calls)} operations"] += 1
            keys = {violation.key, *(operation.key for operation in witness)}
            part = replace(scene, objects={key: scene.objects[key] for key in keys})
            spare = [call for call in calls if breaks(part, guarantee, calls - {call})]
            tally.expect(is_minimal and breaks(part, guarantee, calls) and not spare,
                         f"{name}: {guarantee}: a witness of {violation.type} is not minimal")  # fmt: skip


def examine_large(tally: Tally, name: str, history: History, versions: bool) -> None:
    """What numpy makes of a history, against plain Python; the verdict, and all counts."""
    columns = columns_of(history)
    assert columns is not None, "keys are text"
    large = History.from_columns(columns)
    for guarantee in GUARANTEES:
        found = decide_large(large, (guarantee,), "value", lambda: None, versions=versions, closer_max=1.0)
        if found is None:
            tally.counts[f"{guarantee}: not for numpy"] += 1
            continue
        scene = scene_of(history, None, "value", versions=versions)
        decision = decide(examined(scene, lambda: None), guarantee, lambda: None)
        counts = Counts().take_all(scene, decision.violations)
        other = found.decisions[guarantee]
        same = bool(decision.violations) == bool(other.violations) and (
            bool(decision.violations) or decision.reason == other.reason
        )
        tally.counts[f"{guarantee}: numpy {False if other.violations else other.reason or True}"] += 1
        tally.expect(same, f"{name}: {guarantee}: numpy finds {other.violations or other.doubt}, else "
                           f"{decision.violations or decision.doubt}")  # fmt: skip
        if guarantee != PRAM:  # which, with several writers, is not counted wholly
            said, known = (_comparable(each.as_json()) for each in (found.counts[guarantee], counts))
            tally.expect(said == known, f"{name}: {guarantee}: numpy counts {said}, else {known}")


def _comparable(counts: dict[str, Any]) -> dict[str, Any]:
    """Without which of several equally stale reads is named."""
    told = dict(counts)
    for worst in ("worst_staleness_versions", "worst_staleness_ms"):
        if worst in told:
            told[worst] = {name: value for name, value in told[worst].items() if name != "operation"}
    told["by_key"] = sorted(map(repr, told.get("by_key", [])))
    return told


def _is_vague(scene: Scene) -> bool:
    """Whether a value was written twice."""
    return any(len(writes) > 1 for each in scene.objects.values() for writes in each.writes.values())


def campaign(histories: int, seed: int, operations: int, deadline: float) -> Tally:
    """Examine that many until the deadline."""
    tally = Tally()
    for number in range(seed, seed + histories):
        if monotonic() > deadline:
            break
        random = Random(f"{number} {operations}")
        history, versions = small(random, operations)
        try:
            examine(tally, f"seed {number}, at most {operations} operations", history, versions)
        except Exception as error:  # noqa: BLE001 - a crash is a disagreement, and must name its seed
            tally.disagreements.append(f"seed {number}: {type(error).__name__}: {error}")
        tally.counts["histories"] += 1
    return tally


def campaign_large(histories: int, seed: int, operations: int, deadline: float) -> Tally:
    """Examine that many of registers alone, of any number of operations, until the deadline."""
    tally = Tally()
    for number in range(seed, seed + histories):
        if monotonic() > deadline:
            break
        random = Random(f"large {number} {operations}")
        history, versions = small(random, operations, ("register", "versions"))
        examine_large(tally, f"large, seed {number}, at most {operations} operations", history, versions)
        tally.counts["histories"] += 1
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--operations", type=int, default=7, help="the most operations of a history")
    parser.add_argument("--time-limit", type=float, default=1200.0, help="seconds")
    options = parser.parse_args(arguments)
    began = monotonic()
    tally = campaign(options.histories, options.seed, options.operations, began + options.time_limit)
    large = campaign_large(options.histories // 5, options.seed, 5 * options.operations, began + options.time_limit)
    tally.counts["histories of more operations"] = large.counts.pop("histories")
    tally.counts += large.counts
    tally.disagreements += large.disagreements
    for name, count in sorted(tally.counts.items()):
        print(f"{count:9,}  {name}")
    print(f"{len(tally.disagreements):9,}  disagreements, in {monotonic() - began:.1f} s")
    for message in tally.disagreements[:20]:
        print(message, file=sys.stderr)
    if tally.disagreements:
        return 1
    return 0 if tally.counts["histories"] == options.histories else 2


if __name__ == "__main__":
    sys.exit(main())
