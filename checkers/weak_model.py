"""The semantics of the weak models, formula by formula: one table.

Notation (Burckhardt, "Principles of Eventual Consistency", 2014; Viotti & Vukolic, "Consistency in Non-Transactional
Distributed Storage Systems", 2016): a history has operations, of which W change something and R return something.
``so`` orders those of one session, a before b if a was ok before b was invoked (a partial order where a session spans
several processes). An explanation adds ``vis`` (which operations an operation saw) and ``ar``, a total order in which
conflicts are settled; it includes all that are ok, none that failed, and of the others any. ``RVal``: every result is
that of the operations visible to it, applied in the order ``ar``. A history satisfies a model if it has an explanation
for which the formula holds.

The order of writes is *explicit* where the values tell it: lists that are appended to, whose reads show the order.
Where two explanations differ because it is not known, the answer is unknown (``Reason.VERSION_ORDER``), never guessed.
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
)
WEAK_MODELS: Final[Mapping[str, WeakModel]] = {model.name: model for model in _ALL}
