"""Random histories of a few clients whose operations overlap, end in every way, or never end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

from harness.history import Call, History, Op


class Ask(NamedTuple):
    """One operation to be asked."""

    f: str
    argument: Any = None
    key: Any = None


def interleaved(
    random: Random,
    asked: Sequence[Ask],
    answer: Callable[[Ask], Any],
    *,
    clients: int = 3,
    weights: Sequence[float] = (6, 1, 1, 0.5),
    end: float = 0.5,
) -> History:
    """The operations in their order, each by some client that is free. ``answer`` gives the value of an ok completion
    when it happens. ``weights`` are those of ok, fail, info and of no completion at all, after which two a client goes
    on under a new number; ``end`` is the chance that something running ends before something else begins."""
    ops: list[Op] = []
    waiting = list(reversed(asked))
    free, running = list(range(clients)), {}
    number = clients
    while waiting or running:
        if running and (not waiting or not free or random.random() < end):
            process = random.choice(sorted(running))
            ask = running.pop(process)
            outcome: Any = random.choices(("ok", "fail", "info", None), weights)[0]
            if outcome is not None:
                value = answer(ask) if outcome == "ok" else ask.argument
                ops.append(Op(outcome, process, ask.f, value, key=ask.key, time=len(ops) * 1_000_000))
            free.append(process if outcome in ("ok", "fail") else number)
            number += outcome not in ("ok", "fail")
            continue
        process = free.pop(random.randrange(len(free)))
        running[process] = waiting.pop()
        ask = running[process]
        ops.append(Op("invoke", process, ask.f, ask.argument, key=ask.key, time=len(ops) * 1_000_000))
    return History(ops)


def end_of(call: Call) -> int:
    """Where an ok operation completed."""
    assert call.complete is not None
    return call.complete


def most_matched(wanting: Sequence[Sequence[int]]) -> int:
    """The size of a largest matching: each of ``wanting`` may take one of those that it names, each of which but one
    may take (augmenting paths)."""
    taken: dict[int, int] = {}

    def serve(one: int, tried: set[int]) -> bool:
        for other in wanting[one]:
            if other not in tried:
                tried.add(other)
                if other not in taken or serve(taken[other], tried):
                    taken[other] = one
                    return True
        return False

    return sum(serve(one, set()) for one in range(len(wanting)))
