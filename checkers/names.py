"""What a history can be expected to be, by the names of ``--expect``, and where each is decided.

A checker is ``check(history, time_limit_s=..., and what its kind takes) -> Result``. To add one, write its file and add
its line here. Nothing is imported before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from harness.result import Result

LINEARIZABLE: Final = "linearizable"

# The isolation levels of transactions, weakest first, in the forms that they have (checkers/transactional/lattice.py).
_FORMS: Final = ("read-uncommitted", "read-committed", "read-atomic", "consistent-view", "parallel-snapshot-isolation",
                 "prefix", "snapshot-isolation", "repeatable-read")  # fmt: skip
LEVELS: Final = (
    "cursor-stability", "monotonic-atomic-view", "causal", "update-serializable", *_FORMS, "serializable",
    *(f"strong-session-{form}" for form in _FORMS), "strong-session-serializable",
    "strong-causal", *(f"strong-{form}" for form in _FORMS), "strict-serializable",
)  # fmt: skip

CHECKERS: Final[Mapping[str, str]] = {
    LINEARIZABLE: "checkers.linearizable:check",
    "sequential": "checkers.sequential:check",
    "sequential-per-key": "checkers.sequential.per_key:check",
    "consistent-prefix": "checkers.consistent_prefix:check",
    "causal-prefix": "checkers.causal_prefix:check",
    "session-guarantees": "checkers.session.verdict:session_guarantees",
    "read-your-writes": "checkers.session.verdict:read_your_writes",
    "monotonic-reads": "checkers.session.verdict:monotonic_reads",
    "monotonic-writes": "checkers.session.verdict:monotonic_writes",
    "writes-follow-reads": "checkers.session.verdict:writes_follow_reads",
    "pram": "checkers.session.verdict:pram",
    "set": "checkers.set:check",
    "set-full": "checkers.set_full:check",
    "set-full-linearizable": "checkers.set_full.linearizable:check",
    "counter": "checkers.counter:check",
    "queue": "checkers.queue:check",
    "total-queue": "checkers.total_queue:check",
    "lock": "checkers.lock:check",
    "mutual-exclusion": "checkers.lock.exclusion:check",
    "fencing": "checkers.lock.fencing:check",
    "unique-ids": "checkers.unique_ids:check",
    "ordered-ids": "checkers.ordered_ids:check",
    "consensus": "checkers.decision.consensus:check",
    "agreement": "checkers.decision.agreement:check",
    "integrity": "checkers.decision.integrity:check",
    "validity": "checkers.decision.validity:check",
    "termination": "checkers.decision.termination:check",
    "leader-uniqueness": "checkers.leader_uniqueness:check",
    "bank": "checkers.bank:check",
    "long-fork": "checkers.long_fork:check",
    "causal-reverse": "checkers.causal_reverse:check",
    "write-skew": "checkers.write_skew:check",
    "booking": "checkers.booking:check",
    "rows": "checkers.rows:check",
    "log": "checkers.log:check",
    "eventual": "checkers.convergence:check",
    "statistics": "checkers.statistics:check",
    **{level: f"checkers.transactional.level:{level.replace('-', '_')}" for level in LEVELS},
}


class UnknownExpectationError(ValueError):
    """A name that no checker has; the text says what was read, what is known, and what may have been meant."""

    def __init__(self, name: str) -> None:
        from difflib import get_close_matches

        near = get_close_matches(name[:80].lower(), CHECKERS, n=1, cutoff=0.5)
        meant = f" (did you mean {near[0]}?)" if near else ""
        super().__init__(f"read the expectation {name[:80]!r}; expected one of {', '.join(CHECKERS)}{meant}")


@cache
def checker(expect: str) -> Callable[..., Result]:
    """The function that decides ``expect``. Raises :class:`UnknownExpectationError`."""
    if expect not in CHECKERS:
        raise UnknownExpectationError(expect)
    module, _, attribute = CHECKERS[expect].partition(":")
    found: Callable[..., Result] = getattr(import_module(module), attribute)
    return found
