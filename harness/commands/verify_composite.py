"""Evidence about transactions of sets, counters and ranges of keys, checked again: a serial order is executed; that no
order explains them is decided by brute force, or, if they are many, by the search."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from checkers.guard import Unsupported
from checkers.transactional.brute import TooLarge
from checkers.transactional.check import check
from checkers.transactional.commit_order import commit_order
from checkers.transactional.composite import brute
from checkers.transactional.composite.reading import Composite, is_composite, read_composite
from checkers.transactional.composite.serial import refute
from checkers.transactional.lattice import MODELS, Model
from harness.commands.evidence import Evidence, Finding
from harness.history import History

BRUTE_TRANSACTIONS_MAX: Final = 4


def examine(evidence: Evidence, history: History) -> Finding:
    """Whether the evidence shows of this history what it says."""
    model = MODELS[evidence.expect]
    if not is_composite(history):
        return Finding(False, "reading", "it is about transactions of sets, counters or ranges; these are of others")
    try:
        composite = read_composite(history, evidence.initial)
        if evidence.valid:
            return _order(evidence, composite, model)
    except (Unsupported, ValueError) as error:
        return Finding(False, "reading", str(error)[:400])
    return _again(evidence, history, composite, model)


def _order(evidence: Evidence, composite: Composite, model: Model) -> Finding:
    order = commit_order(evidence.proof)
    if order.snapshots is not None or order.sources:
        raise ValueError("read snapshots or sources; expected a serial order")
    numbers = {each.invoke: each.number for each in composite.transactions}
    if strange := [invoke for invoke in order.order if invoke not in numbers]:
        return Finding(False, "replay", f"it places operation {strange[0]}, which begins no transaction")
    objection = refute(composite, [numbers[invoke] for invoke in order.order], model.order)
    told = (f"executed one after the other, {len(order.order)} transactions read what they did read, in an order that "
            f"{model.name} allows")  # fmt: skip
    return Finding(objection is None, "replay", objection or told)


def _again(evidence: Evidence, history: History, composite: Composite, model: Model) -> Finding:
    if not evidence.proof:
        return Finding(False, "counting", "it has no anomaly")
    if len(composite.transactions) <= BRUTE_TRANSACTIONS_MAX:
        with suppress(TooLarge):  # then the search decides, below
            holds = brute.holds(composite, model)
            told = "an order explains all of them" if holds else f"no order of them is one that {model.name} allows"
            return Finding(not holds, "brute", told)
    result = check(history, expect=evidence.expect, initial=evidence.initial)
    if result.valid is False:
        return Finding(True, "search", "the history was decided again by the search that had found them, which is "
                                       "trusted here")  # fmt: skip
    told = "the search finds nothing wrong" if result.valid is True else result.explanation or ""
    return Finding("unknown" if result.valid == "unknown" else False, "search", told)
