"""Polynomial decisions, for objects whose values are distinct.

Each says exactly when it applies; where it does not, it says nothing, and the search decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checkers.linearizable.distinct.verdict import Verdict
from checkers.linearizable.limit import Limit
from checkers.linearizable.model import Kind
from checkers.linearizable.operation import KeyHistory

if TYPE_CHECKING:
    from checkers.linearizable.distinct.pairing import Pairing

__all__ = ["Verdict", "decide"]


def decide(key: KeyHistory, limit: Limit) -> Verdict | None:
    """The verdict of the method for the object's kind, None where there is none or it does not apply. Raises
    :class:`checkers.guard.OutOfTimeError`."""
    kind = key.model.kind
    if kind == "register":
        from checkers.linearizable.distinct import zones  # each where it is needed: a history is of one kind

        return zones.decide(key)
    if kind == "other":
        return _decide_steps(key)
    from checkers.linearizable.distinct import lost
    from checkers.linearizable.distinct.pairing import pair

    pairing = pair(key, frozenset({()}) if kind == "bag" else ())
    if pairing is None:
        return None
    if pairing.refuted:
        return Verdict("bad-patterns", refuted=pairing.refuted)
    return lost.decide(pairing, lambda given: _decide(kind, given, limit))


def _decide_steps(key: KeyHistory) -> Verdict | None:
    from checkers.linearizable.models.key_value import KeyValue
    from checkers.linearizable.models.set import Set

    if isinstance(key.model, KeyValue):
        from checkers.linearizable.distinct import runs

        return runs.decide(key)
    if isinstance(key.model, Set):
        from checkers.linearizable.distinct import presence

        return presence.decide(key)
    return None


def _decide(kind: Kind, pairing: Pairing, limit: Limit) -> Verdict:
    from checkers.linearizable.distinct import fifo, lifo, priority

    if kind == "queue":
        return fifo.decide(pairing)
    if kind == "stack":
        return lifo.decide(pairing, limit)
    return priority.decide(pairing, ordered=kind == "priority")
