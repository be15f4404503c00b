"""How large a plan is: what a smaller one has less of, in order of what a person minds most."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from harness.plan import Plan

UNCOUNTED: Final = inf
"""The number of operations of a plan that does not list them."""

Size = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """``faults`` and ``operations`` of a plan; the latter None where it does not list them."""

    faults: int
    operations: int | None

    def __str__(self) -> str:
        return (
            f"{plural(self.faults, 'fault')}, {'generated' if self.operations is None else self.operations} operations"
        )

    def as_json(self) -> dict[str, Any]:
        return {"faults": self.faults, "operations": self.operations}


def count(plan: Plan) -> Count:
    return Count(len(plan.schedule), None if plan.operations is None else len(plan.operations))


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size(plan: Plan) -> Size:
    """A measure to compare plans of one failure by: faults, operations, nodes, client threads, keys, then how much
    there is to read in it."""
    operations = plan.operations
    return (
        len(plan.schedule),
        UNCOUNTED if operations is None else len(operations),
        plan.nodes,
        plan.concurrency,
        0 if operations is None else len({json.dumps(operation.key) for operation in operations}),
        sum(map(_weight, plan.schedule)) + sum(map(_weight, operations or ())) + _figure(plan.time_limit_s),
        plan.seed,
    )


def _weight(entry: Any) -> float:
    return sum(_read(getattr(entry, name)) for name in entry.__dataclass_fields__)


def _read(value: Any) -> float:
    return sum(_figures(value))


def _figures(value: Any) -> Iterator[float]:
    """Every figure, word and entry: round figures weigh less than others, and smaller ones less than larger ones."""
    if isinstance(value, Mapping):
        for entry in value.values():
            yield 1.0
            yield from _figures(entry)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for entry in value:
            yield 1.0
            yield from _figures(entry)
    elif isinstance(value, (int, float)):
        yield _figure(value)
    elif value is not None:
        yield 1.0


def _figure(value: float) -> float:
    """The number of significant digits, and a little for how large it is."""
    digits = f"{abs(value):.12g}".replace(".", "").strip("0").partition("e")[0]
    return len(digits) + min(0.9, abs(value) / 1e12)
