"""Random small histories of the workloads bank, long fork, causal reverse, write skew and log, right and wrong ones
(those of booking stand beside its definition)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from benchmarks.booking_definitions import bookings
from harness.history import Op

Program = list[tuple[Op, Op | None]]


def interleaved(programs: Sequence[Program], random: Random) -> list[Op]:
    """Each program's calls in their order, all put together at random."""
    waiting = [[line for pair in program for line in pair if line is not None] for program in programs]
    lines: list[Op] = []
    while any(waiting):
        lines.append(random.choice([each for each in waiting if each]).pop(0))
    return lines


def _programs(
    random: Random, calls: int, make: Callable[[int], tuple[Op, Op | None]], processes_max: int = 4
) -> list[Program]:
    """Calls on a few processes; after an unknown outcome a process does nothing more."""
    programs: list[Program] = [[] for _ in range(random.randint(1, processes_max))]
    alive = list(range(len(programs)))
    for _ in range(calls):
        if not alive:
            programs.append([])
            alive.append(len(programs) - 1)
        process = random.choice(alive)
        call = make(process)
        programs[process].append(call)
        if call[1] is None or call[1].type == "info":
            alive.remove(process)
    return programs


def _outcome(random: Random) -> str:
    return random.choice(("ok",) * 7 + ("fail", "info", "none"))


def _call(process: int, f: str, argument: Any, outcome: str) -> tuple[Op, Op | None]:
    invoke = Op("invoke", process, f, argument)
    return invoke, None if outcome == "none" else Op(outcome, process, f, argument)  # type: ignore[arg-type]


def _partners(lines: Sequence[Op]) -> dict[int, int]:
    """Completion -> invocation, and back."""
    running: dict[Any, int] = {}
    found = {}
    for place, op in enumerate(lines):
        if op.type == "invoke":
            running[op.process] = place
        else:
            start = running.pop(op.process)
            found[place], found[start] = start, place
    return found


# Bank


def bank(random: Random) -> tuple[list[Op], dict[str, Any]]:
    accounts = ["a", "b", "c"][: random.randint(2, 3)]

    def make(process: int) -> tuple[Op, Op | None]:
        if random.random() < 0.5:
            return _call(process, "read", None, random.choice(("ok", "ok", "ok", "info", "fail")))
        source, target = random.choice(accounts), random.choice(accounts)
        asked = {"from": source, "to": target, "amount": random.randint(1, 3)}
        return _call(process, "transfer", asked, _outcome(random))

    lines = interleaved(_programs(random, random.randint(0, 12), make), random)
    balances = dict.fromkeys(accounts, 3)
    torn = random.random() < 0.5
    begun: list[dict[str, Any]] = []
    for place, op in enumerate(lines):
        if op.f == "transfer" and op.type == "ok":
            balances[op.value["from"]] -= op.value["amount"]
            balances[op.value["to"]] += op.value["amount"]
        if op.f == "transfer" and op.type == "invoke":
            begun.append(op.value)
        if op.f == "read" and op.type == "ok":
            lines[place] = replace(op, value=_balances(random, balances, begun, torn=torn))
    options: dict[str, Any] = {"negative_balances": random.random() < 0.6}
    if random.random() < 0.5:
        options["total"] = 3 * len(accounts) + (random.random() < 0.1)
    return lines, options


def _balances(random: Random, balances: dict[str, int], begun: list[Any], *, torn: bool) -> dict[str, int | None]:
    shown: dict[str, int | None] = dict(balances)
    if torn and begun and random.random() < 0.2:
        half = random.choice(begun)
        shown[half["from"]] = balances[half["from"]] - half["amount"]
    if random.random() < 0.04:
        shown.pop(random.choice(list(shown)))
    if random.random() < 0.04:
        shown["z"] = random.choice((0, 0, 1))
    if random.random() < 0.04:
        shown[random.choice(list(shown))] = None
    return shown


# Long fork


def long_fork(random: Random) -> tuple[list[Op], dict[str, Any]]:
    keys = ["x", "y", "z"][: random.randint(2, 3)]
    unwritten = list(keys)
    once = random.random() < 0.85
    values = iter(range(1, 99))

    def make(process: int) -> tuple[Op, Op | None]:
        micros: list[list[Any]] = []
        if random.random() < 0.4 and (unwritten or not once):
            for key in random.sample(
                unwritten if once else keys, 1 if random.random() < 0.8 or len(unwritten) < 2 else 2
            ):
                if once:
                    unwritten.remove(key)
                micros.append(["w", key, next(values) if once or random.random() < 0.7 else 1])
        if not micros or random.random() < 0.15:
            wanted = random.sample(keys, random.randint(min(2, len(keys)), len(keys)))
            micros += [["r", key, None] for key in wanted + ([wanted[0]] if random.random() < 0.1 else [])]
            random.shuffle(micros)
        outcome = _outcome(random)
        if outcome == "fail" and once:
            unwritten.extend(micro[1] for micro in micros if micro[0] == "w" and random.random() < 0.5)
        return _call(process, "txn", micros, outcome)

    lines = interleaved(_programs(random, random.randint(3, 9), make), random)
    partner = _partners(lines)
    order = [place for place, op in enumerate(lines) if op.type == "invoke" and _writes(op) and
             (place not in partner or lines[partner[place]].type != "fail")]  # fmt: skip
    if random.random() < 0.3:
        random.shuffle(order)
    wrong = random.random() < 0.6
    for place, op in enumerate(lines):
        if op.type == "ok":
            lines[place] = replace(op, value=_snapshot(random, lines, order, partner[place], place, wrong=wrong))
    return lines, {}


def _writes(op: Op) -> dict[str, Any]:
    return {key: value for f, key, value in op.value if f == "w"}


def _snapshot(random: Random, lines: list[Op], order: list[int], own: int, end: int, *, wrong: bool) -> list[list[Any]]:
    cuts = [0]
    for count, writer in enumerate(order):
        if writer >= end or writer == own:
            break
        cuts.append(count + 1)
    state: dict[str, Any] = {}
    for writer in order[: random.choice(cuts)]:
        state.update(_writes(lines[writer]))
    micros = []
    for f, key, value in lines[own].value:
        if f == "w":
            state[key] = value
            micros.append([f, key, value])
            continue
        shown = state.get(key)
        if wrong and random.random() < 0.4:
            begun = [line for line in (lines if random.random() < 0.1 else lines[:end]) if line.type == "invoke"]
            written = [value for line in begun for name, value in _writes(line).items() if name == key]
            shown = random.choice([None, *written, *([99] if random.random() < 0.05 else [])])
        micros.append([f, key, shown])
    return micros


# Causal reverse


def causal_reverse(random: Random) -> tuple[list[Op], dict[str, Any]]:
    transactions = random.random() < 0.4
    repeats = random.random() < 0.2
    values = iter(range(1, 99))

    def make(process: int) -> tuple[Op, Op | None]:
        if random.random() < 0.5:
            value = random.randint(1, 3) if repeats else next(values)
            argument = [["w", f"k{value}", value]] if transactions else value
            return _call(process, "txn" if transactions else "write", argument, _outcome(random))
        wanted = [["r", f"k{key}", None] for key in range(1, random.randint(2, 5))]
        return _call(process, "txn" if transactions else "read", wanted if transactions else None, _outcome(random))

    lines = interleaved(_programs(random, random.randint(4, 12), make, 2), random)
    partner = _partners(lines)
    wrong = random.random() < 0.5
    for place, op in enumerate(lines):
        is_read = op.f == "read" or (transactions and op.value[0][0] == "r")
        if op.type == "ok" and is_read:
            shown = _shown(random, lines, partner, place, wrong=wrong)
            if not transactions:
                lines[place] = replace(op, value=shown)
                continue
            micros = [["r", key, int(key[1:]) if int(key[1:]) in shown else None] for _, key, _ in op.value]
            lines[place] = replace(op, value=micros)
    return lines, {}


def _shown(random: Random, lines: list[Op], partner: dict[int, int], end: int, *, wrong: bool) -> list[int]:
    """What was written by some moment, all of it, or in a wrong one some of it."""
    until = random.randrange(end + 1)
    shown = []
    for place, op in enumerate(lines if wrong and random.random() < 0.1 else lines[:end]):
        value = op.value if op.f == "write" else op.value[0][2] if op.f == "txn" and op.value[0][0] == "w" else None
        if value is None or op.type != "invoke":
            continue
        outcome = lines[partner[place]].type if place in partner else "info"
        done = place in partner and partner[place] < until and outcome == "ok"
        open_ = outcome != "fail" and place < until and random.random() < 0.5
        if (done or open_ or (wrong and random.random() < 0.1)) and not (wrong and random.random() < 0.15):
            shown.append(value)
    return [*dict.fromkeys(shown), *([77] if wrong and random.random() < 0.03 else [])]


# Write skew


def write_skew(random: Random) -> tuple[list[Op], dict[str, Any]]:
    doctors = ["a", "b", "c"][: random.choice((2, 2, 3))]
    initial = random.choice((None, None, None, {"a": False}))
    comebacks = random.random() < 0.5

    def make(process: int) -> tuple[Op, Op | None]:
        micros = [["r", doctor, True] for doctor in doctors]
        kind = random.random()
        if kind < 0.55:
            micros.append(["w", random.choice(doctors), False])
        elif kind < 0.75 and comebacks:
            micros = [["w", random.choice(doctors), True]]
        elif random.random() < 0.2:
            micros = micros[:1]
        return _call(process, "txn", micros, _outcome(random))

    lines = interleaved(_programs(random, random.randint(1, 6), make), random)
    snapshots = random.random() < 0.6
    state = {doctor: (initial or {}).get(doctor, True) for doctor in doctors}
    states = [dict(state)]
    for place, op in enumerate(lines):
        if op.type == "ok":
            read = random.choice(states[-3:]) if snapshots else state
            lines[place] = replace(op, value=_done(op.value, dict(read), state))
            states.append(dict(state))
        elif op.type == "info" and random.random() < 0.5:
            state |= {doctor: on for f, doctor, on in op.value if f == "w"}
            states.append(dict(state))
    return lines, {"initial": initial}


def _done(asked: list[list[Any]], read: dict[str, bool], state: dict[str, bool]) -> list[list[Any]]:
    """What came of it; nobody goes off call who sees nobody else."""
    micros = []
    for f, doctor, on in asked:
        if f == "r":
            micros.append([f, doctor, read[doctor]])
        elif on or any(read[other] for other in read if other != doctor):
            micros.append([f, doctor, on])
            read[doctor] = state[doctor] = on
    return micros


# Log


def log(random: Random) -> tuple[list[Op], dict[str, Any]]:
    partitions = [0, 1][: random.randint(1, 2)]
    values = iter(range(1, 99))
    repeats = random.random() < 0.08
    following = random.random()
    both = random.random() < 0.2

    def make(process: int) -> tuple[Op, Op | None]:
        if random.random() < 0.12:
            f = "subscribe" if following < 0.3 else "assign"
            return _call(process, f, random.sample(partitions, random.randint(1, len(partitions))), _outcome(random))
        kinds = random.choice((["send"], ["poll"], ["send", "send"], ["send", "poll"], ["poll", "poll"], ["poll"]))
        if both:
            kinds = ["send", "poll"]
        f = kinds[0] if len(set(kinds)) == 1 else "txn"
        micros: list[list[Any]] = [
            ["send", random.choice(partitions), 1 if repeats else next(values)] if kind == "send" else ["poll"]
            for kind in kinds
        ]
        return _call(process, f, micros, _outcome(random))

    lines = interleaved(_programs(random, random.randint(2, 10), make), random)
    if random.random() < 0.6:
        lines += [Op("invoke", 9, "poll", [["poll"]]), Op("ok", 9, "poll", [["poll"]])] * random.randint(1, 2)
    return _Broker(random, lines).served(), {}


class _Broker:
    """Sends are appended at the completion (or never); every consumer goes on from where it was, but for mistakes."""

    def __init__(self, random: Random, lines: list[Op]) -> None:
        self.random, self.lines = random, lines
        self.logs: dict[int, dict[int, Any]] = {0: {}, 1: {}}
        self.positions: dict[Any, dict[int, int]] = {}
        self.error = random.choice((0.0, 0.0, 0.08, 0.2))
        self.partner = _partners(lines)
        self.early = random.random() < 0.3

    def served(self) -> list[Op]:
        lines = list(self.lines)
        answers: dict[int, list[Any]] = {}
        for place, op in enumerate(lines):
            if op.f in ("assign", "subscribe"):
                if op.type == "ok":
                    mine = self.positions.get(op.process, {})
                    self.positions[op.process] = {key: mine[key] for key in op.value if key in mine}
            elif op.type == "invoke" and self.early:
                answers[place] = self._sent(op, self._ends(place))
            elif op.type != "invoke":
                answer = self._polled(op, answers.get(self.partner[place]) or self._sent(op, op.type))
                keep = op.type == "ok" or self.random.random() < 0.3
                extra = {"rebalance-log": [{"keys": [0]}]} if self.random.random() < 0.05 else None
                lines[place] = replace(op, value=answer if keep else op.value, extra=extra)
        return lines

    def _ends(self, place: int) -> str:
        return self.lines[self.partner[place]].type if place in self.partner else "info"

    def _wrong(self) -> bool:
        return self.random.random() < self.error

    def _sent(self, op: Op, outcome: str) -> list[Any]:
        happens = outcome == "ok" or (outcome == "info" and self.random.random() < 0.6) or self._wrong()
        micros: list[Any] = []
        for micro in op.value:
            if micro[0] == "send":
                offset = self._append(micro[1], micro[2]) if happens else None
                told = offset if self.random.random() < 0.9 else None
                micros.append(["send", micro[1], [told, micro[2]]])
            else:
                micros.append(micro)
        return micros

    def _polled(self, op: Op, micros: list[Any]) -> list[Any]:
        own = set() if self._wrong() else {micro[2][1] for micro in micros if micro[0] == "send"}
        return [["poll", self._poll(op.process, own)] if micro[0] == "poll" else micro for micro in micros]

    def _append(self, key: int, value: Any) -> int:
        log = self.logs[key]
        offset = max(log, default=-1) + 1 + (self.random.random() < 0.2)
        if self._wrong() and log:
            offset = self.random.choice(list(log))
        if not self._wrong():
            log[offset] = value
        if self._wrong():
            log[max(log, default=-1) + 1] = value
        return offset

    def _poll(self, process: Any, own: set[Any]) -> dict[str, list[Any]]:
        mine = self.positions.setdefault(process, {})
        shown: dict[str, list[Any]] = {}
        for key, log in self.logs.items():
            position = mine.get(key, -1)
            if self._wrong():
                position += self.random.choice((-2, -1, 1, 1, 2))
            ahead = [(offset, log[offset]) for offset in sorted(log) if offset > position][
                : 99 if process == 9 else self.random.choice((0, 1, 2, 4))
            ]
            ahead = [each for each in ahead if each[1] not in own and not self._wrong()]
            if ahead and (process == 9 or self.random.random() < 0.8):
                mine[key] = ahead[-1][0]
                shown[str(key)] = [[offset if self.random.random() < 0.97 else None, 66 if self._wrong() and
                                    self.random.random() < 0.1 else value] for offset, value in ahead]  # fmt: skip
        return shown


HISTORIES: dict[str, Callable[[Random], tuple[list[Op], dict[str, Any]]]] = {
    "bank": bank,
    "long-fork": long_fork,
    "causal-reverse": causal_reverse,
    "write-skew": write_skew,
    "booking": bookings,
    "log": log,
}
