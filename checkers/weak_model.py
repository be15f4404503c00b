"""The semantics of the weak models, formula by formula: one table.

Notation (Burckhardt, "Principles of Eventual Consistency", 2014; Viotti & Vukolic, "Consistency in Non-Transactional
Distributed Storage Systems", 2016): a history has operations, of which W change something and R return something.
``so`` orders those of one session, a before b if a was ok before b was invoked (a partial order where a session spans
several processes). An explanation adds ``vis`` (which operations an operation saw) and ``ar``, a total order in which
conflicts are settled; it includes all that are ok, none that failed, and of the others any. ``RVal``: every result is
that of the operations visible to it, applied in the order ``ar``. A history satisfies a model if it has an explanation
for which the formula holds.

The order of writes is *explicit* where the values tell it: lists that are appended to, whose reads show the order;
registers whose values are versions (integers, the larger the newer: an option). Where two explanations differ because
it is not known, the answer is unknown (``Reason.VERSION_ORDER``), never guessed.

The session guarantees are about operations: each micro-operation of a transaction is one, and what stands before it in
its transaction comes before it in ``so``. In their formulas ``ar`` orders the writes of each key (writes of different
keys commute and need no order: Terry et al.), every read is of one key, ``f;g`` is f then g, and ``f:A->B`` is f from
operations of A to operations of B. No read sees a write that was invoked after it had completed. The order of a
register's versions is explicit where one session alone wrote it, as that session's order; of one that several sessions
wrote only this much is taken as known, that no session's own writes to it stand in another order than it wrote them,
and for ``monotonic-writes``, which asks just that, nothing. A guarantee is valid if every order that is possible
satisfies its formula, invalid if none does, else unknown; for sets and lists, where reads show all that they saw, some
order is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class WeakModel:
    """``objects``: what one explanation is about; ``plain`` says the formula in words."""

    name: str
    objects: Literal["all", "each key"]
    formula: str
    plain: str
    source: str


_ALL: Final = (
    WeakModel(
        "sequential",
        "all",
        "RVal and vis = ar and so subset of ar",
        "one order of all operations explains all results and keeps every session's order",
        "Lamport 1979",
    ),
    WeakModel(
        "sequential-per-key",
        "each key",
        "RVal and vis = ar and so subset of ar",
        "of each key by itself one order of its operations explains all results and keeps every session's order",
        "Lamport 1979; of registers, coherence: Gibbons & Korach 1997; weaker than that of all: Herlihy & Wing 1990",
    ),
    WeakModel(
        "consistent-prefix",
        "each key",
        "RVal; of each read vis is a prefix of ar restricted to W; so restricted to W subset of ar; no read sees a "
        "write that was invoked after it had completed",
        "every read shows the first writes of one order of all writes, which keeps every session's order of its "
        "writes; reads may go back and forth",
        "Terry, CACM 2013; as prefix sequential consistency: Viotti & Vukolic 2016; Burckhardt 2014",
    ),
    WeakModel(
        "causal-prefix",
        "all",
        "RVal and, of writes c to one key and e to another one, and reads r and r2, r2 of the key of c and of another "
        "session than e: if (c so e or c vis;so:R->W e) and e vis r so r2, then c vis r2",
        "whoever has seen a write sees, in other keys, what its session had read or written before it",
        "a part of causal memory: Ahamad et al. 1995; the anomaly: Kleppmann 2017, ch. 5, consistent prefix reads",
    ),
    WeakModel(
        "read-your-writes",
        "each key",
        "RVal and so:W->R subset of vis",
        "every read shows at least what its session had written",
        "Terry et al. 1994; Brzezinski et al. 2004; Burckhardt 2014 ch. 5; Viotti & Vukolic 2016",
    ),
    WeakModel(
        "monotonic-reads",
        "each key",
        "RVal and vis;so:R->R subset of vis",
        "no read shows less than an earlier one of its session",
        "Terry et al. 1994; Brzezinski et al. 2004; Burckhardt 2014 ch. 5; Viotti & Vukolic 2016",
    ),
    WeakModel(
        "monotonic-writes",
        "each key",
        "RVal and so:W->W subset of ar and so:W->W;vis subset of vis",
        "each session's writes take effect in their order, and none is seen without those before it",
        "Terry et al. 1994; Brzezinski et al. 2004; Viotti & Vukolic 2016",
    ),
    WeakModel(
        "writes-follow-reads",
        "each key",
        "RVal and vis;so:R->W subset of ar and vis;so:R->W;vis subset of vis",
        "a write takes effect after what its session had read before it, and is seen only with that",
        "Terry et al. 1994; Brzezinski et al. 2004; Viotti & Vukolic 2016",
    ),
    WeakModel(
        "pram",
        "all",
        "for each session there is an order of all W and its R that contains so and in which RVal holds with vis = "
        "that order; with explicit versions besides so:W->W of a key subset of ar, and no read comes after a newer "
        "version",
        "each session can order all writes, every session's in its own order, around its own reads; two sessions may "
        "see the writes of others in different orders, so that, without explicit versions, one order of versions for "
        "all, which the four guarantees ask for, need not exist",
        "Lipton & Sandberg 1988; as read-your-writes, monotonic-reads and monotonic-writes together: Brzezinski et al. "
        "2004",
    ),
    WeakModel(
        "session-guarantees",
        "all",
        "RVal and each of read-your-writes, monotonic-reads, monotonic-writes, writes-follow-reads and pram by itself",
        "all five hold, each by itself (with one explanation for all they would be causal consistency)",
        "Terry et al. 1994; Brzezinski et al. 2004",
    ),
)
WEAK_MODELS: Final[Mapping[str, WeakModel]] = {model.name: model for model in _ALL}
