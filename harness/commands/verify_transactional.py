"""Evidence about isolation levels, checked again: a commit order against the level's definition, an anomaly edge by
edge; an anomaly that only names its transactions is decided by brute force, or, if they are many, by the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from checkers.guard import Unsupported
from checkers.transactional.axiom import SNAPSHOTS, refute
from checkers.transactional.commit_order import CommitOrder, Initial, commit_order
from checkers.transactional.counterexample import History as Counterexamples
from checkers.transactional.counterexample import is_explicit
from checkers.transactional.counterexample import refute as refute_anomaly
from checkers.transactional.lattice import MODELS, Model, Order
from checkers.transactional.register.reading import data_type, read_transactions
from checkers.transactional.shown import Lists, Registers, Touching
from checkers.transactional.transaction import Transaction, transactions
from harness.commands.evidence import Evidence, Finding, digest
from harness.formats import Recording
from harness.history import History
from harness.result import worst

NilReads = Literal["value", "unknown"]
_TOLD_MAX: Final = 3
_EDGES_TOLD_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class _Read:
    """``transactions``: all, by invocation. ``initial``: what registers held at first; None: these are lists."""

    transactions: Sequence[Transaction]
    initial: Initial | None


def examine(evidence: Evidence, recording: Recording, nil_reads: NilReads) -> Finding:
    """Whether the evidence shows of this history what it says."""
    if digest(Path(recording.path)) != evidence.digest:
        return Finding(False, "digest", "it is about another file: this one does not have the digest that it says")
    return examine_history(evidence, recording.history, nil_reads)


def examine_history(evidence: Evidence, history: History, nil_reads: NilReads) -> Finding:
    """The same, the file apart."""
    if evidence.model == "composite":
        from harness.commands import verify_composite

        return verify_composite.examine(evidence, history)
    model = MODELS[evidence.expect]
    order: CommitOrder | None = None
    if evidence.valid:
        try:
            order = commit_order(evidence.proof)
        except ValueError as error:
            return Finding(False, "reading", str(error)[:400])
        if _replayed(evidence, history, model, order):
            return Finding(True, "replay", _told_order(order, model, _unknown_among(history, order)))
    found = data_type(history)
    if found != evidence.model:
        return Finding(False, "reading", f"it is about transactions on {evidence.model}s; these are on {found}s")
    if order is None:
        return _anomalies(evidence, history, model, nil_reads)
    try:
        read = _read(evidence, history, nil_reads)
    except Unsupported as error:
        return Finding(False, "reading", str(error)[:400])
    objection = refute(read.transactions, order, model, read.initial)
    told = objection or _told_order(order, model, _unknown_among(history, order))
    return Finding(objection is None, "replay", told)


def _read(evidence: Evidence, history: History, nil_reads: NilReads) -> _Read:
    if evidence.model == "list":
        return _Read((None if evidence.valid else _few(history)) or transactions(history), None)
    reading = read_transactions(history, evidence.initial, nil_reads)
    return _Read(reading.transactions, reading.initial)


def _few(history: History) -> Sequence[Transaction] | None:
    """The transactions of a large history of lists, of which evidence names a few, each made when it is asked for."""
    if history.columns is None:
        return None
    from checkers.transactional import columnar

    return columnar.transactions(history.columns)


def _replayed(evidence: Evidence, history: History, model: Model, order: CommitOrder) -> bool:
    """Whether compiled code executes the order of a large history of lists one after the other, as every level of this
    form allows: a short way to yes, of which no says nothing."""
    if evidence.model != "list" or history.columns is None or order.snapshots is not None:
        return False
    from checkers.transactional.columnar import replayed

    return replayed(history.columns, order.order, model.order)


def _unknown_among(history: History, order: CommitOrder) -> int:
    """How many of the order nobody was told of."""
    from harness.history import OK

    return sum(history.partners[invoke] < 0 or history.types[history.partners[invoke]] != OK for invoke in order.order)


_RESPECTS: Final = {
    Order.NONE: "",
    Order.SESSION: " It keeps the order inside sessions.",
    Order.REALTIME: " It keeps real time.",
}


def _told_order(order: CommitOrder, model: Model, unknown: int) -> str:
    taken = f", {unknown} of unknown outcome taken as committed" if unknown else ""
    shown = " and with these snapshots" if order.snapshots is not None and model.family in SNAPSHOTS else ""
    return (f"all transactions that committed are in the order ({len(order.order)}{taken}); every read is one that "
            f"{model.name} allows in this order{shown}.{_RESPECTS[model.order]}")  # fmt: skip


# ---------------------------------------------------------------------------- anomalies


def _anomalies(evidence: Evidence, history: History, model: Model, nil_reads: NilReads) -> Finding:
    try:
        read = _read(evidence, history, nil_reads)
    except Unsupported as error:
        return Finding(False, "reading", str(error)[:400])
    touching = Touching(read.transactions)
    facts = Lists(touching) if read.initial is None else Registers(touching, read.initial)
    here = Counterexamples(read.transactions, facts, model)
    findings: list[Finding] = []
    for each in evidence.proof:
        if is_explicit(each["details"]):
            objection = refute_anomaly(here, each["type"], each["details"])
            told = objection or _told_anomaly(each, model)
            findings.append(Finding(objection is None, "edges" if "reader" not in each["details"] else "reads", told))
        else:
            findings.append(_decided_again(each, evidence, history, read, nil_reads))
    if not findings:
        return Finding(False, "counting", "it has no anomaly")
    holds = worst(finding.holds for finding in findings)
    texts = [finding.explanation or "" for finding in findings if finding.holds is holds]
    more = [f"and {len(texts) - _TOLD_MAX} more"] if len(texts) > _TOLD_MAX else []
    return Finding(holds, "+".join(sorted({finding.method for finding in findings})),
                   "; ".join([*texts[:_TOLD_MAX], *more]))  # fmt: skip


def _told_anomaly(anomaly: Mapping[str, Any], model: Model) -> str:
    type_, details = anomaly["type"], anomaly["details"]
    if "reader" in details:
        return f"{type_}: T{details['reader']} did read that, and {model.name} forbids it"
    if "edges" not in details:
        first, second = details["pair"]
        return f"{type_}: T{first} before T{second}, or the other way: either is a cycle that {model.name} forbids"
    edges = details["edges"][:_EDGES_TOLD_MAX]
    path = " ".join(f"T{edge['from']} -{edge['type']}->" for edge in edges)
    back = f"T{edges[0]['from']}" if len(edges) == len(details["edges"]) else f"... ({len(details['edges'])} edges)"
    return f"{type_}: {path} {back}: the history has every edge, and {model.name} forbids the cycle"


def _decided_again(
    anomaly: Mapping[str, Any], evidence: Evidence, history: History, read: _Read, nil_reads: NilReads
) -> Finding:
    """An anomaly that names transactions, and does not say itself why no order explains them."""
    from checkers.transactional.again import violates
    from checkers.transactional.check import check

    everyone = {each.invoke for each in read.transactions}
    members = {*anomaly["operations"]} & everyone
    names = ", ".join(f"T{invoke}" for invoke in sorted(members)[:_EDGES_TOLD_MAX])
    if not members:
        return Finding(False, "reading", f"{anomaly['type']} names no transaction of this history")
    if anomaly["details"].get("ambiguous"):
        members = everyone  # who wrote what was read is one more thing to choose
    found = violates(read.transactions, members, MODELS[evidence.expect], read.initial)
    if found is not None:
        why = f"no order of {names} explains what they read" if found else f"an order explains what {names} read"
        return Finding(found, "brute", f"{anomaly['type']}: {why}")
    initial = evidence.initial if read.initial is not None else None
    result = check(history, expect=evidence.expect, initial=initial, nil_reads=nil_reads)
    if result.valid is False:
        return Finding(True, "search", f"{anomaly['type']}: {names}: the history was decided again by the search that "
                                       "had found them, which is trusted here")  # fmt: skip
    if result.valid == "unknown":
        return Finding("unknown", "search", result.explanation)
    return Finding(False, "search", f"{anomaly['type']}: the search finds nothing wrong with {names}")
