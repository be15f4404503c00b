"""Sequential consistency: one order of all operations, which keeps each session's own, explains all results.

Lamport, "How to make a multiprocessor computer that correctly executes multiprocess programs" (1979). Unlike
linearizability it is not compositional: ``check`` puts the operations of all keys in one order; ``per_key.check`` is
the weaker model in which each key has an order of its own. The models are those of ``checkers.linearizable``.

``scope`` says what belongs in one order, and which sessions' order it must keep; ``decide`` how that is decided: by
linearizability where that holds, by what registers force (``saturation``), by a search over the sessions' positions and
the objects' states together (``arrangement``, ``search``), by z3 (``symbolic``). No verdict is believed on its word: a
valid one comes with the order, replayed by ``certificate``; an invalid one with a minimal ``witness``, decided once
more by ``brute`` force where it is small enough, and told in words (``explain``).
"""

from checkers.sequential.verdict import ANOMALY, PER_KEY, SEQUENTIAL, check

__all__ = ["ANOMALY", "PER_KEY", "SEQUENTIAL", "check"]
