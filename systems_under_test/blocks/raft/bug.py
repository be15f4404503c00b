"""The mistakes that can be seeded into the core, each at the one place of the rule it breaks, and what they excuse.

A state without any of them (``State.bugs`` is empty) is Raft. An assertion that a mistake is bound to break would stop
the server before a client could see the damage; so where the mistake is seeded, exactly that assertion is off.
"""

from __future__ import annotations

from typing import Final

VOTE_WITHOUT_UP_TO_DATE_CHECK: Final = "vote-without-up-to-date-check"
COMMIT_EARLIER_TERM_BY_COUNT: Final = "commit-earlier-term-by-count"
APPEND_WITHOUT_PREVIOUS_CHECK: Final = "append-without-previous-check"
TRUNCATE_ON_EVERY_APPEND: Final = "truncate-on-every-append"
LOCAL_READS: Final = "local-reads"
READ_BEFORE_FIRST_COMMIT: Final = "read-before-first-commit"
LEASE_WITHOUT_BOUND: Final = "lease-without-bound"
NO_PRE_VOTE: Final = "no-pre-vote"
SNAPSHOT_DROPS_NEWER_SUFFIX: Final = "snapshot-drops-newer-suffix"
CHANGE_BEFORE_COMMIT: Final = "configuration-change-before-commit"
JUMP_WITHOUT_JOINT: Final = "jump-without-joint-phase"

# Mistakes of whoever keeps the storage; the core only meets what comes of them.
VOTE_NOT_PERSISTED: Final = "vote-not-persisted"
TERM_NOT_PERSISTED: Final = "term-not-persisted"
ACKNOWLEDGE_BEFORE_SYNC: Final = "acknowledge-before-sync"
CORRUPT_RECORD_ENDS_LOG: Final = "corrupt-record-ends-log"
WIPED_SERVER_VOTES: Final = "wiped-node-still-votes"
APPLIED_INDEX_SAVED_APART: Final = "applied-index-saved-apart"
UNKNOWN_REPORTED_AS_FAILED: Final = "unknown-reported-as-failed"

TWO_LEADERS: Final = frozenset({
    VOTE_NOT_PERSISTED, TERM_NOT_PERSISTED, WIPED_SERVER_VOTES, CHANGE_BEFORE_COMMIT, JUMP_WITHOUT_JOINT
})  # fmt: skip
"""A term may have two leaders (Figure 3, Election Safety)."""

COMMITTED_ENTRIES_CHANGE: Final = TWO_LEADERS | {
    ACKNOWLEDGE_BEFORE_SYNC,
    VOTE_WITHOUT_UP_TO_DATE_CHECK,
    COMMIT_EARLIER_TERM_BY_COUNT,
    APPEND_WITHOUT_PREVIOUS_CHECK,
    TRUNCATE_ON_EVERY_APPEND,
    CORRUPT_RECORD_ENDS_LOG,
    SNAPSHOT_DROPS_NEWER_SUFFIX,
    WIPED_SERVER_VOTES,
}
"""A leader may lack a committed entry (Leader Completeness), and a follower may have to replace what it has applied.
It then goes on as if it had not: what was applied stays, what takes its place is never applied here."""

COMMIT_FALLS: Final = frozenset({SNAPSHOT_DROPS_NEWER_SUFFIX})
"""A server may go back to an older state of its machine than it had."""

LOG_OUT_OF_ORDER: Final = frozenset({APPEND_WITHOUT_PREVIOUS_CHECK})
"""Terms may fall along the log (Log Matching)."""

NONE: Final[frozenset[str]] = frozenset()
