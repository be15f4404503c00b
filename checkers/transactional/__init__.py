"""Isolation levels of transactions: which of them a history satisfies, and the story of every anomaly.

``check(history, expect="serializable", ...)`` decides one level and tells of all (:mod:`.lattice` is their table).
Transactions on lists (Jepsen's list-append) are decided, and those on registers, sets, counters and ranges of keys
(predicate reads), in any mixture; lists beside these are unsupported.
"""

from checkers.transactional.check import check
from checkers.transactional.lattice import MODELS

__all__ = ["MODELS", "check"]
